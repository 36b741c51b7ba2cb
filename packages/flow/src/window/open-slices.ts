import type { EventTime } from '@millrace/core'
import { TokenMap, type Cell, type KeyToken, type StateTable } from '@millrace/core/store'
import type { Accumulators } from './accumulators.ts'
import { SliceMerge, type MarkOf } from './slice-merge.ts'
import { SortedTimes } from './sorted-times.ts'

/** How many cells are visited between two steps of a search. */
const searchStep = 32

/**
 * The slices of windows that have not ended, where windows share slices: their keys, and the merged
 * accumulators of each key in a window.
 *
 * Derived from the table; not saved.
 *
 * Invariants between any two calls:
 *
 *  1. Each key with a cell in an open slice has a `SliceMerge` with the starts of these slices.
 *  2. `#fronts` are the slices that are the first open one of some key, and `#keysInFront` counts these keys.
 *     So only these slices are searched for the keys of a window, each key once, in the order of their first
 *     slice and, within a slice, of their cells.
 */
export class OpenSlices {
  readonly #table: StateTable<unknown>
  readonly #accumulators: Accumulators
  readonly #markOf: MarkOf
  readonly #keys = new TokenMap<SliceMerge>()
  readonly #fronts = new SortedTimes()
  readonly #keysInFront = new Map<EventTime, number>()
  /** The key that was chosen last. */
  #merge!: SliceMerge

  constructor(table: StateTable<unknown>, accumulators: Accumulators, markOf: MarkOf) {
    this.#table = table
    this.#accumulators = accumulators
    this.#markOf = markOf
  }

  /** Adds a key's new cell in an open slice. */
  add(token: KeyToken, sliceStart: EventTime): void {
    let merge = this.#keys.get(token)
    if (merge === undefined) {
      merge = new SliceMerge(this.#accumulators, this.#table, token, this.#markOf)
      this.#keys.add(token, merge)
    }
    const { starts } = merge
    const front = starts.first
    starts.add(sliceStart)
    merge.changed(sliceStart)
    if (front !== undefined && front < sliceStart) return
    if (front !== undefined) this.#leaveFront(front)
    this.#enterFront(sliceStart)
  }

  /** Handles a change to the cell of a key in an open slice. */
  changed(token: KeyToken, sliceStart: EventTime): void {
    this.#keys.get(token)?.changed(sliceStart)
  }

  /**
   * Yields a cell of each key in a window, and undefined where the search is long. Windows are requested in
   * the order of their ends.
   */
  *keysOf(start: EventTime, end: EventTime): Generator<Cell<unknown> | undefined> {
    let passed = 0
    for (let i = this.#fronts.indexFrom(start); i < this.#fronts.size; i++) {
      const sliceStart = this.#fronts.at(i)!
      if (sliceStart >= end) return
      for (const cell of this.#table.cells(sliceStart)) {
        const merge = this.#keys.get(cell.inner)!
        if (merge.starts.first === sliceStart) {
          while (!merge.prepare(start, end)) yield undefined
          this.#merge = merge
          yield cell
        } else if (++passed % searchStep === 0) yield undefined
      }
    }
  }

  /** Chooses a key as `keysOf` does, and yields undefined where its slices are many. */
  *prepared(token: KeyToken, start: EventTime, end: EventTime): Generator<undefined> {
    const merge = this.#keys.get(token)!
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
    let passed = 0
    for (const { inner } of this.#table.cells(sliceStart)) {
      const { starts } = this.#keys.get(inner)!
      this.#leaveFront(sliceStart)
      starts.removeFirst()
      if (starts.first === undefined) this.#keys.delete(inner)
      else this.#enterFront(starts.first)
      if (++passed % searchStep === 0) yield undefined
    }
  }

  #enterFront(sliceStart: EventTime): void {
    const keys = this.#keysInFront.get(sliceStart)
    if (keys === undefined) this.#fronts.add(sliceStart)
    this.#keysInFront.set(sliceStart, (keys ?? 0) + 1)
  }

  #leaveFront(sliceStart: EventTime): void {
    const keys = this.#keysInFront.get(sliceStart)!
    if (keys > 1) {
      this.#keysInFront.set(sliceStart, keys - 1)
    } else {
      this.#keysInFront.delete(sliceStart)
      this.#fronts.remove(sliceStart)
    }
  }
}
