import type { EventTime, KeyToken, StateTable } from '@millrace/core'
import type { Accumulators } from './accumulators.ts'
import { SortedTimes } from './sorted-times.ts'

/** So many slices are merged between two steps. */
const stepSlices = 32

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
 * Accumulators that grow are merged slice by slice for each window: as many copies of a list would fill memory. So their
 * mark is the start of the window.
 */
export class SliceMerge {
  /** The starts of the key's slices. */
  readonly starts: SortedTimes = new SortedTimes()
  readonly #accumulators: Accumulators
  readonly #table: StateTable<unknown>
  readonly #token: KeyToken
  #mark: EventTime = Number.NaN
  /** The index of the next slice to merge backwards from the mark. */
  #nextBefore = -1
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

  /** Whether `window` may have to merge so many slices that it should be prepared first. */
  get isLong(): boolean {
    return this.starts.size > stepSlices
  }

  /** Merges the slices of a window in steps, for `window` to find. Yields between two; nothing may change meanwhile. */
  *prepare(start: EventTime, end: EventTime): Generator<undefined> {
    while (!this.#merge(start, end, stepSlices)) yield undefined
  }

  /** The accumulators of a window that holds at least one slice. Not to be changed. */
  window(start: EventTime, end: EventTime): unknown {
    const { starts } = this
    const first = starts.indexFrom(start)
    const second = starts.at(first + 1)
    if (second === undefined || second >= end) return this.#valueOf(starts.at(first)!)
    this.#merge(start, end, Number.POSITIVE_INFINITY)
    if (!this.#accumulators.isFixedSize) {
      const merged = this.#behind
      this.#forget()
      return merged
    }
    const before = this.#before
    while (before.length > 0 && this.#beforeStarts.at(-1)! < start) {
      before.pop()
      this.#beforeStarts.pop()
    }
    if (before.length === 0) return this.#behind
    const earlier = before.at(-1)
    if (this.#behind === nothing) return earlier
    return this.#accumulators.merge(this.#accumulators.copy(earlier), this.#behind)
  }

  /** Merges the slices of a window, at most `count` of them; true when all are merged. */
  #merge(start: EventTime, end: EventTime, count: number): boolean {
    const size = end - start
    const mark = this.#accumulators.isFixedSize ? Math.floor(end / size) * size : start
    if (mark !== this.#mark) {
      this.#forget()
      this.#mark = mark
      this.#nextBefore = this.starts.indexFrom(mark) - 1
    }
    const left = this.#nextBefore < 0 ? count : count - this.#mergeBefore(start, count)
    return left > 0 && this.#mergeBehind(end, left)
  }

  /** Merges slices from the mark back to `start`; returns how many. */
  #mergeBefore(start: EventTime, count: number): number {
    const { starts } = this
    let merged = this.#before.length === 0 ? nothing : this.#before.at(-1)
    let i = this.#nextBefore
    for (; i >= 0 && starts.at(i)! >= start && this.#nextBefore - i < count; i--) {
      const sliceStart = starts.at(i)!
      const own = this.#accumulators.copy(this.#valueOf(sliceStart))
      merged = merged === nothing ? own : this.#accumulators.merge(own, merged)
      this.#beforeStarts.push(sliceStart)
      this.#before.push(merged)
    }
    const done = this.#nextBefore - i
    // What starts before this window is in no later one.
    this.#nextBefore = done < count ? -1 : i
    return done
  }

  /** Merges slices behind the mark up to `end`, at most `count` of them; true when all are merged. */
  #mergeBehind(end: EventTime, count: number): boolean {
    const { starts } = this
    const first = starts.indexFrom(Math.max(this.#mark, this.#upTo))
    let all = this.#behind
    let i = first
    for (; i < starts.size && starts.at(i)! < end && i - first < count; i++) {
      const value = this.#valueOf(starts.at(i)!)
      all = all === nothing ? this.#accumulators.copy(value) : this.#accumulators.merge(all, value)
    }
    this.#behind = all
    const next = starts.at(i)
    const isDone = next === undefined || next >= end
    this.#upTo = isDone ? end : next
    return isDone
  }

  #valueOf(sliceStart: EventTime): unknown {
    return this.#table.find(sliceStart, this.#token)!.value
  }

  #forget(): void {
    this.#mark = Number.NaN
    this.#nextBefore = -1
    this.#beforeStarts.length = 0
    this.#before.length = 0
    this.#behind = nothing
    this.#upTo = Number.NEGATIVE_INFINITY
  }
}
