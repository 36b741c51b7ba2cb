import { encodeJson } from './json.ts'
import type { TextBuffer } from './text-buffer.ts'

/** A longer string is not looked at character by character. */
const loopMax = 24
const plainText = /^[ !#-[\]-~]*$/

/**
 * Writes single values of JSON for the compiled writers, into a buffer of its own choice. Each method returns false, and may
 * have written something, if the whole record must be encoded by `encodeJson`: for its error, or for a `toJSON`.
 */
export class JsonValueWriter {
  out!: TextBuffer

  /** A number, as `String` writes it. */
  number(value: number): boolean {
    const { out } = this
    out.reserve(32)
    if (value < 0 && value >= -999_999_999 && Number.isInteger(value)) {
      out.bytes[out.length++] = 0x2d
      this.#digits(-value)
      return true
    }
    if (value >= 0 && value <= 999_999_999 && Number.isInteger(value)) {
      this.#digits(value)
      return true
    }
    if (!Number.isFinite(value)) return false
    if (Number.isInteger(value) && value > 0 && value < 1e15) {
      const high = Math.floor(value / 1e8)
      this.#digits(high)
      this.#eightDigits(value - high * 1e8)
    } else out.known(String(value))
    return true
  }

  string(value: string): boolean {
    const { out } = this
    const { length } = value
    out.reserve(length + 2)
    const start = out.length
    out.bytes[out.length++] = 0x22
    if (length > loopMax ? plainText.test(value) : this.#plain(value)) {
      if (length > loopMax) out.known(value)
      out.bytes[out.length++] = 0x22
    } else {
      out.length = start
      out.text(JSON.stringify(value))
    }
    return true
  }

  boolean(value: boolean): boolean {
    this.out.reserve(5)
    this.out.known(value ? 'true' : 'false')
    return true
  }

  /** A value that is none of these. */
  other(value: unknown): boolean {
    if (typeof value === 'number') return this.number(value)
    if (typeof value === 'string') return this.string(value)
    if (typeof value === 'boolean') return this.boolean(value)
    if (value === null) {
      this.out.text('null')
      return true
    }
    if (typeof value !== 'object' || 'toJSON' in value) return false
    try {
      this.out.text(encodeJson(value))
      return true
    } catch {
      // The error must name the path in the whole record.
      return false
    }
  }

  #plain(value: string): boolean {
    const { out } = this
    const { bytes, length: at } = out
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i)
      if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return false
      bytes[at + i] = unit
    }
    out.length = at + value.length
    return true
  }

  /** A whole number below 10^9. */
  #digits(value: number): void {
    const { out } = this
    let digits = 1
    for (let bound = 10; bound <= value; bound *= 10) digits++
    let rest = value | 0
    for (let at = out.length + digits - 1; at >= out.length; at--) {
      const tenth = (rest / 10) | 0
      out.bytes[at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    out.length += digits
  }

  #eightDigits(value: number): void {
    const { out } = this
    let rest = value | 0
    for (let at = out.length + 7; at >= out.length; at--) {
      const tenth = (rest / 10) | 0
      out.bytes[at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    out.length += 8
  }
}
