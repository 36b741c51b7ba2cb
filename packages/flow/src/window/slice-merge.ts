import type { EventTime } from '@millrace/core'
import type { KeyToken, StateTable } from '@millrace/core/store'
import type { Accumulators } from './accumulators.ts'
import type { WindowAssigner } from './assigner.ts'
import { SortedTimes } from './sorted-times.ts'

/** The mark of a window. */
export type MarkOf = (start: EventTime, end: EventTime) => EventTime

/** The marks of an assigner's windows. */
export function marksOf(assigner: WindowAssigner): MarkOf {
  return (start, end) => assigner.markOf?.(end) ?? start
}

/** How many slices are merged between two steps. */
const stepSlices = 32

/** Means no accumulators. `undefined` may be a value: that of `min` before its first value. */
const nothing = Symbol('nothing')

/**
 * Merges the slices of one key for one window after another.
 *
 * For accumulators of fixed size each window costs constant time, however many slices it has. A mark divides
 * each window in two (`markOf` of the assigner). The slices before
 * the mark are merged backwards from it, once for all windows with that mark, and every intermediate result
 * is kept: one for each possible start of a window. The slices after it are merged forwards as windows end.
 * So a window is one kept result merged with another. (The algorithm of Van Herk and Gil.)
 *
 * The mark depends on the window only, and so does the order of merging. So sums of fractions have the same
 * last bit after a restart.
 *
 * Growing accumulators are merged slice by slice for each window: keeping copies of a list would fill memory.
 * So their mark is the start of the window.
 */
export class SliceMerge {
  /** The starts of the key's slices. */
  readonly starts: SortedTimes = new SortedTimes()
  readonly #accumulators: Accumulators
  readonly #table: StateTable<unknown>
  readonly #token: KeyToken
  readonly #markOf: MarkOf
  #mark: EventTime = Number.NaN
  /** The index of the next slice to merge backwards from the mark. */
  #nextBefore = -1
  /** The slices before the mark, last first, with the merge of each up to the mark. */
  readonly #beforeStarts: EventTime[] = []
  readonly #before: unknown[] = []
  /** The merge of the slices after the mark, up to `#upTo`. */
  #behind: unknown = nothing
  #upTo: EventTime = Number.NEGATIVE_INFINITY

  /** `table` contains the slices of the key `token`, by their starts. */
  constructor(accumulators: Accumulators, table: StateTable<unknown>, token: KeyToken, markOf: MarkOf) {
    this.#accumulators = accumulators
    this.#table = table
    this.#token = token
    this.#markOf = markOf
  }

  /** Handles a new slice, or changed accumulators of one. */
  changed(sliceStart: EventTime): void {
    if (sliceStart < this.#upTo) this.#forget()
  }

  /**
   * Merges some slices of a window, for `window`; true when all are merged. Nothing may change between steps.
   */
  prepare(start: EventTime, end: EventTime): boolean {
    return this.#merge(start, end, stepSlices)
  }

  /** The accumulators of a window that has at least one slice. Read-only. */
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

  /** Merges at most `count` slices of a window; true when all are merged. */
  #merge(start: EventTime, end: EventTime, count: number): boolean {
    const mark = this.#accumulators.isFixedSize ? this.#markOf(start, end) : start
    if (mark !== this.#mark) {
      this.#forget()
      this.#mark = mark
      this.#nextBefore = this.starts.indexFrom(mark) - 1
    }
    if (this.#nextBefore < 0 && this.#upTo === end) return true
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
    // Slices before this window are in no later one.
    this.#nextBefore = done < count ? -1 : i
    return done
  }

  /** Merges at most `count` slices after the mark, up to `end`; true when all are merged. */
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
