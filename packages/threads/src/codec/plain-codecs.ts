import { fromClone, toClone } from '../node-threads.ts'
import { shown } from '../shown.ts'
import type { RingCodec, RingMemory } from './ring-codec.ts'
import { readText, writeText } from './text-bytes.ts'

/** Bytes. Sending copies them into the ring, receiving copies them out: the receiver owns the result. */
export const bytesCodec: RingCodec<Uint8Array> = {
  id: 'bytes',
  encode(value, { bytes }, from, to) {
    // Any other value with a length would be sent as wrong bytes.
    if (!(value instanceof Uint8Array))
      throw new TypeError(`bytesCodec: ${shown(value)} is not a Uint8Array; pass one`)
    const end = from + value.length
    if (end > to) return -1
    bytes.set(value, from)
    return end
  },
  decode: copyOut,
}

/** Text as UTF-8. Unpaired surrogates become U+FFFD. */
export const textCodec: RingCodec<string> = {
  id: 'text',
  encode(value, memory, from, to) {
    if (typeof value !== 'string') throw new TypeError(`textCodec: ${shown(value)} is not a string; pass one`)
    return writeText(value, memory, from, to)
  },
  decode: readText,
}

/**
 * Any value that survives `JSON.stringify` and `JSON.parse`, typed as the caller declares it.
 *
 * Sending a value that JSON cannot represent, such as `undefined`, throws a TypeError.
 *
 * @example
 * const orders = sharedChannel({ capacity: 100, codec: jsonCodec<{ id: number; lines: string[] }>() })
 */
export function jsonCodec<T>(): RingCodec<T> {
  return {
    id: 'json',
    encode(value, memory, from, to) {
      const text: string | undefined = JSON.stringify(value)
      if (text === undefined)
        throw new TypeError(`jsonCodec: JSON cannot represent a value of type ${typeof value}`)
      return writeText(text, memory, from, to)
    },
    decode: (memory, from, to) => JSON.parse(readText(memory, from, to)) as T,
  }
}

/**
 * Any value that `postMessage` can send: maps, dates, cycles. Slow, several microseconds a value: use it only
 * when no other codec fits.
 */
export function structuredCloneCodec<T>(): RingCodec<T> {
  return {
    id: 'structured-clone',
    encode(value, { bytes }, from, to) {
      const cloned = toClone(value)
      if (cloned.length > to - from) return -1
      bytes.set(cloned, from)
      return from + cloned.length
    },
    // Decode from a copy: decoded typed arrays share the memory they are read from.
    decode: ({ bytes }, from, to) => fromClone(Buffer.from(bytes.subarray(from, to))) as T,
  }
}

const SLAB_BYTES = 2 ** 14
const SLAB_VALUE_BYTES_MAX = 2 ** 10

let slab = new Int32Array(0)
let slabUsed = 0

/**
 * Copies bytes of the ring. Node needs half a microsecond to allocate an ArrayBuffer, more than the rest of a
 * receive, so short values share one, as the short Buffers of Node do.
 */
function copyOut({ bytes, words }: RingMemory, from: number, to: number): Uint8Array {
  const length = to - from
  if (length > SLAB_VALUE_BYTES_MAX) return new Uint8Array(bytes.subarray(from, to))
  const count = (length + 3) >> 2
  if (slabUsed + count > slab.length) {
    slab = new Int32Array(SLAB_BYTES / 4)
    slabUsed = 0
  }
  const start = slabUsed
  slabUsed += count
  // Up to three bytes of padding are copied too; they belong to the record.
  for (let at = 0, word = from >> 2; at < count; at++) slab[start + at] = words[word + at]!
  return new Uint8Array(slab.buffer, start * 4, length)
}
