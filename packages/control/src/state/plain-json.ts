import { describeValue } from '@millrace/core'
import { EncodedValue } from '@millrace/core/job'

/** Deeper values are shown as text. */
const depthMax = 32
/** Longer lists are cut, so that one value cannot fill memory. */
const elementsMax = 10_000

/**
 * A value of a program as JSON can show it. What JSON has no form for is an object with one field: `$bigint`, `$date`,
 * `$bytes` (their number), `$map`, `$set`, or `$text` for anything else. A value that only its program can decode has `$codec`
 * beside `$bytes`.
 */
export function plainJson(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : { $text: String(value) }
    case 'bigint':
      return { $bigint: String(value) }
    case 'undefined':
      return null
    case 'object':
      return value === null ? null : objectJson(value, depth)
    default:
      return { $text: describeValue(value, 100) ?? typeof value }
  }
}

function objectJson(value: object, depth: number): unknown {
  if (depth >= depthMax) return { $text: 'nested too deep to be shown' }
  const each = (inner: unknown): unknown => plainJson(inner, depth + 1)
  if (Array.isArray(value)) return value.slice(0, elementsMax).map(each)
  if (value instanceof Uint8Array) return { $bytes: value.length }
  if (value instanceof EncodedValue) return { $bytes: value.bytes.length, $codec: value.codec }
  if (value instanceof Map) {
    const pairs = [...value].slice(0, elementsMax)
    return { $map: pairs.map(([key, inner]) => [each(key), each(inner)]) }
  }
  if (value instanceof Set) return { $set: [...value].slice(0, elementsMax).map(each) }
  if (Object.prototype.toString.call(value) === '[object Date]')
    return { $date: String((value as { toJSON(): unknown }).toJSON()) }
  // A field may be named __proto__, which an assignment would not create.
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, elementsMax)
      .map(([name, inner]) => [name, each(inner)]),
  )
}
