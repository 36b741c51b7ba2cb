import type { KeyGroupRange } from '../record/key-group.ts'
import { MAX_TIME, MIN_TIME, type EventTime } from '../record/time.ts'

/** How far a source or an operator had got in event time, for some of its key groups. */
export interface Reached extends KeyGroupRange {
  /** Its watermark; the end of its input does not raise it. */
  readonly watermark: EventTime
  /** Whether its input had ended, it had finished, and no record has arrived since. */
  readonly hasEnded: boolean
  /**
   * If it had ended: the greatest time of timers and windows that fired only because of that; `MIN_TIME` if none did.
   */
  readonly firedTo: EventTime
}

/**
 * The watermark of an operator's subtask before a restart. Its watermark never falls below this, so late records stay
 * late and nothing fires twice.
 *
 * After a change of parallelism the key groups of one subtask come from several, whose watermarks may differ: inputs
 * that fall idle and wake up are merged in the order in which their marks arrive. So each group keeps its own.
 */
export class WatermarkFloor {
  /** The floor of an operator that was not restored, or has passed its restored watermark. */
  static readonly none: WatermarkFloor = new WatermarkFloor({ first: 0, last: 0 }, [])

  /** The floor of all groups together. */
  readonly lowest: EventTime
  readonly highest: EventTime
  readonly #first: number
  /** By group, counted from `#first`. */
  readonly #byGroup: Float64Array

  /** Groups that `reached` does not name have no floor. */
  constructor({ first, last }: KeyGroupRange, reached: readonly Reached[]) {
    this.#first = first
    this.#byGroup = new Float64Array(last - first + 1).fill(MIN_TIME)
    for (const run of reached) {
      for (let group = Math.max(first, run.first); group <= Math.min(last, run.last); group++) {
        this.#byGroup[group - first] = run.watermark
      }
    }
    let lowest = MAX_TIME
    let highest = MIN_TIME
    for (const watermark of this.#byGroup) {
      lowest = Math.min(lowest, watermark)
      highest = Math.max(highest, watermark)
    }
    this.lowest = lowest
    this.highest = highest
  }

  of(group: number): EventTime {
    return this.#byGroup[group - this.#first] ?? this.lowest
  }

  /**
   * Returns the watermarks of `groups` once the subtask as a whole has reached `watermark`, with equal neighbours
   * merged.
   */
  raisedTo(
    watermark: EventTime,
    { first, last }: KeyGroupRange,
  ): (KeyGroupRange & { readonly watermark: EventTime })[] {
    if (this.highest <= watermark) return [{ first, last, watermark }]
    const runs: { first: number; last: number; watermark: EventTime }[] = []
    for (let group = first; group <= last; group++) {
      const reached = Math.max(watermark, this.of(group))
      const run = runs.at(-1)
      if (run?.watermark === reached) run.last = group
      else runs.push({ first: group, last: group, watermark: reached })
    }
    return runs
  }
}
