import { MillraceError } from '../errors/errors.ts'
import { isThenable } from '../errors/synchronous.ts'
import { kindOf, pathText } from '../errors/value-path.ts'

/** A value that survives JSON unchanged: positions, committables and other content of manifests. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/**
 * Encodes `value` as JSON text. Like `JSON.stringify`, it omits undefined fields and uses `toJSON`; but
 * values that JSON cannot represent are rejected, never replaced.
 *
 * Throws `CODEC_FAILED` for NaN, the infinities, bigint, maps, sets, errors and promises, with the path to them; for
 * cycles; and for a whole value that is undefined, a function or a symbol.
 *
 * @example
 * encodeJson({ card: '4711', total: 3 }) // => '{"card":"4711","total":3}'
 * encodeJson({ total: NaN }) // throws: its field .total is NaN, which JSON cannot hold
 */
export function encodeJson(value: unknown): string {
  let text: string | undefined
  try {
    // Undefined for undefined, functions and symbols, despite its type.
    text = JSON.stringify(value) as string | undefined
  } catch (cause) {
    const found = firstMisfit(value, '', isBigint, [])
    if (found === undefined) throw new MillraceError('CODEC_FAILED', (cause as Error).message, { cause })
    throw misfit(found)
  }
  if (text === undefined)
    throw new MillraceError('CODEC_FAILED', `it is ${kindOf(value)}, which JSON cannot hold`)
  // A number that is not finite becomes null, and a map {}: most records contain neither, and need no further
  // check.
  if (text.includes('null') || text.includes('{}')) {
    const found = firstMisfit(value, '', isLost, [])
    if (found !== undefined) throw misfit(found)
  }
  return text
}

interface Misfit {
  readonly path: readonly (string | number)[]
  readonly value: unknown
}

function isBigint(value: unknown): boolean {
  return typeof value === 'bigint'
}

function isLost(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  return value instanceof Map || value instanceof Set || value instanceof Error || isThenable(value)
}

/** The first part of `value` for which `isMisfit` is true, in the order of `JSON.stringify`. */
function firstMisfit(
  value: unknown,
  name: string | number,
  isMisfit: (value: unknown) => boolean,
  around: readonly object[],
): Misfit | undefined {
  const written = asWritten(value, name)
  if (isMisfit(written)) return { path: [], value: written }
  if (typeof written !== 'object' || written === null || around.includes(written)) return undefined
  const inner = [...around, written]
  const steps = Array.isArray(written) ? written.keys() : Object.keys(written)
  for (const step of steps) {
    const part = (written as Record<string | number, unknown>)[step]
    const found = firstMisfit(part, step, isMisfit, inner)
    if (found !== undefined) return { path: [step, ...found.path], value: found.value }
  }
  return undefined
}

function asWritten(value: unknown, name: string | number): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { toJSON } = value as { toJSON?: unknown }
  return typeof toJSON === 'function' ? (toJSON.call(value, String(name)) as unknown) : value
}

function misfit({ path, value }: Misfit): MillraceError {
  const where = path.length === 0 ? 'it' : `its field ${pathText(path)}`
  const what = typeof value === 'number' ? String(value) : kindOf(value)
  return new MillraceError('CODEC_FAILED', `${where} is ${what}, which JSON cannot hold; ${advice(value)}`)
}

function advice(value: unknown): string {
  if (typeof value === 'number') return 'map it to null or text'
  return typeof value === 'bigint' ? 'map it to text or a number' : 'map it to a plain object or an array'
}
