import type { Key } from '../record/key.ts'
import { compareKeys } from '../record/key-order.ts'

const blockMax = 256

/** Where a range begins, and where it ends: `from` is part of it and `to` is not. Absent: no limit. */
export interface KeyRange<K> {
  readonly from?: K
  readonly to?: K
}

/**
 * Keys in order, in blocks. Finding, adding and removing one takes a time that grows with the logarithm of their
 * number, besides a move within one block.
 *
 * Invariant between any two calls: blocks are not empty, hold at most `blockMax` keys, and are in order.
 */
export class SortedKeys<K extends Key> {
  readonly #blocks: K[][] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds a key unless it is there. */
  add(key: K): void {
    const at = Math.max(0, this.#blockOf(key))
    const block = this.#blocks[at]
    if (block === undefined) {
      this.#blocks.push([key])
      this.#size++
      return
    }
    const place = lowerBound(block, key)
    if (place < block.length && compareKeys(block[place]!, key) === 0) return
    block.splice(place, 0, key)
    this.#size++
    if (block.length > blockMax) this.#blocks.splice(at + 1, 0, block.splice(block.length / 2))
  }

  /** Removes a key; fine if it is not there. */
  delete(key: K): void {
    const at = this.#blockOf(key)
    const block = this.#blocks[at]
    if (block === undefined) return
    const place = lowerBound(block, key)
    if (place === block.length || compareKeys(block[place]!, key) !== 0) return
    block.splice(place, 1)
    this.#size--
    if (block.length === 0) this.#blocks.splice(at, 1)
  }

  /** The first key from `from` on; with `isAfter` the first one behind it. */
  next(from: K | undefined, isAfter = false): K | undefined {
    if (from === undefined) return this.#blocks[0]?.[0]
    let at = Math.max(0, this.#blockOf(from))
    const block = this.#blocks[at]
    if (block === undefined) return undefined
    let place = lowerBound(block, from)
    if (isAfter && place < block.length && compareKeys(block[place]!, from) === 0) place++
    if (place < block.length) return block[place]
    at++
    return this.#blocks[at]?.[0]
  }

  /** The last key before `to`; of all keys if it is undefined. */
  previous(to: K | undefined): K | undefined {
    if (to === undefined) return this.#blocks.at(-1)?.at(-1)
    const at = this.#blockOf(to)
    const block = this.#blocks[at]
    if (block === undefined) return undefined
    const place = lowerBound(block, to)
    return place > 0 ? block[place - 1] : this.#blocks[at - 1]?.at(-1)
  }

  /** The last block whose first key is not behind `key`; -1 if there is none. */
  #blockOf(key: K): number {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(this.#blocks[middle]![0]!, key) <= 0) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

/** The place of the first key that is not before `key`. */
function lowerBound<K extends Key>(keys: readonly K[], key: K): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(keys[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
