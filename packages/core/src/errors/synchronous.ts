import { MillraceError } from './errors.ts'

/** What a function may return whose result is not used: nothing, or anything but a promise. */
export type NotAPromise =
  | void
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | (object & { readonly then?: never })

/** Whether `value` is a promise, or anything else that `await` would wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

/**
 * Throws `ASYNC_FUNCTION` for what a user's function returned where nothing waits. `what` names it, for messages:
 * "its function returned".
 */
export function refusePromise(returned: PromiseLike<unknown>, what = 'its function returned'): never {
  // It may reject later, when this error has long been reported.
  returned.then(undefined, () => {})
  throw new MillraceError(
    'ASYNC_FUNCTION',
    `${what} a promise, and operators do not wait; call it in mapAsync and pass on the result`,
  )
}
