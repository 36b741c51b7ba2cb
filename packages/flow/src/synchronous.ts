import { MillraceError } from '@millrace/core'

/**
 * The allowed result of an operator's function: anything but a promise. For a promise it is an impossible
 * type whose name is the advice. In a generic function of your own, where the compiler cannot know, return
 * `value as Synchronous<T>`.
 */
export type Synchronous<R> = R extends PromiseLike<unknown> ? OperatorsDoNotWaitUseMapAsync : R

/** A type error as a sentence, for a promise. Call the asynchronous function in `mapAsync`. */
export interface OperatorsDoNotWaitUseMapAsync {
  readonly 'operators do not wait; call asynchronous functions in mapAsync': never
}

/** Whether `code` is an `async` function, or an `async` generator. */
function isAsync(code: unknown): boolean {
  return Object.prototype.toString.call(code).startsWith('[object Async')
}

/**
 * Throws `ASYNC_FUNCTION` for an `async` function where the engine does not wait. `method` and `name` give
 * the place, for programs that run without type checks.
 */
export function requireSynchronous(code: unknown, method: string, name: string | undefined): void {
  if (typeof code !== 'function' || !isAsync(code)) return
  const text = code.toString().replaceAll(/\s+/g, ' ')
  const where = name === undefined ? `a ${method}` : `${method} '${name}'`
  throw new MillraceError(
    'ASYNC_FUNCTION',
    `the function of ${where} is async: ${text.length > 80 ? `${text.slice(0, 80)}…` : text}. Operators do not wait; call it in mapAsync and pass on the result`,
  )
}

/** The same for the methods `names` of `owner` that exist. */
export function requireSynchronousMethods<T extends object>(
  owner: T,
  names: readonly (keyof T)[],
  method: string,
  name: string,
): void {
  for (const each of names) requireSynchronous(owner[each], method, name)
}
