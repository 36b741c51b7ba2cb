import { assert } from '../errors/errors.ts'
import type { KeyToken } from './key-token.ts'
import { LargeTokenMap } from './large-token-map.ts'

/** A `Map` of this size is copied in a few milliseconds, also by code that runs for the first time. */
const mapEntriesMax = 2 ** 13

/**
 * A map with tokens as keys that keeps the order of insertion, has no maximum size and never blocks the event
 * loop for long.
 *
 * A `Map` copies all of its entries when it grows: a million take a tenth of a second. And it throws at 16.7
 * million. Nearly every instance is one `Map`, so nearly every look-up is one look-up.
 */
export class TokenMap<V> {
  readonly #entriesMax: number
  /** All entries: in the first while they are few, otherwise in the second. */
  #few: Map<KeyToken, V> | undefined = new Map()
  #many: LargeTokenMap<V> | undefined

  constructor(entriesMax: number = mapEntriesMax) {
    this.#entriesMax = entriesMax
  }

  get size(): number {
    return this.#few === undefined ? this.#many!.size : this.#few.size
  }

  get(token: KeyToken): V | undefined {
    const few = this.#few
    return few === undefined ? this.#many!.get(token) : few.get(token)
  }

  /** Adds an entry at the end. The token must be new. */
  add(token: KeyToken, value: V): void {
    const few = this.#few
    if (few === undefined) {
      this.#many!.add(token, value)
      return
    }
    const { size } = few
    few.set(token, value)
    assert(few.size > size, 'an added token is new')
    if (size < this.#entriesMax) return
    this.#many = new LargeTokenMap(few)
    this.#few = undefined
  }

  delete(token: KeyToken): void {
    if (this.#few !== undefined) {
      this.#few.delete(token)
    } else if (this.#many!.delete(token) && this.#many!.size === 0) {
      this.#few = new Map()
      this.#many = undefined
    }
  }

  /**
   * In order of insertion. May be changed during iteration: new entries may be skipped, and deleted ones may
   * still appear.
   */
  values(): IterableIterator<V> {
    return this.#few === undefined ? this.#many!.values() : this.#few.values()
  }
}
