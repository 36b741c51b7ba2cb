import type { EventTime, KeyToken, StateTable } from '@millrace/core'
import type { Accumulators } from './accumulators.ts'
import { SortedTimes } from './sorted-times.ts'

/** No accumulators. `undefined` may be some: those of `min` before its first value. */
const nothing = Symbol('nothing')

/**
 * The slices of one key, merged for one window after another.
 *
 * For accumulators of fixed size each window costs constant time, however many slices it has. A mark cuts each window
 * in two: at the last multiple of its length, which lies in it or at its end. The slices before the mark are merged
 * from it backwards, once for all windows with that mark, and every result on the way is kept: one for each place at
 * which a window may start. Those behind it are merged forwards as windows end. So a window is one kept result merged
 * with another. (Van Herk's and Gil's algorithm.)
 *
 * Where the mark is depends on the window alone, and with it the order in which slices are merged. So sums of fractions
 * have the same last bit after a restart.
 *
 * Accumulators that grow are merged slice by slice for each window: as many copies of a list would fill memory.
 */
export class SliceMerge {
  /** The starts of the key's slices. */
  readonly starts: SortedTimes = new SortedTimes()
  readonly #accumulators: Accumulators
  readonly #table: StateTable<unknown>
  readonly #token: KeyToken
  #mark: EventTime = Number.NaN
  /** The slices before the mark, the last one first, and what is merged from each of them up to the mark. */
  readonly #beforeStarts: EventTime[] = []
  readonly #before: unknown[] = []
  /** What is merged of the slices behind the mark, as far as `#upTo`. */
  #behind: unknown = nothing
  #upTo: EventTime = Number.NEGATIVE_INFINITY

  /** The slices of the key `token` are in `table`, by their starts. */
  constructor(accumulators: Accumulators, table: StateTable<unknown>, token: KeyToken) {
    this.#accumulators = accumulators
    this.#table = table
    this.#token = token
  }

  /** The accumulators of a slice have changed, or the slice is new. */
  changed(sliceStart: EventTime): void {
    if (sliceStart < this.#upTo) this.#forget()
  }

  /** The accumulators of a window that holds at least one slice. Not to be changed. */
  window(start: EventTime, end: EventTime): unknown {
    const { starts } = this
    const first = starts.indexFrom(start)
    const second = starts.at(first + 1)
    if (second === undefined || second >= end) return this.#valueOf(starts.at(first)!)
    if (!this.#accumulators.isFixedSize) return this.#mergeFrom(first, end, nothing)
    const mark = Math.floor(end / (end - start)) * (end - start)
    if (mark !== this.#mark) this.#cut(start, mark)
    const before = this.#before
    while (before.length > 0 && this.#beforeStarts.at(-1)! < start) {
      before.pop()
      this.#beforeStarts.pop()
    }
    const next = starts.indexFrom(Math.max(mark, this.#upTo))
    this.#behind = this.#mergeFrom(next, end, this.#behind)
    this.#upTo = end
    if (before.length === 0) return this.#behind
    const earlier = before.at(-1)
    if (this.#behind === nothing) return earlier
    return this.#accumulators.merge(this.#accumulators.copy(earlier), this.#behind)
  }

  /** Merges the slices from the mark back to `start`. */
  #cut(start: EventTime, mark: EventTime): void {
    this.#forget()
    this.#mark = mark
    const { starts } = this
    let merged: unknown = nothing
    for (let i = starts.indexFrom(mark) - 1; i >= 0 && starts.at(i)! >= start; i--) {
      const sliceStart = starts.at(i)!
      const own = this.#accumulators.copy(this.#valueOf(sliceStart))
      merged = merged === nothing ? own : this.#accumulators.merge(own, merged)
      this.#beforeStarts.push(sliceStart)
      this.#before.push(merged)
    }
  }

  /** Merges slices into `merged` from an index on, up to those that start before `end`. */
  #mergeFrom(index: number, end: EventTime, merged: unknown): unknown {
    const { starts } = this
    let all = merged
    for (let i = index; i < starts.size && starts.at(i)! < end; i++) {
      const value = this.#valueOf(starts.at(i)!)
      all = all === nothing ? this.#accumulators.copy(value) : this.#accumulators.merge(all, value)
    }
    return all
  }

  #valueOf(sliceStart: EventTime): unknown {
    return this.#table.find(sliceStart, this.#token)!.value
  }

  #forget(): void {
    this.#mark = Number.NaN
    this.#beforeStarts.length = 0
    this.#before.length = 0
    this.#behind = nothing
    this.#upTo = Number.NEGATIVE_INFINITY
  }
}
