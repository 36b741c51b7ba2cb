import type { Key } from '../record/key.ts'
import type { Duration } from '../record/time.ts'
import type { KeyRange } from './sorted-keys.ts'

/** Options of one write to state. */
export interface WriteOptions {
  /**
   * How long this value lives, in place of `after` in the `ttl` of its piece of state. It begins a new life, whatever
   * `refresh` says. A later write without it begins one of the declared length; with `refresh: 'create'` it changes nothing.
   *
   * The piece of state must be declared with a `ttl`, else `STATE_MISUSED`. Zero and what is not a duration are
   * `OPTION_INVALID`.
   *
   * @example
   * seen.set(true, { ttl: '10m' })
   */
  readonly ttl?: Duration
}

/** A value for each key. Every method refers to the key of the current record or timer. */
export interface ValueState<T> {
  /**
   * The value, or undefined if there is none. It is the value itself, not a copy: after changing it in place
   * call `set` with it, or the change is not saved. (The test harness detects a missing `set`.) An emitted
   * value must not be changed: set a new one.
   */
  get(): T | undefined
  set(value: T, options?: WriteOptions): void
  clear(): void
}

/** A list for each key, saved as a whole when it changed. */
export interface ListState<T> {
  /**
   * The elements in order of addition; empty if there are none. The array never changes afterwards, so it may
   * be emitted; do not change its elements. The first `add` after a `get` copies the list.
   */
  get(): readonly T[]
  /** Appends a value. Constant time unless `get` was called since the last `add` or `set`. */
  add(value: T, options?: WriteOptions): void
  set(values: readonly T[], options?: WriteOptions): void
  clear(): void
}

/** A map for each key, saved entry by entry: a checkpoint costs what changed. Iterates in order of insertion. */
export interface MapState<K extends Key, V> {
  get(name: K): V | undefined
  has(name: K): boolean
  set(name: K, value: V, options?: WriteOptions): void
  delete(name: K): void
  entries(): IterableIterator<[K, V]>
  readonly size: number
  clear(): void
}

/**
 * A map for each key whose entries are in order: null, booleans, numbers and bigints by value, text by code
 * units, bytes, arrays element by element. Saved entry by entry.
 *
 * Looking up, adding and removing an entry takes a time that grows with the logarithm of their number; a range
 * costs its entries besides. The entries of a key are sorted when it first needs their order after a restart.
 */
export interface OrderedMapState<K extends Key, V> extends MapState<K, V> {
  /** The entries of a range, in order. Entries may be changed during iteration. */
  range(range: KeyRange<K>): IterableIterator<[K, V]>
  /** The same, from the last to the first. */
  rangeBackward(range: KeyRange<K>): IterableIterator<[K, V]>
  deleteRange(range: KeyRange<K>): void
}
