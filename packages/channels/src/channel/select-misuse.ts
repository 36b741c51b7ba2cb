import { hasMethod, isSignal, misfit, shown, signalMisfit } from '@millrace/world'

/**
 * Describes invalid arguments of a select from plain JavaScript, with advice.
 *
 * A select does not validate its arguments: types do. They are checked only after a failure, and when there
 * is no case at all.
 */

const CASE = 'channel.receiveCase() or channel.sendCase(value)'

/** The error for invalid arguments of `operation`; undefined if they are valid. */
export function misuseOfSelect(operation: string, cases: unknown, options: unknown): TypeError | undefined {
  return misuseOfCases(operation, cases) ?? misuseOfOptions(operation, options)
}

/**
 * The error for invalid cases; undefined if they are valid. Undefined and null are cases that are never
 * chosen.
 */
export function misuseOfCases(
  operation: string,
  cases: unknown,
  allowed: 'cases' | 'functions too' = 'cases',
): TypeError | undefined {
  if (typeof cases !== 'object' || cases === null || !isRecord(cases)) {
    return new TypeError(
      `${operation}: ${shown(cases)} is not an object of cases; pass { name: channel.receiveCase() }`,
    )
  }
  for (const [name, each] of Object.entries(cases)) {
    if (each === undefined || each === null || hasMethod(each, 'isReady')) continue
    if (typeof each === 'function' && allowed === 'functions too') continue
    return misfit(operation, `the case ${JSON.stringify(name)}`, each, caseFor(each))
  }
  return undefined
}

// A plain object without fields may be an empty select. An instance of a class is an error.
function isRecord(cases: object): boolean {
  return Object.keys(cases).length > 0 || hasPlainPrototype(cases)
}

function hasPlainPrototype(cases: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(cases)
  return prototype === Object.prototype || prototype === null
}

/** How to make a case of `value`. */
function caseFor(value: unknown): string {
  if (typeof value === 'function') return 'its result'
  if (isSignal(value)) return 'aborted(signal)'
  if (hasMethod(value, 'value') && isSignal((value as { readonly signal?: unknown }).signal)) {
    return 'doneCase(context)'
  }
  const [canReceive, canSend] = [hasMethod(value, 'receiveCase'), hasMethod(value, 'sendCase')]
  if (canReceive !== canSend) return canReceive ? 'channel.receiveCase()' : 'channel.sendCase(value)'
  return CASE
}

/** The error for invalid options of a select; undefined if they are valid. */
export function misuseOfOptions(operation: string, options: unknown): TypeError | undefined {
  if (options === undefined) return undefined
  if (typeof options !== 'object' || options === null || isSignal(options)) {
    return new TypeError(`${operation}: the options are ${shown(options)}; pass { signal, random }`)
  }
  const { signal, random } = options as { readonly signal?: unknown; readonly random?: unknown }
  if (signal !== undefined) {
    const error = signalMisfit(operation, signal)
    if (error !== undefined) return error
  }
  return random === undefined || hasMethod(random, 'int')
    ? undefined
    : misfit(operation, 'the option random', random, 'a Random, such as seededRandom(1)')
}
