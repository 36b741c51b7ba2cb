import { WireError } from '../cursor.ts'
import { GrowingBytes } from './growing.ts'

const magic = 0x184d2204
/** The largest block of each size that a header may name. */
const blockBytes: Readonly<Record<number, number>> = { 4: 2 ** 16, 5: 2 ** 18, 6: 2 ** 20, 7: 2 ** 22 }

/** Decompresses an LZ4 frame. The batch around it has a checksum, so those of the frame are not checked. */
export function decompressLz4(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 7 || view.getUint32(0, true) !== magic) throw new WireError('the bytes are no LZ4 frame')
  const flags = bytes[4]!
  if (flags >> 6 !== 1) throw new WireError(`an LZ4 frame has version ${flags >> 6}`)
  const largest = blockBytes[(bytes[5]! >> 4) & 7]
  if (largest === undefined) throw new WireError('an LZ4 frame has an unknown block size')
  const hasBlockSums = (flags & 16) !== 0
  const hasSize = (flags & 8) !== 0
  const hasDictionary = (flags & 1) !== 0
  let at = 6 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0) + 1
  const out = new GrowingBytes(bytes.length * 4)
  for (;;) {
    if (at + 4 > bytes.length) throw new WireError('an LZ4 frame has no end')
    const head = view.getUint32(at, true)
    at += 4
    if (head === 0) return out.finish()
    const size = head & 0x7fffffff
    const end = at + size
    if (size > largest || end > bytes.length) {
      throw new WireError(`an LZ4 block says that it has ${size} bytes`)
    }
    if (head >>> 31 === 1) out.append(bytes.subarray(at, end))
    else decompressBlock(bytes, at, end, out)
    at = end + (hasBlockSums ? 4 : 0)
  }
}

function decompressBlock(bytes: Uint8Array, from: number, end: number, out: GrowingBytes): void {
  let at = from
  const lengthOf = (short: number): number => {
    let length = short
    if (short < 15) return length
    for (;;) {
      if (at >= end) throw cutShort()
      const more = bytes[at++]!
      length += more
      if (more < 255) return length
    }
  }
  while (at < end) {
    const token = bytes[at++]!
    const literals = lengthOf(token >> 4)
    if (literals > end - at) throw cutShort()
    if (literals > 0) {
      copy(bytes, at, literals, out)
      at += literals
    }
    // The last sequence has literals only.
    if (at === end) return
    if (at + 2 > end) throw cutShort()
    const distance = bytes[at]! | (bytes[at + 1]! << 8)
    at += 2
    out.repeat(distance, lengthOf(token & 15) + 4)
  }
}

function copy(bytes: Uint8Array, from: number, count: number, out: GrowingBytes): void {
  if (count > 32) {
    out.append(bytes.subarray(from, from + count))
    return
  }
  out.reserve(count)
  const target = out.bytes
  let to = out.length
  for (let at = from; at < from + count; at++) target[to++] = bytes[at]!
  out.length = to
}

function cutShort(): WireError {
  return new WireError('an LZ4 block is cut short')
}
