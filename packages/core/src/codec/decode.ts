import { MillraceError } from '../errors/errors.ts'
import { isDeeperThan } from './json-scan.ts'
import { lostNumber } from './lost-number.ts'
import { pathText } from '../errors/value-path.ts'

/**
 * Maximum nesting of external JSON. `JSON.parse` goes far deeper than `JSON.stringify` and `structuredClone`
 * can follow (about 4,000 levels), so a deeper value would pass the source and fail where it is encoded
 * later.
 */
export const jsonDepthMax = 512

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Decodes external bytes as text. Bytes that are not UTF-8 are rejected, never replaced: two different keys
 * must not become the same text.
 *
 * Throws `DECODE_FAILED`.
 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new MillraceError('DECODE_FAILED', 'the bytes are not UTF-8; send text in UTF-8', { cause })
  }
}

/**
 * Decodes external bytes as JSON: UTF-8, with the checks of `parseJson`.
 *
 * Throws `DECODE_FAILED`.
 *
 * @example
 * decodeJson(new TextEncoder().encode('{"card":"4711"}')) // => { card: '4711' }
 */
export function decodeJson(bytes: Uint8Array): unknown {
  return parseJson(decodeText(bytes))
}

/**
 * Parses external JSON: nested at most `jsonDepthMax` deep, and without numbers that a JavaScript number
 * cannot represent: integers that `JSON.parse` would round, and numbers that would become infinite.
 *
 * A name such as `__proto__` becomes an ordinary property of the value. Throws `DECODE_FAILED`.
 *
 * @example
 * parseJson('{"id":9007199254740993}') // throws: the integer 9007199254740993 at .id cannot be represented exactly
 */
export function parseJson(text: string): unknown {
  // A level takes two characters, so short text needs no check: that is nearly every record.
  if (text.length > 2 * jsonDepthMax && isDeeperThan(text, jsonDepthMax)) {
    throw new MillraceError(
      'DECODE_FAILED',
      `the JSON is nested more than ${jsonDepthMax} levels deep; flatten it before sending it`,
    )
  }
  let value: unknown
  try {
    value = JSON.parse(text) as unknown
  } catch (cause) {
    throw new MillraceError('DECODE_FAILED', `not JSON: ${(cause as Error).message}`, { cause })
  }
  const lost = lostNumber(text, value)
  if (lost === undefined) return value
  const digits = lost.text.length > 40 ? `${lost.text.slice(0, 40)}…` : lost.text
  const place = lost.path.length === 0 ? '' : ` at ${pathText(lost.path)}`
  throw new MillraceError(
    'DECODE_FAILED',
    lost.isTooLarge
      ? `the number ${digits}${place} is too large for a JavaScript number; send it as text`
      : `the integer ${digits}${place} cannot be represented exactly by a JavaScript number; send it as text`,
  )
}
