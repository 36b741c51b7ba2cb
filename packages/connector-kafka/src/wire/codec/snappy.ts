import { WireError } from '../cursor.ts'
import { GrowingBytes } from './growing.ts'

/** The beginning of the framing that Java's clients put around blocks. */
const framed = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]
const framedHeader = 16

/** Decompresses Snappy, with the framing of Java's clients or without. */
export function decompressSnappy(bytes: Uint8Array): Uint8Array {
  if (!framed.every((byte, index) => bytes[index] === byte)) return block(bytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const out = new GrowingBytes(bytes.length * 2)
  for (let at = framedHeader; at < bytes.length;) {
    const size = at + 4 > bytes.length ? -1 : view.getInt32(at)
    at += 4
    if (size < 0 || size > bytes.length - at) throw cutShort()
    out.append(block(bytes.subarray(at, at + size)))
    at += size
  }
  return out.finish()
}

function block(bytes: Uint8Array): Uint8Array {
  let at = 0
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]
    if (byte === undefined || shift > 28) throw cutShort()
    length += (byte & 127) * 2 ** shift
    if (byte < 128) break
  }
  // The length is only a claim: the bytes come as they are found.
  const out = new GrowingBytes(Math.min(length, bytes.length * 8))
  while (at < bytes.length) at = element(bytes, at, out)
  if (out.length !== length) {
    throw new WireError(`Snappy announces ${length} bytes, and ${out.length} are there`)
  }
  return out.finish()
}

/** Reads one element, and returns where the next begins. */
function element(bytes: Uint8Array, from: number, out: GrowingBytes): number {
  const tag = bytes[from]!
  const kind = tag & 3
  const extra = kind === 0 ? Math.max((tag >> 2) - 59, 0) : [0, 1, 2, 4][kind]!
  const at = from + 1 + extra
  if (at > bytes.length) throw cutShort()
  let number = 0
  for (let index = extra; index > 0; index--) number = number * 256 + bytes[from + index]!
  if (kind === 0) {
    const count = (extra === 0 ? tag >> 2 : number) + 1
    if (count > bytes.length - at) throw cutShort()
    out.append(bytes.subarray(at, at + count))
    return at + count
  }
  if (kind === 1) out.repeat(((tag >> 5) << 8) | number, ((tag >> 2) & 7) + 4)
  else out.repeat(number, (tag >> 2) + 1)
  return at
}

function cutShort(): WireError {
  return new WireError('Snappy bytes are cut short')
}
