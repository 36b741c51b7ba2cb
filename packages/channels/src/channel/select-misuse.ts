import { hasMethod, isSignal, misfit, shown, signalMisfit } from '@millrace/world'

/**
 * What plain JavaScript hands to a select in the wrong place, and what belongs there.
 *
 * A select does not look at its arguments: types keep this out. It is looked for once something has failed, and where
 * there is no case at all.
 */

const CASE = 'channel.receiveCase() or channel.sendCase(value)'

/** What is wrong with the arguments of `operation`, if something is. */
export function misuseOfSelect(operation: string, cases: unknown, options: unknown): TypeError | undefined {
  return misuseOfCases(operation, cases) ?? misuseOfOptions(operation, options)
}

/** What is wrong with cases under names, if something is. Undefined is a case that is never chosen, and so is null. */
export function misuseOfCases(
  operation: string,
  cases: unknown,
  allowed: 'cases' | 'functions too' = 'cases',
): TypeError | undefined {
  if (typeof cases !== 'object' || cases === null || !isRecord(cases)) {
    return new TypeError(
      `${operation}: ${shown(cases)} is no object of cases; pass { name: channel.receiveCase() }`,
    )
  }
  for (const [name, each] of Object.entries(cases)) {
    if (each === undefined || each === null || hasMethod(each, 'isReady')) continue
    if (typeof each === 'function' && allowed === 'functions too') continue
    return misfit(operation, `the case ${JSON.stringify(name)}`, each, caseFor(each))
  }
  return undefined
}

// An object without fields of its own may be one for which no case was left. One of a class is something else.
function isRecord(cases: object): boolean {
  return Object.keys(cases).length > 0 || hasPlainPrototype(cases)
}

function hasPlainPrototype(cases: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(cases)
  return prototype === Object.prototype || prototype === null
}

/** What makes a case of `value`. */
function caseFor(value: unknown): string {
  if (typeof value === 'function') return 'what it returns'
  if (isSignal(value)) return 'aborted(signal)'
  if (hasMethod(value, 'value') && isSignal((value as { readonly signal?: unknown }).signal)) {
    return 'doneCase(context)'
  }
  const [canReceive, canSend] = [hasMethod(value, 'receiveCase'), hasMethod(value, 'sendCase')]
  if (canReceive !== canSend) return canReceive ? 'channel.receiveCase()' : 'channel.sendCase(value)'
  return CASE
}

/** What is wrong with the options of a select, if something is. */
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
