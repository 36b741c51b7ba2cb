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
 * Throws `OPTION_INVALID` for something that is no function, and `ASYNC_FUNCTION` for an `async` function where the engine
 * does not wait. `method` and `name` give
 * the place, for programs that run without type checks.
 */
export function requireSynchronous(code: unknown, method: string, name: string | undefined): void {
  const where = name === undefined ? `a ${method}` : `${method} '${name}'`
  requireFunction(code, where)
  if (!isAsync(code)) return
  const text = String(code).replaceAll(/\s+/g, ' ')
  throw new MillraceError(
    'ASYNC_FUNCTION',
    `the function of ${where} is async: ${text.length > 80 ? `${text.slice(0, 80)}…` : text}. Operators do not wait; call it in mapAsync and pass on the result`,
  )
}

/** Throws `OPTION_INVALID` if the method `name` of `owner`, which is mandatory, is missing. */
export function requireMethod<T extends object>(owner: T, name: keyof T & string, of: string): void {
  requireFunction(owner[name], `${name} of ${of}`)
}

/** Throws `OPTION_INVALID` for something that is no function, for programs that run without type checks. */
export function requireFunction(code: unknown, where: string): void {
  if (typeof code === 'function') return
  throw new MillraceError('OPTION_INVALID', `${where} needs a function and is given ${typeof code}`)
}

/** The same for the methods `names` of `owner` that exist. */
export function requireSynchronousMethods<T extends object>(
  owner: T,
  names: readonly (keyof T)[],
  method: string,
  name: string,
): void {
  for (const each of names) {
    if (owner[each] !== undefined) requireSynchronous(owner[each], method, name)
  }
}
