import { jsonDepthMax, parseJson } from './decode.ts'
import { depthMax } from './json-skeleton.ts'

/** Bytes that can be turned into text in place, as Node's buffers. */
export interface TextBytes extends Uint8Array {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
}

const quote = 0x22
const backslash = 0x5c
const minus = 0x2d

/** A mantissa of 15 digits and these powers are exact, so that their quotient is rounded once, as it should be. */
const powers = Array.from({ length: 23 }, (_, power) => 10 ** power)
const numberForm = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * Reads single values of JSON text that a compiled reader does not read itself: the rare ones.
 *
 * Each method reads the value that begins at an index of `all`, and sets `at` to the index after it. Undefined: it is
 * malformed, or needs the checks of `parseJson`, which then reads the whole record.
 */
export class JsonValueReader {
  at = 0
  /** The whole buffer, so that reading a little past the end of a record is allowed. */
  all: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(new ArrayBuffer(0))
  /** The index in `all` of the first byte of `bytes`. */
  base = 0
  bytes!: TextBytes
  /** No value continues at or after this index. */
  limit = 0

  /** Any value. */
  value(start: number): unknown {
    const first = this.all[start]!
    if (first === quote) return this.string(start + 1)
    if (first === minus || (first >= 0x30 && first <= 0x39)) return this.number(start)
    return first === 0x7b || first === 0x5b ? this.#brackets(start) : this.#word(start)
  }

  /** A number, exactly as `JSON.parse` reads it. */
  number(start: number): number | undefined {
    const { all, limit } = this
    const first = all[start] === minus ? start + 1 : start
    let at = first
    let mantissa = 0
    let digits = 0
    let point = -1
    for (; at < limit; at++) {
      const digit = all[at]! - 0x30
      if (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit
        digits++
      } else if (digit === -2 && point === -1) point = at
      else break
    }
    const isLong = digits > 15
    const isOdd =
      at === first ||
      point === first ||
      point === at - 1 ||
      (all[first] === 0x30 && digits > 1 && point !== first + 1)
    const isScientific = at < limit && (all[at]! | 0x20) === 0x65
    if (isLong || isScientific || isOdd) return this.#oddNumber(start, at)
    this.at = at
    const size = point === -1 ? mantissa : mantissa / powers[at - point - 1]!
    return first === start ? size : -size
  }

  #oddNumber(start: number, from: number): number | undefined {
    let at = from
    while (at < this.limit && /[\d.eE+-]/.test(String.fromCharCode(this.all[at]!))) at++
    const text = this.#latin1(start, at)
    const value = Number(text)
    if (!numberForm.test(text) || !Number.isFinite(value)) return undefined
    // Integers that would be rounded are refused by the checks of the whole record.
    if (!Number.isSafeInteger(value) && !/[.eE]/.test(text)) return undefined
    this.at = at
    return value
  }

  /** The string whose first byte after the quote is at `start`. */
  string(start: number): string | undefined {
    const { all, limit } = this
    let isAscii = true
    let isEscaped = false
    let at = start
    for (; at < limit; at++) {
      const byte = all[at]!
      if (byte === quote) break
      if (byte < 0x20) return undefined
      if (byte === backslash) {
        isEscaped = true
        at++
      } else if (byte >= 0x80) isAscii = false
    }
    if (at >= limit) return undefined
    this.at = at + 1
    const text = isAscii ? this.#latin1(start, at) : this.#utf8(start, at)
    return text !== undefined && isEscaped ? (parsed(`"${text}"`) as string | undefined) : text
  }

  #word(start: number): boolean | null | undefined {
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      const end = start + word.length
      if (end > this.limit || this.#latin1(start, end) !== word) continue
      this.at = end
      return value
    }
    return undefined
  }

  /** An array or an object: finds its end and leaves the rest to `JSON.parse`. */
  #brackets(start: number): unknown {
    const { all, limit } = this
    let open = 0
    let isAscii = true
    for (let at = start; at < limit; at++) {
      const byte = all[at]!
      if (byte >= 0x80) isAscii = false
      else if (byte === quote) {
        for (at++; at < limit && all[at] !== quote; at++) {
          if (all[at]! >= 0x80) isAscii = false
          else if (all[at] === backslash) at++
        }
      } else if (byte === 0x7b || byte === 0x5b) {
        // The objects around it count as well: close to the limit the whole record is checked.
        if (++open > jsonDepthMax - depthMax) return undefined
      } else if ((byte === 0x7d || byte === 0x5d) && --open === 0) {
        this.at = at + 1
        const text = isAscii ? this.#latin1(start, at + 1) : this.#utf8(start, at + 1)
        return text === undefined ? undefined : parsed(text)
      }
    }
    return undefined
  }

  #latin1(start: number, end: number): string {
    return this.bytes.latin1Slice(start - this.base, end - this.base)
  }

  #utf8(start: number, end: number): string | undefined {
    const text = this.bytes.utf8Slice(start - this.base, end - this.base)
    // Bytes that are not UTF-8 were replaced by this, which may also be there itself.
    return text.includes('\uFFFD') ? undefined : text
  }
}

/** Undefined where it fails: the whole record is then parsed again, for an error that names the place. */
function parsed(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}
