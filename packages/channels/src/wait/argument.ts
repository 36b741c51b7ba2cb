/**
 * Arguments of the wrong kind, as plain JavaScript hands them in; elsewhere the compiler keeps them out.
 *
 * What is refused says where, what was passed, and what to pass. All of these are called where something is made, where
 * a task starts, or after an operation has failed: never for each value.
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

/** Whether `value` is an AbortSignal, of whatever make. */
export function isSignal(value: unknown): boolean {
  return hasMethod(value, 'addEventListener') && 'aborted' in (value as object)
}

function isPromise(value: unknown): boolean {
  return hasMethod(value, 'then')
}

/** The error that refuses `value`: `of` names the operation, `what` the argument, `instead` what to pass. */
export function misfit(of: string, what: string, value: unknown, instead: string): TypeError {
  return new TypeError(`${of}: ${what} is ${shown(value)}; pass ${instead}`)
}

/** Why `value` is refused as a function, if it is. Most often it is what the function would have returned. */
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

/** Why `value` is refused as the signal of a wait, if it is. A context, a controller and options have one. */
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

/** @throws RangeError unless `value` is a positive integer. */
export function requirePositive(of: string, name: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) > 0) return
  throw new RangeError(`${of}: ${name} is ${shown(value)}; pass a positive integer`)
}

/** @throws TypeError unless `value` is one of `choices`. */
export function requireChoice(of: string, name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return
  throw misfit(of, name, value, choices.map((choice) => JSON.stringify(choice)).join(' or '))
}

/** @throws TypeError unless `value` can hold options. `fields` names those that there are. */
export function requireOptions(of: string, value: unknown, fields: string): void {
  if (typeof value === 'object' && value !== null) return
  throw new TypeError(`${of}: the options are ${shown(value)}; pass { ${fields} }`)
}

/** @throws TypeError unless `value` is a scope. */
export function requireScope(of: string, value: unknown): void {
  if (hasMethod(value, 'go') && isSignal((value as { readonly signal?: unknown }).signal)) return
  throw misfit(of, 'the scope', value, 'a Scope')
}

/** @throws TypeError unless `value` is a channel that can be received from. */
export function requireInput(of: string, value: unknown, what = 'the input'): void {
  if (hasMethod(value, 'receiveCase')) return
  const isIterable = hasMethod(value, Symbol.iterator) || hasMethod(value, Symbol.asyncIterator)
  throw misfit(
    of,
    what,
    value,
    isIterable ? 'a channel: fromIterable makes one' : 'a channel to receive from',
  )
}

/** @throws TypeError unless `value` has those methods. `instead` says what has. */
export function requireMethods(
  of: string,
  what: string,
  value: unknown,
  names: readonly (string | symbol)[],
  instead: string,
): void {
  if (!names.every((name) => hasMethod(value, name))) throw misfit(of, what, value, instead)
}

/** @throws TypeError unless `value` is a scope and `input` a channel that can be received from. */
export function requireFlow(of: string, scope: unknown, input: unknown): void {
  requireScope(of, scope)
  requireInput(of, input)
}
