import { MillraceError } from '@millrace/core'

/**
 * What a function of an operator may return: anything but a promise. For a promise it is a type that no value has, and
 * whose name says what to do. A generic function of your own, for which the compiler cannot know, returns
 * `value as Synchronous<T>`.
 */
export type Synchronous<R> = R extends PromiseLike<unknown> ? OperatorsDoNotWaitUseMapAsync : R

/** The type that stands for a promise where none is allowed. Call the asynchronous function in `mapAsync`. */
export interface OperatorsDoNotWaitUseMapAsync {
  readonly 'operators do not wait; call asynchronous functions in mapAsync': never
}

/** Whether `code` is an `async` function, or an `async` generator. */
function isAsync(code: unknown): boolean {
  return Object.prototype.toString.call(code).startsWith('[object Async')
}

/**
 * Throws `ASYNC_FUNCTION` for an `async` function where the engine does not wait. `method` and `name` say where, for
 * programs that are run without being type-checked.
 */
export function requireSynchronous(code: unknown, method: string, name: string | undefined): void {
  if (typeof code !== 'function' || !isAsync(code)) return
  const text = code.toString().replaceAll(/\s+/g, ' ')
  const where = name === undefined ? `a ${method}` : `${method} '${name}'`
  throw new MillraceError(
    'ASYNC_FUNCTION',
    `the function of ${where} is async: ${text.length > 80 ? `${text.slice(0, 80)}…` : text}. Operators do not wait; call it in mapAsync and hand on the result`,
  )
}

/** The same for the methods `names` of `owner`, as far as it has them. */
export function requireSynchronousMethods<T extends object>(
  owner: T,
  names: readonly (keyof T)[],
  method: string,
  name: string,
): void {
  for (const each of names) requireSynchronous(owner[each], method, name)
}
