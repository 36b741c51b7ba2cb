import { RecordRandom, type SeedWords } from './record-random.ts'

/**
 * Shuffles the records of a split within a bound.
 *
 * The split is divided into blocks and each block is shuffled separately, so a record moves by less than a
 * block, and its place depends on the seed and its index only. Starting in the middle computes one block.
 */
export class BlockShuffle {
  readonly #words: SeedWords
  readonly #blockRecords: number
  /** Number of records of the split; the last block may be short. Infinity for no end. */
  readonly #count: number
  #block = -1
  #order = new Uint32Array(0)

  constructor(words: SeedWords, blockRecords: number, count: number) {
    this.#words = words
    this.#blockRecords = blockRecords
    this.#count = count
  }

  /** Which record of the split, by event time, is at `place`. */
  recordAt(place: number): number {
    if (this.#blockRecords <= 1) return place
    const block = Math.floor(place / this.#blockRecords)
    if (block !== this.#block) this.#shuffle(block)
    const first = block * this.#blockRecords
    return first + this.#order[place - first]!
  }

  #shuffle(block: number): void {
    const length = Math.min(this.#blockRecords, this.#count - block * this.#blockRecords)
    const order = Uint32Array.from({ length }, (_, index) => index)
    const random = new RecordRandom(this.#words, block)
    for (let i = length - 1; i > 0; i--) {
      const j = random.int(i + 1)
      const moved = order[i]!
      order[i] = order[j]!
      order[j] = moved
    }
    this.#order = order
    this.#block = block
  }
}
