import { assert } from '@millrace/core'
import type { KeyToken } from '@millrace/core'

/** Half of what a `Map` holds at most, since one that has seen deletions needs spare room. */
const mapEntriesMax = 2 ** 23

const none: never[] = []

/**
 * A map that has no largest size and keeps the order of insertion.
 *
 * One `Map` throws at 16.7 million entries. This is a row of them, filled one after the other: a token
 * stands in exactly one, and all but the newest are older than any entry of the next. Nearly every
 * instance has one `Map` only, so nearly every look-up is one look-up.
 */
export class TokenMap<V extends object> {
  readonly #entriesMax: number
  #newest = new Map<KeyToken, V>()
  /** Oldest first. */
  #older: Map<KeyToken, V>[] = none

  constructor(entriesMax: number = mapEntriesMax) {
    this.#entriesMax = entriesMax
  }

  get size(): number {
    let size = this.#newest.size
    for (const map of this.#older) size += map.size
    return size
  }

  get(token: KeyToken): V | undefined {
    const value = this.#newest.get(token)
    return value !== undefined || this.#older.length === 0 ? value : this.#getOlder(token)
  }

  /** Adds an entry behind all others. The token must not be there. */
  add(token: KeyToken, value: V): void {
    if (this.#newest.size >= this.#entriesMax) this.#grow()
    const size = this.#newest.size
    this.#newest.set(token, value)
    assert(
      this.#newest.size > size && (this.#older.length === 0 || this.#getOlder(token) === undefined),
      'a token that is added to a table is not there yet',
    )
  }

  delete(token: KeyToken): void {
    if (this.#newest.delete(token)) return
    for (const map of this.#older) {
      if (!map.delete(token)) continue
      if (map.size === 0) this.#older = this.#older.filter((each) => each !== map)
      return
    }
  }

  /** Forgets all entries; iterations under way end. */
  clear(): void {
    this.#newest.clear()
    for (const map of this.#older) map.clear()
    this.#older = none
  }

  /** In order of insertion. May be changed while iterating; entries made meanwhile may be left out. */
  values(): IterableIterator<V> {
    return this.#older.length === 0 ? this.#newest.values() : rowValues([...this.#older, this.#newest])
  }

  entries(): IterableIterator<[KeyToken, V]> {
    return this.#older.length === 0 ? this.#newest.entries() : rowEntries([...this.#older, this.#newest])
  }

  #getOlder(token: KeyToken): V | undefined {
    for (const map of this.#older) {
      const value = map.get(token)
      if (value !== undefined) return value
    }
    return undefined
  }

  #grow(): void {
    this.#older = [...this.#older, this.#newest]
    this.#newest = new Map()
  }
}

function* rowValues<V>(row: readonly Map<KeyToken, V>[]): Generator<V> {
  for (const map of row) yield* map.values()
}

function* rowEntries<V>(row: readonly Map<KeyToken, V>[]): Generator<[KeyToken, V]> {
  for (const map of row) yield* map.entries()
}
