import { MillraceError } from '../errors/errors.ts'
import { decodeWtf8, encodeWtf8, hasLoneSurrogate } from './wtf8.ts'

const utf8Encoder = new TextEncoder()
// Without `ignoreBOM` a leading U+FEFF would be lost.
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Shared memory for the eight bytes of a number: a view per reader would cost more. */
const scratch = new DataView(new ArrayBuffer(8))
const scratchBytes = new Uint8Array(scratch.buffer)

/** A growing buffer for codecs. Numbers are little-endian. */
export class ByteWriter {
  bytes: Uint8Array
  #view: DataView
  /** How many bytes have been written. */
  length = 0

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.bytes.buffer)
  }

  /** Discards the content and keeps the memory. */
  reset(): void {
    this.length = 0
  }

  /** What was written; valid until the next write or reset. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  byte(value: number): void {
    this.#room(1)
    this.bytes[this.length++] = value
  }

  u32(value: number): void {
    this.#room(4)
    this.#view.setUint32(this.length, value, true)
    this.length += 4
  }

  /** Overwrites four bytes at `at`, for lengths that are known only afterwards. */
  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }

  float64(value: number): void {
    this.#room(8)
    this.#view.setFloat64(this.length, value, true)
    this.length += 8
  }

  /** A whole number from 0 to 2^53-1, seven bits to a byte. */
  varint(value: number): void {
    this.#room(8)
    let rest = value
    if (rest >= 0x8000_0000) {
      // Too large for bit operations: four bytes take the lowest 28 bits, the rest follows.
      const high = Math.floor(rest / 0x1000_0000)
      let low = rest - high * 0x1000_0000
      for (let i = 0; i < 4; i++) {
        this.bytes[this.length++] = low | 0x80
        low >>>= 7
      }
      rest = high
    }
    while (rest >= 0x80) {
      this.bytes[this.length++] = rest | 0x80
      rest >>>= 7
    }
    this.bytes[this.length++] = rest
  }

  /** Begins bytes with a length before them, and returns their start. `endSized` ends them. */
  beginSized(): number {
    const start = this.length
    this.byte(0)
    return start
  }

  /** Writes the length of the bytes since `beginSized` before them. Most are short: one byte was reserved. */
  endSized(start: number): void {
    const length = this.length - start - 1
    if (length < 0x80) {
      this.bytes[start] = length
      return
    }
    const size = varintSize(length)
    this.#room(size)
    const end = this.length + size - 1
    this.bytes.copyWithin(start + size, start + 1, this.length)
    this.length = start
    this.varint(length)
    this.length = end
  }

  /** Bytes with their length before them. */
  blob(bytes: Uint8Array): void {
    this.varint(bytes.length)
    this.raw(bytes)
  }

  raw(bytes: Uint8Array): void {
    const { length } = bytes
    this.#room(length)
    if (length > 64) this.bytes.set(bytes, this.length)
    // A native call costs more than a few steps of a loop.
    else for (let i = 0; i < length; i++) this.bytes[this.length + i] = bytes[i]!
    this.length += length
  }

  /** Text as UTF-8 with its length in bytes before it. Lone surrogates are kept, as WTF-8. */
  text(text: string): void {
    const units = text.length
    if (units < 64 && this.#ascii(text, units)) return
    this.#room(units * 3 + 8)
    // The length comes first but is known last. Usually it takes as many bytes as the number of units.
    const start = this.length
    const room = varintSize(units)
    const into = this.bytes.subarray(start + room)
    let { written } = utf8Encoder.encodeInto(text, into)
    if (written !== units && hasLoneSurrogate(text)) written = encodeWtf8(text, into)
    const needed = varintSize(written)
    if (needed !== room) this.bytes.copyWithin(start + needed, start + room, start + room + written)
    this.varint(written)
    this.length += written
  }

  /** Most text is short ASCII; writing it byte by byte is several times faster than the encoder. */
  #ascii(text: string, units: number): boolean {
    this.#room(units + 1)
    const bytes = this.bytes
    const at = this.length
    for (let i = 0; i < units; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) return false
      bytes[at + 1 + i] = unit
    }
    bytes[at] = units
    this.length = at + 1 + units
    return true
  }

  #room(more: number): void {
    const needed = this.length + more
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Reads the output of a `ByteWriter`. Throws `CODEC_FAILED` when the bytes end too early. */
export class ByteReader {
  readonly bytes: Uint8Array
  position: number
  /** Where reading stops. */
  end: number

  constructor(bytes: Uint8Array, position = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  byte(): number {
    this.#need(1)
    return this.bytes[this.position++]!
  }

  /** The next byte, without consuming it. */
  peek(): number {
    this.#need(1)
    return this.bytes[this.position]!
  }

  u32(): number {
    this.#need(4)
    const { bytes, position } = this
    this.position = position + 4
    const low = bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16)
    return (low | (bytes[position + 3]! << 24)) >>> 0
  }

  float64(): number {
    this.#need(8)
    for (let i = 0; i < 8; i++) scratchBytes[i] = this.bytes[this.position + i]!
    this.position += 8
    return scratch.getFloat64(0, true)
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
    throw new MillraceError('CODEC_FAILED', 'a number in stored bytes is too long; the bytes are damaged')
  }

  /** Skips `bytes` if they come next, and returns whether they do. */
  skip(bytes: Uint8Array): boolean {
    const { position } = this
    if (position + bytes.length > this.end) return false
    for (let i = 0; i < bytes.length; i++) {
      if (this.bytes[position + i] !== bytes[i]) return false
    }
    this.position = position + bytes.length
    return true
  }

  /** A view of the bytes, not a copy. */
  blob(): Uint8Array {
    const length = this.varint()
    this.#need(length)
    const view = this.bytes.subarray(this.position, this.position + length)
    this.position += length
    return view
  }

  text(): string {
    const length = this.varint()
    this.#need(length)
    const start = this.position
    this.position = start + length
    if (length <= shortTextBytes) {
      const ascii = shortAscii(this.bytes, start, length)
      if (ascii !== undefined) return ascii
    }
    return longText(this.bytes.subarray(start, start + length))
  }

  #need(count: number): void {
    if (this.position + count > this.end) {
      throw new MillraceError('CODEC_FAILED', 'stored bytes end in the middle of a value; they are damaged')
    }
  }
}

function longText(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes)
  } catch {
    // Probably damaged, but perhaps WTF-8.
  }
  try {
    return decodeWtf8(bytes)
  } catch (cause) {
    throw new MillraceError('CODEC_FAILED', 'text in stored bytes is not UTF-8; the bytes are damaged', {
      cause,
    })
  }
}

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  return size
}

/** For text up to this length the decoder is slower than the code below. */
const shortTextBytes = 24

const unitsOf = Array.from({ length: shortTextBytes + 1 }, (_, length) => Array.from({ length }, () => 0))

/**
 * Decodes a few ASCII bytes with one call: concatenated strings stay a rope of pieces, which takes several
 * hundred bytes of memory instead of fifty and is slow to hash and compare.
 */
function shortAscii(bytes: Uint8Array, start: number, length: number): string | undefined {
  const units = unitsOf[length]!
  for (let i = 0; i < length; i++) {
    const unit = bytes[start + i]!
    if (unit > 0x7f) return undefined
    units[i] = unit
  }
  return String.fromCharCode(...units)
}
