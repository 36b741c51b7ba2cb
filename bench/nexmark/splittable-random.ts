/**
 * Java's `java.util.SplittableRandom`, number for number: Nexmark is defined by it.
 *
 * A 64-bit number is a pair of 32-bit integers, high and low, because a `bigint` costs twenty times as much.
 */
export class SplittableRandom {
  #high: number
  #low: number
  /** The halves of the last product. */
  #productHigh = 0
  #productLow = 0

  /** `seed` is a whole number; its low 64 bits count. */
  constructor(seed: number) {
    this.#high = Math.floor(seed / 2 ** 32) | 0
    this.#low = seed | 0
  }

  /** Starts again, as a new generator with this seed would. */
  reseed(seed: number): void {
    this.#high = Math.floor(seed / 2 ** 32) | 0
    this.#low = seed | 0
  }

  /** Returns a whole number from -2^31 to 2^31 - 1. */
  int(): number {
    this.#step()
    let high = this.#high
    let low = this.#low
    // z = (z ^ (z >>> 33)) * 0x62a9d9ed799705f5
    low ^= high >>> 1
    this.#multiply(high, low, 0x62a9d9ed, 0x799705f5)
    high = this.#productHigh
    low = this.#productLow
    // ((z ^ (z >>> 28)) * 0xcb24d0a5c88c35b3) >>> 32
    this.#multiply(high ^ (high >>> 28), low ^ ((high << 4) | (low >>> 28)), 0xcb24d0a5, 0xc88c35b3)
    return this.#productHigh
  }

  /** Returns a whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    const mask = bound - 1
    let drawn = this.int()
    if ((bound & mask) === 0) return drawn & mask
    // Draws from the incomplete last multiple of the bound are refused.
    for (let u = drawn >>> 1; ; u = this.int() >>> 1) {
      drawn = u % bound
      if (u + mask - drawn <= 0x7fffffff) return drawn
    }
  }

  /** Returns a fraction from 0 to less than 1. */
  fraction(): number {
    this.#step()
    let high = this.#high
    let low = this.#low
    // Stafford's variant 13 of the mixing function of MurmurHash3.
    this.#multiply(high ^ (high >>> 30), low ^ ((high << 2) | (low >>> 30)), 0xbf58476d, 0x1ce4e5b9)
    high = this.#productHigh
    low = this.#productLow
    this.#multiply(high ^ (high >>> 27), low ^ ((high << 5) | (low >>> 27)), 0x94d049bb, 0x133111eb)
    high = this.#productHigh
    low = this.#productLow
    low ^= (high << 1) | (low >>> 31)
    high ^= high >>> 31
    return ((high >>> 0) * 2 ** 21 + (low >>> 11)) * 2 ** -53
  }

  /** Adds the golden gamma, 0x9e3779b97f4a7c15. */
  #step(): void {
    const low = (this.#low >>> 0) + 0x7f4a7c15
    this.#low = low | 0
    this.#high = (this.#high + 0x9e3779b9 + (low > 0xffffffff ? 1 : 0)) | 0
  }

  /** The low 64 bits of a product. */
  #multiply(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
    const a0 = aLow & 0xffff
    const a1 = aLow >>> 16
    const b0 = bLow & 0xffff
    const b1 = bLow >>> 16
    // At most 2^32 + 2^17, so every sum is exact.
    const first = a0 * b0
    const middle = a1 * b0 + (first >>> 16)
    const other = a0 * b1 + (middle % 0x10000)
    const high = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000)
    this.#productLow = Math.imul(aLow, bLow)
    this.#productHigh = (high + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0
  }
}
