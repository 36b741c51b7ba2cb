import { hasMethod, isSignal, misfit, shown } from '@millrace/world'

/** Checks of arguments that only channels have: scopes, inputs, counts and choices. */

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

/** @throws TypeError unless `value` is an options object. `fields` names the known ones. */
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

/** @throws TypeError unless `value` has those methods. `instead` names what to pass. */
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
