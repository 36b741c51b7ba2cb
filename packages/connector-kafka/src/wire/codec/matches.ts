/** Takes what a search for repetitions finds, in the order of the bytes. */
export interface MatchTaker {
  /** Bytes up to `at` that are repeated nowhere, then `length` bytes that were there `distance` bytes before. */
  match(from: number, at: number, distance: number, length: number): void
  /** The bytes behind the last repetition. */
  rest(from: number, end: number): void
}

/** A block is searched by itself, so a place in it fits into 16 bits. */
export const blockBytesMax: number = 2 ** 16
/** The shortest repetition that is worth naming. */
const matchBytes = 4
const hashBits = 13
/** After so many bytes without a repetition the search takes longer steps: such bytes do not compress. */
const patienceBits = 6
/** LZ4 wants the last bytes of a block as they are: the last repetition begins and ends so far before the end. */
const startMargin = 12
const endMargin = 5

const places = new Uint16Array(2 ** hashBits)

/** Finds repetitions in a block of at most `blockBytesMax` bytes, the quick way: the last place with the same hash counts. */
export function findMatches(bytes: Uint8Array, from: number, end: number, taker: MatchTaker): void {
  places.fill(0)
  const lastStart = end - startMargin
  const lastEnd = end - endMargin
  let literalsFrom = from
  let misses = 1 << patienceBits
  for (let at = from + 1; at < lastStart;) {
    const four = fourAt(bytes, at)
    const slot = Math.imul(four, 0x9e3779b1) >>> (32 - hashBits)
    const before = from + places[slot]!
    places[slot] = at - from
    if (fourAt(bytes, before) !== four) {
      at += misses++ >> patienceBits
      continue
    }
    let behind = at + matchBytes
    for (let other = before + matchBytes; behind < lastEnd && bytes[behind] === bytes[other]; other++)
      behind++
    taker.match(literalsFrom, at, at - before, behind - at)
    literalsFrom = behind
    at = behind
    misses = 1 << patienceBits
  }
  taker.rest(literalsFrom, end)
}

function fourAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}
