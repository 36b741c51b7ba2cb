/**
 * Checks of arguments, for callers without the compiler.
 *
 * Each error names the operation, the argument, what was passed and what to pass. Call them where an object is created,
 * where a task starts, or after an operation has failed: never for each value.
 */

/** A value as a message shows it: `"5"`, `null`, `a Channel`, `a promise`, `the function work`. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (isPromise(value)) return 'a promise'
  const name = classOf(value)
  if (name === undefined || name === 'Object') return 'an object'
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`
}

function classOf(value: object): string | undefined {
  const { constructor } = value as { constructor?: unknown }
  return typeof constructor === 'function' ? constructor.name : undefined
}

/** Whether `value` has a method of that name. */
export function hasMethod(value: unknown, name: string | symbol): boolean {
  return (
    typeof (value as Readonly<Record<string | symbol, unknown>> | null | undefined)?.[name] === 'function'
  )
}

/** Whether `value` is an AbortSignal, of this realm or another. */
export function isSignal(value: unknown): boolean {
  return hasMethod(value, 'addEventListener') && 'aborted' in (value as object)
}

function isPromise(value: unknown): boolean {
  return hasMethod(value, 'then')
}

/** The TypeError for `value`: `of` names the operation, `what` the argument, `instead` what to pass. */
export function misfit(of: string, what: string, value: unknown, instead: string): TypeError {
  return new TypeError(`${of}: ${what} is ${shown(value)}; pass ${instead}`)
}

/** The error for `value` where a function is needed, or undefined. A promise is most often the result of the call. */
export function functionMisfit(of: string, what: string, value: unknown): TypeError | undefined {
  if (typeof value === 'function') return undefined
  return misfit(of, what, value, isPromise(value) ? 'a function that starts it: () => work()' : 'a function')
}

/** @throws TypeError unless `value` is a function. */
export function requireFunction(of: string, what: string, value: unknown): void {
  const error = functionMisfit(of, what, value)
  if (error !== undefined) throw error
}

/** @throws TypeError unless `value` is an AbortSignal. */
export function requireSignal(of: string, value: unknown): void {
  const error = signalMisfit(of, value)
  if (error !== undefined) throw error
}

/** The error for `value` where a signal is needed, or undefined. Contexts, controllers and options have a signal. */
export function signalMisfit(of: string, value: unknown): TypeError | undefined {
  if (isSignal(value)) return undefined
  const hasSignal = isSignal((value as { readonly signal?: unknown } | null | undefined)?.signal)
  return misfit(
    of,
    'the signal',
    value,
    hasSignal ? 'its property signal' : 'an AbortSignal, or leave it out',
  )
}

/** @throws TypeError unless `value` is a clock. */
export function requireClock(of: string, value: unknown): void {
  if (hasMethod(value, 'schedule') && hasMethod(value, 'monotonic')) return
  throw misfit(of, 'the clock', value, 'a Clock, such as systemClock')
}

/** @throws RangeError unless `value` is a number, and not NaN. */
export function requireDelay(
  of: string,
  name: string,
  value: unknown,
  instead = 'a number of milliseconds',
): void {
  if (typeof value === 'number' && !Number.isNaN(value)) return
  throw new RangeError(`${of}: ${name} is ${shown(value)}; pass ${instead}`)
}
