import type { KeyToken } from './key-token.ts'

const pageBits = 11
const pageEntries = 2 ** pageBits

/**
 * A hash table of fixed capacity: entries in pages, each at an index that the caller chooses, and slots that find them.
 *
 * An entry that was removed leaves its slot behind, so an index must not be used twice.
 */
export class TokenTable<V> {
  /** How many entries there may be: a quarter to a half of the slots are in use then. */
  readonly capacity: number
  /** Where the last entry was put, plus one. */
  end = 0
  readonly #mask: number
  /** For each slot the hash of an entry, and its index plus one; 0 if the slot is free. */
  readonly #slots: Int32Array
  readonly #hashes: Int32Array
  /** Token and value of each entry in turn. The token of none is undefined. */
  readonly #pages: (KeyToken | V | undefined)[][] = []

  /** For at least so many entries. */
  constructor(entries: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(8, 2 * entries)))
    this.capacity = slots / 2
    this.#mask = slots - 1
    this.#slots = new Int32Array(2 * slots)
    this.#hashes = new Int32Array(this.capacity)
  }

  /** The index of an entry; -1 if there is none. */
  find(token: KeyToken, hash: number): number {
    const slots = this.#slots
    const mask = this.#mask
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const index = slots[2 * slot + 1]! - 1
      if (index < 0) return -1
      if (slots[2 * slot] === hash && isSame(this.tokenAt(index), token)) return index
    }
  }

  /** Puts an entry at an index. The token must not be there. */
  put(index: number, token: KeyToken, value: V, hash: number): void {
    const slots = this.#slots
    const mask = this.#mask
    let slot = hash & mask
    while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask
    slots[2 * slot] = hash
    slots[2 * slot + 1] = index + 1
    this.#hashes[index] = hash
    const page = (this.#pages[index >> pageBits] ??= Array.from({ length: 2 * pageEntries }))
    const place = 2 * (index & (pageEntries - 1))
    page[place] = token
    page[place + 1] = value
    if (index >= this.end) this.end = index + 1
  }

  remove(index: number): void {
    const page = this.#pages[index >> pageBits]!
    const place = 2 * (index & (pageEntries - 1))
    page[place] = undefined
    page[place + 1] = undefined
  }

  /** Undefined if there is no entry. */
  tokenAt(index: number): KeyToken | undefined {
    return this.#pages[index >> pageBits]?.[2 * (index & (pageEntries - 1))] as KeyToken | undefined
  }

  /** Only of an entry that is there. */
  valueAt(index: number): V {
    return this.#pages[index >> pageBits]![2 * (index & (pageEntries - 1)) + 1] as V
  }

  hashAt(index: number): number {
    return this.#hashes[index]!
  }
}

/** As a `Map` compares its keys. */
function isSame(a: KeyToken | undefined, b: KeyToken): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b))
}
