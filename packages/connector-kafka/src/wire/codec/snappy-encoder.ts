import type { GrowingBytes } from './growing.ts'
import { putBytes } from './lz4-encoder.ts'
import { blockBytesMax, findMatches, type MatchTaker } from './matches.ts'

/** The longest repetition that one element names. */
const copyBytesMax = 64

/** Compresses bytes with Snappy, without framing: all clients read that. */
export function compressSnappy(bytes: Uint8Array, out: GrowingBytes): void {
  out.reserve(8)
  let length = bytes.length
  for (; length > 127; length >>>= 7) out.bytes[out.length++] = length | 128
  out.bytes[out.length++] = length
  const block = new SnappyBlock(bytes, out)
  for (let from = 0; from < bytes.length; from += blockBytesMax) {
    const end = Math.min(from + blockBytesMax, bytes.length)
    // The shortest repetition has four bytes and takes three; literals have at most three bytes in front.
    out.reserve((end - from) * 2 + 16)
    findMatches(bytes, from, end, block)
  }
}

/** Writes the elements of a block, into room that was made before. */
class SnappyBlock implements MatchTaker {
  readonly #bytes: Uint8Array
  readonly #out: GrowingBytes

  constructor(bytes: Uint8Array, out: GrowingBytes) {
    this.#bytes = bytes
    this.#out = out
  }

  match(from: number, at: number, distance: number, length: number): void {
    this.rest(from, at)
    const out = this.#out
    for (let left = length; left > 0; left -= copyBytesMax) {
      out.bytes[out.length++] = ((Math.min(left, copyBytesMax) - 1) << 2) | 2
      out.bytes[out.length++] = distance
      out.bytes[out.length++] = distance >> 8
    }
  }

  rest(from: number, end: number): void {
    if (end === from) return
    const out = this.#out
    const last = end - from - 1
    // Lengths up to 60 are in the tag; the numbers 60 and 61 announce one and two bytes of length.
    out.bytes[out.length++] = (last < 60 ? last : last < 256 ? 60 : 61) << 2
    if (last >= 60) out.bytes[out.length++] = last
    if (last >= 256) out.bytes[out.length++] = last >> 8
    putBytes(out, this.#bytes, from, end)
  }
}
