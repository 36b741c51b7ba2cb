import { describeError, isMillraceError } from '@millrace/core'
import type { ErrorCode } from '@millrace/core'
import { ContractViolation } from './conformance-case.ts'

/** Throws a `ContractViolation` with `promise`, the broken one, unless `condition` holds. */
export function check(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new ContractViolation(promise)
}

/** Throws unless both have equal content. `what` names what was compared. */
export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  if (isSame(actual, expected)) return
  throw new ContractViolation(`${what} is ${show(actual)}; expected ${show(expected)}`)
}

/** Throws unless `call` rejects with a Millrace error of the given code whose message names `place`. */
export async function checkRejects(call: Promise<unknown>, code: ErrorCode, place: string): Promise<void> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('value' in outcome)
    throw new ContractViolation(`resolved with ${show(outcome.value)} instead of ${code}`)
  const { error } = outcome
  if (!isMillraceError(error, code)) {
    throw new ContractViolation(`rejected with ${describeError(error)} instead of ${code}`, { cause: error })
  }
  check(error.message.includes(place), `the message does not name ${place}: ${error.message}`)
}

/** Whether two values have equal content: plain objects, arrays, bytes, maps, sets, dates, and `NaN`. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  if (a instanceof Uint8Array) return isSameBytes(a, b as typeof a)
  if (a instanceof Map) return isSame([...a], [...(b as typeof a)])
  if (a instanceof Set) return isSame([...a], [...(b as typeof a)])
  // Dates and boxed values; the rest has itself as its value.
  if (!Object.is(a.valueOf(), a)) return Object.is(a.valueOf(), b.valueOf())
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every((name) => Object.hasOwn(b, name) && isSame(Reflect.get(a, name), Reflect.get(b, name)))
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

const SHOWN_MAX = 400

/** Returns a value as one line of text, truncated if it is long. */
export function show(value: unknown): string {
  const text = toText(value)
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}... (${text.length} characters)`
}

function toText(value: unknown): string {
  if (value instanceof Map || value instanceof Set) return `${value.constructor.name} ${toText([...value])}`
  if (typeof value === 'bigint') return `${value}n`
  try {
    const text: string | undefined = JSON.stringify(value, (_name, part: unknown) => {
      if (part instanceof Uint8Array) return `bytes ${String.fromCharCode(...part.subarray(0, SHOWN_MAX))}`
      return typeof part === 'bigint' ? `${part}n` : part
    })
    return text ?? String(value)
  } catch {
    return describeError(value)
  }
}
