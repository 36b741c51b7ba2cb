import { compareKeys } from '../record/key-order.ts'
import { keyToken, tokenKey, type KeyToken } from '../record/key-token.ts'
import type { Key } from '../record/key.ts'
import { TokenMap } from '../record/token-map.ts'
import type { OrderedMapState, WriteOptions } from './handles.ts'
import { KeyedMap, type KeyScope } from './keyed-handles.ts'
import { SortedKeys, type KeyRange } from './sorted-keys.ts'
import type { Cell, StateTable } from './state-store.ts'
import type { Participant, Transaction } from './transaction.ts'

/** What an ordered map needs besides its table. */
export interface OrderedMapParts<V> {
  readonly scope: KeyScope
  readonly name: string
  /** Called for each entry that an iteration returns. */
  readonly read: ((cell: Cell<V>) => void) | undefined
  readonly transaction: Transaction | undefined
}

/**
 * A map per key that also keeps its entries in order. The order of a key is found out when it is first needed
 * after a restart.
 *
 * Invariant between any two calls: the order of a key, if there is one, holds each entry of its map, and some
 * that have expired. After a record that failed there is none for the keys that it has changed.
 */
export class KeyedOrderedMap<K extends Key, V> implements OrderedMapState<K, V>, Participant {
  readonly #map: KeyedMap<K, V>
  readonly #table: StateTable<V>
  readonly #parts: OrderedMapParts<V>
  readonly #what: string
  readonly #orders = new TokenMap<SortedKeys<K>>()
  /** The keys whose order the open transaction has changed. */
  readonly #touched = new Set<KeyToken>()

  constructor(table: StateTable<V>, parts: OrderedMapParts<V>) {
    this.#map = new KeyedMap(table, parts.scope, parts.name, parts.read)
    this.#table = table
    this.#parts = parts
    this.#what = `state '${parts.name}'`
    parts.transaction?.join(this)
  }

  get size(): number {
    return this.#map.size
  }

  get(name: K): V | undefined {
    return this.#map.get(name)
  }

  has(name: K): boolean {
    return this.#map.has(name)
  }

  set(name: K, value: V, options?: WriteOptions): void {
    this.#map.set(name, value, options)
    const { token } = this.#parts.scope
    this.#touch(token)
    this.#orders.get(token)?.add(tokenKey(keyToken(name)) as K)
  }

  delete(name: K): void {
    this.#map.delete(name)
    this.removed(this.#parts.scope.token, keyToken(name))
  }

  clear(): void {
    this.#map.clear()
    this.#drop(this.#parts.scope.token)
  }

  entries(): IterableIterator<[K, V]> {
    return this.range({})
  }

  range(range: KeyRange<K>): IterableIterator<[K, V]> {
    // The key is that of the call, not of the first step of the iteration.
    return this.#forward(this.#parts.scope.tokenFor(this.#what), range)
  }

  rangeBackward(range: KeyRange<K>): IterableIterator<[K, V]> {
    return this.#backward(this.#parts.scope.tokenFor(this.#what), range)
  }

  deleteRange(range: KeyRange<K>): void {
    const outer = this.#parts.scope.tokenFor(this.#what)
    for (const [name] of this.#forward(outer, range)) this.delete(name)
  }

  /** The keys that have one. */
  keys(): Iterable<KeyToken> {
    return this.#map.keys()
  }

  /** An entry is gone: it was deleted, or has expired. */
  removed(outer: KeyToken, inner: KeyToken): void {
    const order = this.#orders.get(outer)
    if (order === undefined) return
    this.#touch(outer)
    order.delete(tokenKey(inner) as K)
    if (order.size === 0) this.#orders.delete(outer)
  }

  commit(): void {
    this.#touched.clear()
  }

  rollback(): void {
    for (const outer of this.#touched) this.#orders.delete(outer)
    this.#touched.clear()
  }

  *#forward(outer: KeyToken, { from, to }: KeyRange<K>): Generator<[K, V]> {
    let next = this.#order(outer).next(from)
    while (next !== undefined && (to === undefined || compareKeys(next, to) < 0)) {
      const cell = this.#table.find(outer, keyToken(next))
      if (cell !== undefined) yield [next, cell.value]
      // The order may have changed, or even be another one, so the next entry is looked up anew.
      next = this.#order(outer).next(next, true)
    }
  }

  *#backward(outer: KeyToken, { from, to }: KeyRange<K>): Generator<[K, V]> {
    let next = this.#order(outer).previous(to)
    while (next !== undefined && (from === undefined || compareKeys(next, from) >= 0)) {
      const cell = this.#table.find(outer, keyToken(next))
      if (cell !== undefined) yield [next, cell.value]
      next = this.#order(outer).previous(next)
    }
  }

  #order(outer: KeyToken): SortedKeys<K> {
    const known = this.#orders.get(outer)
    if (known !== undefined) return known
    const order = new SortedKeys<K>()
    for (const { inner } of this.#table.cells(outer)) order.add(tokenKey(inner) as K)
    this.#touch(outer)
    if (order.size > 0) this.#orders.add(outer, order)
    return order
  }

  #touch(outer: KeyToken): void {
    if (this.#parts.transaction?.isOpen === true) this.#touched.add(outer)
  }

  #drop(outer: KeyToken): void {
    this.#touch(outer)
    this.#orders.delete(outer)
  }
}
