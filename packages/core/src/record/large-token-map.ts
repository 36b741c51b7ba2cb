import { assert } from '../errors/assert.ts'
import type { KeyToken } from './key-token.ts'
import { tokenHash } from './token-hash.ts'
import { TokenTable } from './token-table.ts'

/** So many entries are moved with each change. */
const movesPerChange = 8

/**
 * A map of very many tokens that grows and shrinks little by little, and keeps the order of insertion.
 *
 * When its table is full, or mostly empty, entries are moved to another, a few with each change. Until then an entry is in
 * either of the two. In order there are: those that were moved, from the start of the new table; those that were not; and those
 * that were added since, behind the place of the moved ones in the new table.
 *
 * Invariant: the old table is empty before the new one is full. With `n` indices used in the old one and `live` entries, the
 * new one has room for at least `n / 8` more, and each of these additions moves 8.
 */
export class LargeTokenMap<V> {
  #table: TokenTable<V>
  /** The index of the next entry that is added. */
  #next = 0
  #size = 0
  /** What is being moved, from `#moved` on to `#movedTo`. */
  #old: TokenTable<V> | undefined
  #moved = 0
  #movedTo = 0
  /** The index in `#table` of the first entry that was added since. */
  #firstAdded = 0

  constructor(entries: ReadonlyMap<KeyToken, V>) {
    this.#table = new TokenTable(2 * entries.size)
    for (const [token, value] of entries) this.#table.put(this.#next++, token, value, tokenHash(token))
    this.#size = entries.size
  }

  get size(): number {
    return this.#size
  }

  get(token: KeyToken): V | undefined {
    const hash = tokenHash(token)
    const index = this.#table.find(token, hash)
    if (index >= 0) return this.#table.valueAt(index)
    const old = this.#findOld(token, hash)
    return old < 0 ? undefined : this.#old!.valueAt(old)
  }

  add(token: KeyToken, value: V): void {
    const hash = tokenHash(token)
    assert(
      this.#table.find(token, hash) < 0 && this.#findOld(token, hash) < 0,
      'a token that is added is not there yet',
    )
    if (this.#next === this.#table.capacity) this.#startMoving()
    this.#table.put(this.#next++, token, value, hash)
    this.#size++
    this.#move()
  }

  delete(token: KeyToken): boolean {
    const hash = tokenHash(token)
    const index = this.#table.find(token, hash)
    if (index >= 0) this.#table.remove(index)
    else {
      const old = this.#findOld(token, hash)
      if (old < 0) return false
      this.#old!.remove(old)
    }
    this.#size--
    if (this.#old === undefined && this.#size < this.#next / movesPerChange) this.#startMoving()
    this.#move()
    return true
  }

  /** In order of insertion. May be changed meanwhile: entries added may be left out, and entries deleted may still come. */
  *values(): Generator<V> {
    const [table, old, firstAdded] = [this.#table, this.#old, this.#firstAdded]
    let index = 0
    if (old !== undefined) {
      for (; index < (this.#old === old ? this.#movedTo : firstAdded); index++) {
        if (table.tokenAt(index) !== undefined) yield table.valueAt(index)
      }
      for (let i = this.#old === old ? this.#moved : old.end; i < old.end; i++) {
        if (old.tokenAt(i) !== undefined) yield old.valueAt(i)
      }
      index = firstAdded
    }
    for (; index < table.end; index++) if (table.tokenAt(index) !== undefined) yield table.valueAt(index)
  }

  /** The index in the old table of an entry that was not moved; -1 if there is none. */
  #findOld(token: KeyToken, hash: number): number {
    const index = this.#old === undefined ? -1 : this.#old.find(token, hash)
    return index < this.#moved ? -1 : index
  }

  #startMoving(): void {
    assert(this.#old === undefined, 'all entries were moved before the table is full')
    this.#old = this.#table
    this.#table = new TokenTable(Math.max(2 * this.#size, this.#next / 4))
    this.#moved = 0
    this.#movedTo = 0
    this.#firstAdded = this.#size
    this.#next = this.#size
  }

  #move(): void {
    const old = this.#old
    if (old === undefined) return
    for (let i = 0; i < movesPerChange && this.#moved < old.end; i++) {
      const index = this.#moved++
      const token = old.tokenAt(index)
      if (token !== undefined) this.#table.put(this.#movedTo++, token, old.valueAt(index), old.hashAt(index))
    }
    if (this.#moved >= old.end) this.#old = undefined
  }
}
