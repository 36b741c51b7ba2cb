import { seededRandom } from '@millrace/world'
import type { Random } from '@millrace/world'

const TWO_32 = 2 ** 32
const TWO_53 = 2 ** 53

/** Mixes 32 bits so that each input bit affects each output bit (the finalizer of MurmurHash3). */
function scramble(bits: number): number {
  let x = bits
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/** Two words derived from one seed for one purpose; other labels give unrelated words. */
export interface SeedWords {
  readonly high: number
  readonly low: number
}

/** Derives the words; `seed` may be any finite number. */
export function seedWords(seed: number, label: string): SeedWords {
  const random = seededRandom(seed).fork(label)
  return { high: random.int(TWO_32), low: random.int(TWO_32) }
}

/**
 * The randomness of one record: a pure function of the seed, the record's index and the number of draws so
 * far. It does not depend on other records, so a reader can start anywhere. (A counter-based generator:
 * Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.)
 *
 * Forking `seededRandom` for each record gives the same property at a microsecond each; this takes a few
 * nanoseconds.
 */
export class RecordRandom implements Random {
  readonly #key: number
  readonly #start: number
  #counter: number

  constructor(words: SeedWords, index: number) {
    const low = index % TWO_32
    const high = Math.floor(index / TWO_32)
    this.#key = scramble(words.high ^ scramble(low + Math.imul(high, 0x9e3779b9)))
    this.#start = scramble(words.low + scramble(high ^ this.#key) + Math.imul(low, 0x6a09e667))
    this.#counter = this.#start
  }

  next(): number {
    return this.#bits53() / TWO_53
  }

  int(bound: number): number {
    if (!Number.isSafeInteger(bound) || bound < 1) {
      throw new RangeError(`int: bound is ${bound}; pass an integer from 1 to 2^53-1`)
    }
    // Values past the last whole multiple of the bound would favour small results, so they are drawn again.
    if (bound <= TWO_32) {
      const limit = TWO_32 - (TWO_32 % bound)
      let drawn = this.#bits32()
      while (drawn >= limit) drawn = this.#bits32()
      return drawn % bound
    }
    const limit = TWO_53 - (TWO_53 % bound)
    let drawn = this.#bits53()
    while (drawn >= limit) drawn = this.#bits53()
    return drawn % bound
  }

  fork(label: string): Random {
    return seededRandom(this.#key * 2 ** 20 + (this.#start >>> 12)).fork(label)
  }

  #bits32(): number {
    this.#counter = (this.#counter + 0x9e3779b9) | 0
    return scramble(this.#key ^ scramble(this.#counter))
  }

  #bits53(): number {
    return (this.#bits32() >>> 5) * 2 ** 26 + (this.#bits32() >>> 6)
  }
}
