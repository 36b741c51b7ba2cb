/**
 * Where a record is, in two words of an index entry: the offset of its block in the segment, and
 *
 *     bits 19 to 31   the segment, by its slot in the log
 *     bits 7 to 18    the record in the block
 *     bits 0 to 6     its size, to a fifth of it
 *
 * The size is rounded in the same way when a record becomes live and when it dies, so what remains of a segment without
 * live records is exactly 0.
 */

/** The second word of an entry whose value is in memory; the first is then the slot of its cell. */
export const liveMark = 0xffff_ffff

/** How many segments a place can distinguish: one is left out, because of `liveMark`. */
export const slotsMax = 8191

/** How many records of a block a place can distinguish. */
export const recordsMax = 4095

/** The second word of a place. */
export function placeWord(slot: number, record: number, bytes: number): number {
  return ((slot << 19) | (record << 7) | sizeClass(bytes)) >>> 0
}

export function slotOf(word: number): number {
  return word >>> 19
}

export function recordOf(word: number): number {
  return (word >>> 7) & 0xfff
}

/** The rounded size of the record. */
export function bytesOf(word: number): number {
  return classBytes[word & 0x7f]!
}

/** Four classes for each power of two. */
const classBytes = Array.from({ length: 128 }, (_, size) => Math.round(2 ** (size / 4)))

function sizeClass(bytes: number): number {
  return Math.min(127, Math.max(0, Math.round(4 * Math.log2(bytes))))
}
