/** How many bytes one step takes: more tables at a time, fewer steps that wait for one another. */
const stepBytes = 16

/** The tables of the Castagnoli polynomial, one behind the other: for a byte, and for one with so many bytes behind it. */
const table = makeTable()

function makeTable(): Int32Array {
  const all = new Int32Array(256 * stepBytes)
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1
    all[byte] = sum
  }
  for (let index = 256; index < all.length; index++) {
    const before = all[index - 256]!
    all[index] = all[before & 255]! ^ (before >>> 8)
  }
  return all
}

/** Words of 32 bits have their lowest byte first on nearly every machine; on others all bytes are taken one by one. */
const hasLowByteFirst = new Uint8Array(Int32Array.of(1).buffer)[0] === 1

/** The CRC-32C of bytes from a place on, as an unsigned number: what batches of records carry. */
export function crc32c(bytes: Uint8Array, from = 0): number {
  const end = bytes.length
  let sum = -1
  let at = from
  for (; at < end && ((bytes.byteOffset + at) & 3) !== 0; at++) sum = after(sum, bytes[at]!)
  if (hasLowByteFirst) {
    const words = new Int32Array(
      bytes.buffer,
      bytes.byteOffset + at,
      Math.floor((end - at) / stepBytes) * (stepBytes / 4),
    )
    sum = afterWords(sum, words)
    at += words.byteLength
  }
  for (; at < end; at++) sum = after(sum, bytes[at]!)
  return ~sum >>> 0
}

function after(sum: number, byte: number): number {
  return table[(sum ^ byte) & 255]! ^ (sum >>> 8)
}

function afterWords(before: number, words: Int32Array): number {
  // A variable of its own is quicker to reach than that of the module.
  const t = table
  let sum = before
  for (let index = 0; index < words.length; index += 4) {
    const a = sum ^ words[index]!
    const b = words[index + 1]!
    const c = words[index + 2]!
    const d = words[index + 3]!
    sum =
      t[3840 + (a & 255)]! ^
      t[3584 + ((a >>> 8) & 255)]! ^
      t[3328 + ((a >>> 16) & 255)]! ^
      t[3072 + (a >>> 24)]! ^
      t[2816 + (b & 255)]! ^
      t[2560 + ((b >>> 8) & 255)]! ^
      t[2304 + ((b >>> 16) & 255)]! ^
      t[2048 + (b >>> 24)]! ^
      t[1792 + (c & 255)]! ^
      t[1536 + ((c >>> 8) & 255)]! ^
      t[1280 + ((c >>> 16) & 255)]! ^
      t[1024 + (c >>> 24)]! ^
      t[768 + (d & 255)]! ^
      t[512 + ((d >>> 8) & 255)]! ^
      t[256 + ((d >>> 16) & 255)]! ^
      t[d >>> 24]!
  }
  return sum
}
