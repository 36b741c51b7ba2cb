import type { RingCodec } from '../codec/ring-codec.ts'

/** A part of a message: the bytes from `from` up to `to`. */
export interface Chunk {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
  readonly isLast: boolean
}

/** One byte that says whether the message ends here, then the bytes. What it decodes lies in the ring. */
export const chunkCodec: RingCodec<Chunk> = {
  id: 'chunk',
  encode({ bytes, from, to, isLast }, memory, start, end) {
    const length = to - from
    if (end - start < length + 1) return -1
    memory.bytes[start] = isLast ? 1 : 0
    memory.bytes.set(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to), start + 1)
    return start + 1 + length
  },
  decode: ({ bytes }, from, to) => ({ bytes, from: from + 1, to, isLast: bytes[from] === 1 }),
}
