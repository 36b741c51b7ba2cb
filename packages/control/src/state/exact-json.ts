/**
 * A value of a program as JSON that `fromExactJson` turns into the same value: nothing is cut or rounded. What JSON has no form
 * for is an object with one field, whose name begins with `$`; an object of the program with such a field is a `$object`.
 */
export function toExactJson(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? '-0' : String(value) }
    case 'bigint':
      return { $bigint: String(value) }
    case 'undefined':
      return { $undefined: true }
    case 'object':
      return value === null ? null : objectJson(value)
    default:
      throw new TypeError(`state has a ${typeof value}, which JSON has no form for`)
  }
}

function objectJson(value: object): unknown {
  // A list may have holes, which `map` would leave out.
  if (Array.isArray(value)) return Array.from(value as readonly unknown[], toExactJson)
  if (value instanceof Uint8Array) return { $bytes: toBase64(value) }
  if (value instanceof Map) {
    return { $map: Array.from(value, ([key, inner]) => [toExactJson(key), toExactJson(inner)]) }
  }
  if (value instanceof Set) return { $set: Array.from(value, toExactJson) }
  if (Object.prototype.toString.call(value) === '[object Date]') {
    return { $date: toExactJson((value as { getTime(): number }).getTime()) }
  }
  const fields = Object.entries(value).map(([name, inner]) => [name, toExactJson(inner)] as const)
  // A field may be named __proto__, which an assignment would not create.
  return fields.length === 1 && fields[0]![0].startsWith('$')
    ? { $object: fields }
    : Object.fromEntries(fields)
}

/** The value that `toExactJson` was given. Throws a `RangeError` for JSON that it does not make. */
export function fromExactJson(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map(fromExactJson)
  const fields = Object.entries(json)
  const [first] = fields
  if (fields.length !== 1 || first === undefined || !first[0].startsWith('$')) {
    return Object.fromEntries(fields.map(([name, inner]) => [name, fromExactJson(inner)]))
  }
  const make = forms.get(first[0])
  if (make === undefined)
    throw new RangeError(`the state API has sent ${first[0]}, which this client does not know`)
  return make(first[1])
}

const pairsOf = (json: unknown): readonly (readonly [unknown, unknown])[] =>
  (json as readonly (readonly [unknown, unknown])[]).map(([key, inner]) => [key, fromExactJson(inner)])

const forms: ReadonlyMap<string, (json: unknown) => unknown> = new Map<string, (json: unknown) => unknown>([
  ['$number', (json) => Number(json)],
  ['$bigint', (json) => BigInt(json as string)],
  ['$undefined', () => undefined],
  ['$bytes', (json) => fromBase64(json as string)],
  ['$map', (json) => new Map(pairsOf(json).map(([key, inner]) => [fromExactJson(key), inner]))],
  ['$set', (json) => new Set((json as readonly unknown[]).map(fromExactJson))],
  // oxlint-disable-next-line no-restricted-globals -- a date of the program, not the time
  ['$date', (json) => new Date(fromExactJson(json) as number)],
  ['$object', (json) => Object.fromEntries(pairsOf(json) as readonly (readonly [string, unknown])[])],
])

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
}
