import { MillraceError } from './errors.ts'

/** What a function may return whose result is ignored: anything but a promise. */
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

/** Whether `value` is a promise or another thenable. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

/**
 * Throws `ASYNC_FUNCTION` for a promise that a user's function returned where nothing awaits it. `what` names
 * it in the message: "its function returned".
 */
export function refusePromise(returned: PromiseLike<unknown>, what = 'its function returned'): never {
  // It may reject later, after this error was reported.
  returned.then(undefined, () => {})
  throw new MillraceError(
    'ASYNC_FUNCTION',
    `${what} a promise, and operators do not wait; call it in mapAsync and pass on the result`,
  )
}
