import type { EventTime } from '@millrace/core'
import { PagedList, TokenMap, type Cell, type KeyToken, type StateTable } from '@millrace/core/store'
import type { Accumulators } from './accumulators.ts'
import { SliceMerge, type MarkOf } from './slice-merge.ts'
import { SortedTimes } from './sorted-times.ts'

/** How many keys are visited between two steps of a search. */
const searchStep = 32

/** A slice with cells of which some window has not ended. */
class OpenSlice {
  readonly start: EventTime
  /** The keys with a cell in it, in the order of these cells. */
  readonly keys: PagedList<OpenKey> = new PagedList()
  /** For how many keys it is the first open slice. */
  inFront = 0

  constructor(start: EventTime) {
    this.start = start
  }
}

/** A key with cells in open slices. */
export interface OpenKey {
  readonly inner: KeyToken
  readonly group: number
  readonly merge: SliceMerge
  /** Its first open slice. */
  front: OpenSlice
}

/**
 * The slices of windows that have not ended, where windows share slices: their keys, and the merged
 * accumulators of each key in a window.
 *
 * Derived from the table; not saved. To end a window no cell is looked up except to merge it.
 *
 * Invariants between any two calls:
 *
 *  1. Each key with a cell in an open slice has an `OpenKey`, whose `SliceMerge` has the starts of these slices,
 *     and which is in the list of each of them.
 *  2. `#fronts` are the slices that are the first open one of some key, and `inFront` counts these keys.
 *     So only these slices are searched for the keys of a window, each key once, in the order of their first
 *     slice and, within a slice, of their cells.
 */
export class OpenSlices {
  readonly #table: StateTable<unknown>
  readonly #accumulators: Accumulators
  readonly #markOf: MarkOf
  readonly #keys = new TokenMap<OpenKey>()
  readonly #slices = new Map<EventTime, OpenSlice>()
  readonly #fronts = new SortedTimes()
  /** The slice that was used last. */
  #slice = new OpenSlice(Number.NaN)
  /** The key that was chosen last. */
  #merge!: SliceMerge

  constructor(table: StateTable<unknown>, accumulators: Accumulators, markOf: MarkOf) {
    this.#table = table
    this.#accumulators = accumulators
    this.#markOf = markOf
  }

  /** Adds a key's new cell in the open slice that starts at its outer token. */
  add({ outer, inner, group }: Pick<Cell<unknown>, 'outer' | 'inner' | 'group'>): void {
    const slice = this.#sliceAt(outer as EventTime)
    const key = this.#keys.get(inner)
    if (key === undefined) {
      const merge = new SliceMerge(this.#accumulators, this.#table, inner, this.#markOf)
      merge.starts.add(slice.start)
      const added = { inner, group, merge, front: slice }
      this.#keys.add(inner, added)
      slice.keys.push(added)
      this.#enterFront(slice)
      return
    }
    slice.keys.push(key)
    key.merge.starts.add(slice.start)
    key.merge.changed(slice.start)
    if (key.front.start < slice.start) return
    this.#leaveFront(key.front)
    key.front = slice
    this.#enterFront(slice)
  }

  /** Handles a change to the cell of a key in an open slice. */
  changed(token: KeyToken, sliceStart: EventTime): void {
    this.#keys.get(token)?.merge.changed(sliceStart)
  }

  /**
   * Yields each key in a window, and undefined where the search is long. Windows are requested in the order of
   * their ends.
   */
  *keysOf(start: EventTime, end: EventTime): Generator<OpenKey | undefined> {
    let passed = 0
    for (let i = this.#fronts.indexFrom(start); i < this.#fronts.size; i++) {
      const slice = this.#sliceAt(this.#fronts.at(i)!)
      if (slice.start >= end) return
      for (let j = 0; j < slice.keys.length; j++) {
        const key = slice.keys.at(j)
        if (key.front === slice) {
          while (!key.merge.prepare(start, end)) yield undefined
          this.#merge = key.merge
          yield key
        } else if (++passed % searchStep === 0) yield undefined
      }
    }
  }

  /** Chooses a key as `keysOf` does, and yields undefined where its slices are many. */
  *prepared(token: KeyToken, start: EventTime, end: EventTime): Generator<undefined> {
    const { merge } = this.#keys.get(token)!
    while (!merge.prepare(start, end)) yield undefined
    this.#merge = merge
  }

  /** The accumulators, in the window, of the key that was chosen last. Read-only. */
  merged(start: EventTime, end: EventTime): unknown {
    return this.#merge.window(start, end)
  }

  /**
   * Closes slices whose windows have all ended. Yields where that is long. Slices are closed in the order of
   * time.
   */
  *close(sliceStart: EventTime): Generator<undefined> {
    const { keys } = this.#sliceAt(sliceStart)
    for (let i = 0; i < keys.length; i++) {
      const key = keys.at(i)
      const { starts } = key.merge
      starts.removeFirst()
      if (starts.first === undefined) this.#keys.delete(key.inner)
      else {
        key.front = this.#sliceAt(starts.first)
        this.#enterFront(key.front)
      }
      if ((i + 1) % searchStep === 0) yield undefined
    }
    this.#fronts.remove(sliceStart)
    this.#slices.delete(sliceStart)
  }

  #sliceAt(start: EventTime): OpenSlice {
    if (this.#slice.start === start) return this.#slice
    let slice = this.#slices.get(start)
    if (slice === undefined) {
      slice = new OpenSlice(start)
      this.#slices.set(start, slice)
    }
    this.#slice = slice
    return slice
  }

  #enterFront(slice: OpenSlice): void {
    if (slice.inFront++ === 0) this.#fronts.add(slice.start)
  }

  #leaveFront(slice: OpenSlice): void {
    if (--slice.inFront === 0) this.#fronts.remove(slice.start)
  }
}
