import type { Chunk } from './chunk.ts'
import { fingerprint, fingerprintBytes } from './position.ts'
import { isUtf16, textOf, type TextFormat } from './text-format.ts'
import { toUtf16, utf16Length } from './utf16.ts'

/** This many bytes of a page are enough for `fingerprintBytes` in any encoding. */
const keptBytes = fingerprintBytes * 2
/** From this many texts on it pays to look at all bytes of a page. */
const textsToLook = 4
const none = Number.POSITIVE_INFINITY
const lf = 0x0a
const cr = 0x0d

/**
 * A piece of a file in memory, which is split into records. Its bytes never change, so an origin may keep it.
 *
 * They are the bytes of the file; for a UTF-16 file, the result of `utf16.ts`. An index counts bytes of the
 * page, an offset counts bytes of the file.
 */
export class Page {
  /** Ends where the data ends; the first bytes may be unused. */
  readonly bytes: Buffer
  /** The index of the first byte that was not returned yet. */
  readonly start: number
  readonly #begin: number
  readonly #offset: number
  readonly #format: TextFormat
  /** Whether each byte is a character; undefined before it pays to know. */
  #isByteForByte: boolean | undefined
  /** How many texts were decoded. */
  #texts = 0
  /** The last index after `start` that was converted, and its offset. */
  #known: { readonly index: number; readonly offset: number }
  /** The first line feed and carriage return at or after the last search positions. */
  #lineFeed = -1
  #return = -1

  private constructor(bytes: Buffer, begin: number, start: number, offset: number, format: TextFormat) {
    this.bytes = bytes
    this.start = start
    this.#begin = begin
    this.#offset = offset
    this.#format = format
    this.#known = { index: start, offset }
  }

  /** The first page of a file, or the first after a restart. */
  static first(chunk: Chunk, format: TextFormat): Page {
    const { buffer, begin, start, end, offset } = chunk
    return new Page(buffer.subarray(0, end), begin, start, offset, format)
  }

  /** A page with one record, without its line end. */
  static ofRecord(bytes: Uint8Array, format: TextFormat): Page {
    return new Page(Buffer.from(bytes), 0, 0, 0, format)
  }

  /** Builds a page from the rest of `previous`, from `at` on, and the chunk. */
  static after(previous: Page, at: number, chunk: Chunk, format: TextFormat): Page {
    const from = Math.max(previous.#begin, at - keptBytes)
    const rest = previous.bytes.subarray(from)
    const offset = previous.offset(at)
    if (rest.length <= chunk.start) {
      const begin = chunk.start - rest.length
      chunk.buffer.set(rest, begin)
      return new Page(chunk.buffer.subarray(0, chunk.end), begin, begin + at - from, offset, format)
    }
    const bytes = Buffer.concat([rest, chunk.buffer.subarray(chunk.start, chunk.end)])
    return new Page(bytes, 0, at - from, offset, format)
  }

  /** Whether the bytes are UTF-8, unless the file is invalid. */
  get isUtf8(): boolean {
    return this.#format.encoding === 'utf8' || isUtf16(this.#format.encoding)
  }

  /** The offset of the byte at `index`, which begins a character and is not before `start`. */
  offset(index: number): number {
    if (!isUtf16(this.#format.encoding)) return this.#offset + index - this.start
    const { start: first, bytes } = this
    const from = index < this.#known.index ? { index: first, offset: this.#offset } : this.#known
    const offset = from.offset + utf16Length(bytes, from.index, index)
    this.#known = { index, offset }
    return offset
  }

  /**
   * The index of the last byte of the line end of the line that begins at `start`: a line feed, or a carriage
   * return without a line feed. -1 if the line ends on a later page.
   */
  lineEnd(start: number): number {
    if (this.#lineFeed < start) this.#lineFeed = this.#find(lf, start)
    if (this.#format.lineEnds === 'lf') return this.#lineFeed === none ? -1 : this.#lineFeed
    if (this.#return < start) this.#return = this.#find(cr, start)
    const end = this.#return < this.#lineFeed - 1 ? this.#return : this.#lineFeed
    return end === none ? -1 : end
  }

  /** The same for a line whose content ends before `index`; -1 if no line end is there, or not all of it is on this page. */
  lineEndAt(index: number): number {
    const byte = this.bytes[index]
    if (byte === lf) return index
    if (byte !== cr || index + 1 === this.bytes.length) return -1
    if (this.bytes[index + 1] === lf) return index + 1
    return this.#format.lineEnds === 'any' ? index : -1
  }

  /** Whether a line ends with the byte at `index`, which is outside of quotes. */
  isLineEnd(index: number): boolean {
    const byte = this.bytes[index]
    return byte === lf || (byte === cr && this.#format.lineEnds === 'any' && this.bytes[index + 1] !== lf)
  }

  /**
   * Whether the byte at `index` is the line feed of a CRLF whose carriage return ended the previous record.
   */
  isHalfLineEnd(index: number): boolean {
    if (this.bytes[index] !== lf || this.#format.lineEnds === 'lf') return false
    return index > this.#begin && this.bytes[index - 1] === cr
  }

  /**
   * Decodes bytes. Throws `DECODE_FAILED` if they are invalid in the encoding.
   *
   * Each record gets its own string, not a slice of one long string, which would stay in memory as long as
   * one word of it is kept. It is also faster: 75 ns for a line of 110 bytes, while decoding the page at once
   * and slicing costs 115 ns.
   */
  text(start: number, end: number): string {
    // JSON records need no text, except one here and there.
    if (++this.#texts === textsToLook) this.#isByteForByte = isAscii(this.bytes, this.start)
    return this.#isByteForByte
      ? this.bytes.toString('latin1', start, end)
      : textOf(this.bytes.subarray(start, end), this.#format.encoding, this.offset(start) === 0)
  }

  /** The bytes of the file: a view if the page contains them unchanged. */
  raw(start: number, end: number): Uint8Array {
    const { bytes } = this
    const last = Math.min(end, bytes.length)
    const { encoding } = this.#format
    if (isUtf16(encoding)) return Uint8Array.from(toUtf16(bytes.subarray(start, last), encoding))
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, last - start)
  }

  /** The fingerprint of the bytes of the file before `index`. */
  check(index: number): number {
    const { encoding } = this.#format
    const kept = this.bytes.subarray(Math.max(this.#begin, index - keptBytes), index)
    const before = isUtf16(encoding) ? toUtf16(kept, encoding) : kept
    return fingerprint(before.subarray(Math.max(0, before.length - fingerprintBytes)))
  }

  #find(byte: number, start: number): number {
    const found = this.bytes.indexOf(byte, start)
    return found === -1 ? none : found
  }
}

/** Whether all bytes from `start` on are below 128; four at a time, 10 ns for 110 bytes. */
function isAscii(bytes: Buffer, start: number): boolean {
  let seen = 0
  let at = start
  for (; at < bytes.length && (bytes.byteOffset + at) % 4 !== 0; at++) seen |= bytes[at]!
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, (bytes.length - at) >> 2)
  let seenWords = 0
  for (let i = 0; i < words.length; i++) seenWords |= words[i]!
  for (at += words.length * 4; at < bytes.length; at++) seen |= bytes[at]!
  return (seen & 0x80) === 0 && (seenWords & 0x80808080) === 0
}
