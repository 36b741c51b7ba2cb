/** How deep values are compared; what lies deeper counts as equal. */
const DEPTH_MAX = 64

/**
 * Returns a value as text, equal for equal values: fields sorted by name, maps and sets sorted by content, and distinct
 * forms for -0, NaN, bigint, dates and bytes.
 *
 * Used to compare and show the output of two runs.
 */
export function valueText(value: unknown, depth = 0): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
      return `${value}n`
    case 'object':
      return value === null ? 'null' : objectText(value, depth)
    default:
      return String(value)
  }
}

function objectText(value: object, depth: number): string {
  if (depth >= DEPTH_MAX) return '...'
  const text = (inner: unknown): string => valueText(inner, depth + 1)
  if (Array.isArray(value)) return `[${value.map(text).join(',')}]`
  // oxlint-disable-next-line no-restricted-globals -- looked at, not asked for the time
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof Map) {
    return `Map{${Array.from(value, ([key, of]) => `${text(key)}:${text(of)}`)
      .toSorted()
      .join(',')}}`
  }
  if (value instanceof Set) return `Set{${Array.from(value, text).toSorted().join(',')}}`
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    return `bytes(${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')})`
  }
  const fields = value as Readonly<Record<string, unknown>>
  const names = Object.keys(fields)
  if (names.length > 1) names.sort()
  return `{${names.map((name) => `${name}:${text(fields[name])}`).join(',')}}`
}
