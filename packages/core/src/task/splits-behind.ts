import { MIN_TIME, timeText, type EventTime } from '../record/time.ts'

/**
 * Splits that are read on after the end of a run and are behind what their source had reached by then: other splits went
 * on when they had ended, so records that were added to them may be late.
 */
export class SplitsBehind {
  /** The watermark of the source at the end of the last run; `MIN_TIME` if the job does not start from such an end. */
  readonly #reached: EventTime
  #count = 0
  #first: { readonly split: string; readonly newest: EventTime } | undefined

  constructor(reached: EventTime) {
    this.#reached = reached
  }

  /** `split` has more than had been read of it. */
  note(split: string, newest: EventTime): void {
    if (newest === MIN_TIME || newest >= this.#reached) return
    this.#count++
    this.#first ??= { split, newest }
  }

  /** What to tell about them; undefined if there are none. */
  warning(): string | undefined {
    if (this.#first === undefined) return undefined
    const { split, newest } = this.#first
    const which =
      this.#count === 1 ? `split '${split}'` : `${this.#count} splits, the first of them '${split}',`
    return `${which} had ended at event time ${timeText(newest)}, when others of that run had reached ${timeText(this.#reached)}. Records that were added since may be late where they are older than that`
  }
}
