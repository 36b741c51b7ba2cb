const depthMax = 50

/**
 * Formats `value` as JSON text for messages, dead letters and logs. Never throws.
 *
 * Text longer than `maxLength` characters is cut there and ends in `…`; uncut text is JSON. Values that JSON
 * cannot represent are described: `"NaN"`, `"[circular]"`, `"[nested too deep]"`, `"[toJSON threw: ...]"`.
 * Bigints are written as numbers, bytes as base64, maps as arrays of pairs and sets as arrays. Undefined if
 * JSON has no text for `value`: for undefined, functions and symbols.
 */
export function describeValue(value: unknown, maxLength: number): string | undefined {
  const writer = new JsonWriter(maxLength)
  if (!writer.value(value, '')) return undefined
  const { text } = writer
  return text.length <= maxLength ? text : `${text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** Writes JSON until the limit is reached; the rest of the value is not read. */
class JsonWriter {
  text = ''
  readonly #maxLength: number
  /** The objects around the current place. */
  readonly #around: object[] = []

  constructor(maxLength: number) {
    this.#maxLength = maxLength
  }

  /** Writes `value`, the field `name` of its parent; false if JSON omits such values. */
  value(value: unknown, name: string): boolean {
    if (this.text.length > this.#maxLength) return true
    switch (typeof value) {
      case 'string':
        this.#string(value)
        return true
      case 'number':
        this.text += Number.isFinite(value) ? String(value) : `"${value}"`
        return true
      case 'bigint':
      case 'boolean':
        this.text += String(value)
        return true
      case 'object':
        this.#guarded(value, name)
        return true
      case 'undefined':
      case 'function':
      case 'symbol':
        return false
    }
  }

  #string(value: string): void {
    // Enough to fill the remaining space.
    this.text += JSON.stringify(value.slice(0, this.#maxLength - this.text.length + 1))
  }

  /** Reading objects runs code: getters, `toJSON`, proxies. */
  #guarded(value: object | null, name: string): void {
    const { length } = this.text
    const depth = this.#around.length
    try {
      this.#object(value, name)
    } catch (thrown) {
      this.#around.length = depth
      this.text = this.text.slice(0, length)
      this.#string(`[cannot be read: ${messageOf(thrown)}]`)
    }
  }

  #object(value: object | null, name: string): void {
    if (value === null) this.text += 'null'
    else if (this.#around.includes(value)) this.text += '"[circular]"'
    else if (this.#around.length >= depthMax) this.text += '"[nested too deep]"'
    else {
      this.#around.push(value)
      this.#content(value, name)
      this.#around.pop()
    }
  }

  #content(value: object, name: string): void {
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function' && !(value instanceof Uint8Array)) {
      if (!this.value(toJSON.call(value, name), name)) this.text += 'null'
    } else if (value instanceof Uint8Array) {
      // Three bytes make four characters.
      this.#string(toBase64(value.subarray(0, this.#maxLength)))
    } else if (value instanceof Error) {
      this.#fields({ name: value.name, message: value.message, ...(value as object) })
    } else if (Array.isArray(value) || value instanceof Map || value instanceof Set) {
      this.#elements(value)
    } else {
      this.#fields(value as Record<string, unknown>)
    }
  }

  #elements(elements: Iterable<unknown>): void {
    this.text += '['
    let index = 0
    for (const element of elements) {
      if (index > 0) this.text += ','
      if (!this.value(element, String(index++))) this.text += 'null'
      if (this.text.length > this.#maxLength) return
    }
    this.text += ']'
  }

  #fields(fields: Record<string, unknown>): void {
    this.text += '{'
    let separator = ''
    for (const name of Object.keys(fields)) {
      const { length } = this.text
      this.text += separator
      this.#string(name)
      this.text += ':'
      if (this.#field(fields, name)) separator = ','
      else this.text = this.text.slice(0, length)
      if (this.text.length > this.#maxLength) return
    }
    this.text += '}'
  }

  /** Writes one field; a getter that throws does not affect the others. */
  #field(fields: Record<string, unknown>, name: string): boolean {
    let value: unknown
    try {
      value = fields[name]
    } catch (thrown) {
      value = `[cannot be read: ${messageOf(thrown)}]`
    }
    return this.value(value, name)
  }
}

function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } catch {
    return 'the reason cannot be read either'
  }
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Returns the bytes of base64 text as `toBase64` writes it. */
export function fromBase64(text: string): Uint8Array {
  const bytes = new Uint8Array((text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0))
  const at = (index: number): number => Math.max(0, digits.indexOf(text[index]!))
  for (let from = 0, to = 0; from < text.length; from += 4) {
    const word = (at(from) << 18) | (at(from + 1) << 12) | (at(from + 2) << 6) | at(from + 3)
    for (const shift of [16, 8, 0]) if (to < bytes.length) bytes[to++] = (word >> shift) & 255
  }
  return bytes
}

/** Bytes as base64 text with padding (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  const whole = bytes.length - (bytes.length % 3)
  let text = ''
  for (let i = 0; i < whole; i += 3) {
    const word = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    text += digits[word >> 18]! + digits[(word >> 12) & 63]! + digits[(word >> 6) & 63]! + digits[word & 63]!
  }
  const rest = bytes.length - whole
  if (rest === 0) return text
  const word = (bytes[whole]! << 16) | ((bytes[whole + 1] ?? 0) << 8)
  const third = rest === 2 ? digits[(word >> 6) & 63]! : '='
  return `${text}${digits[word >> 18]!}${digits[(word >> 12) & 63]!}${third}=`
}
