import type { GrowingBytes } from './growing.ts'
import { blockBytesMax, findMatches, type MatchTaker } from './matches.ts'

/** The header of a frame: independent blocks of 64 KB, no checksums but its own. */
const frameHeader = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82)
const storedBit = 0x80000000

/** Compresses bytes into an LZ4 frame. */
export function compressLz4(bytes: Uint8Array, out: GrowingBytes): void {
  out.append(frameHeader)
  const block = new Lz4Block(bytes, out)
  for (let from = 0; from < bytes.length; from += blockBytesMax) {
    const end = Math.min(from + blockBytesMax, bytes.length)
    const head = out.length
    // A block that does not get smaller has a byte more in each 255, and a token.
    out.reserve(4 + (end - from) + Math.ceil((end - from) / 255) + 16)
    out.length += 4
    findMatches(bytes, from, end, block)
    const size = out.length - head - 4
    if (size < end - from) putWord(out, head, size)
    else {
      out.length = head + 4
      out.append(bytes.subarray(from, end))
      putWord(out, head, end - from + storedBit)
    }
  }
  out.append(endMark)
}

const endMark = new Uint8Array(4)

function putWord({ bytes }: GrowingBytes, at: number, word: number): void {
  for (let byte = 0; byte < 4; byte++) bytes[at + byte] = word / 2 ** (byte * 8)
}

/** Writes the sequences of a block, into room that was made before. */
class Lz4Block implements MatchTaker {
  readonly #bytes: Uint8Array
  readonly #out: GrowingBytes

  constructor(bytes: Uint8Array, out: GrowingBytes) {
    this.#bytes = bytes
    this.#out = out
  }

  match(from: number, at: number, distance: number, length: number): void {
    this.#literals(from, at, Math.min(length - 4, 15))
    const out = this.#out
    out.bytes[out.length++] = distance
    out.bytes[out.length++] = distance >> 8
    this.#more(length - 4)
  }

  rest(from: number, end: number): void {
    this.#literals(from, end, 0)
  }

  #literals(from: number, end: number, low: number): void {
    const count = end - from
    const out = this.#out
    out.bytes[out.length++] = (Math.min(count, 15) << 4) | low
    this.#more(count)
    putBytes(out, this.#bytes, from, end)
  }

  /** What of a length does not fit into its half of the token. */
  #more(length: number): void {
    if (length < 15) return
    const out = this.#out
    let left = length - 15
    for (; left >= 255; left -= 255) out.bytes[out.length++] = 255
    out.bytes[out.length++] = left
  }
}

/** Copies bytes into room that was made before. A few are quicker without a call. */
export function putBytes(out: GrowingBytes, bytes: Uint8Array, from: number, end: number): void {
  if (end - from > 32) out.bytes.set(bytes.subarray(from, end), out.length)
  else for (let at = from, to = out.length; at < end;) out.bytes[to++] = bytes[at++]!
  out.length += end - from
}
