import { MIN_TIME, type EventTime } from '../record/time.ts'
import { GeneratorOfSplit, type SavedGenerator, type WatermarkGenerator } from './watermark-generator.ts'
import { WatermarkMerger } from './watermark-merger.ts'

/** How far one live split has got in event time. */
export interface SplitTime {
  readonly split: string
  /** The newest event time seen, or what the generator made of it; `MIN_TIME` before the first. */
  newest: EventTime
  /** Its number in the merger. */
  readonly input: number
  /** Undefined: the watermark follows from the newest time. */
  readonly generator: GeneratorOfSplit | undefined
}

/**
 * The watermark of a source: of each split the newest time seen less `maxOutOfOrderness`, and of those what
 * `WatermarkMerger` makes of the watermarks of several inputs.
 *
 * Only live splits cost anything. Of those that have finished it keeps the newest time of all.
 */
export class SplitWatermarks {
  readonly #maxOutOfOrdernessMs: number
  readonly #generator: WatermarkGenerator | undefined
  readonly #merger: WatermarkMerger
  /** The splits by their numbers in the merger. */
  readonly #splits: SplitTime[] = []
  /** The input that represents the known splits that were not read yet. */
  #unread: number | undefined
  /** The newest time of the most advanced finished split. */
  #finished: EventTime = MIN_TIME
  /** The split that `observe` updates. */
  #reading: SplitTime | undefined

  /** `initial` is the watermark of a restored source. There are unread splits until `unread(false)`. */
  constructor(maxOutOfOrdernessMs: number, initial: EventTime = MIN_TIME, generator?: WatermarkGenerator) {
    this.#maxOutOfOrdernessMs = maxOutOfOrdernessMs
    this.#generator = generator
    this.#merger = new WatermarkMerger(0, initial)
    this.unread(true)
  }

  get current(): EventTime {
    return this.#merger.current
  }

  /** True when no split is active: all are idle or finished, or there are none. */
  get isIdle(): boolean {
    return !this.#merger.hasActive
  }

  /** The active split that `current` waits for; undefined if there is none, or only splits that were not read yet. */
  get holder(): SplitTime | undefined {
    const { holder } = this.#merger
    return holder === undefined || holder === this.#unread ? undefined : this.#splits[holder]
  }

  /**
   * Sets whether there are splits that were not read yet. `current` waits for them, because their times are unknown.
   */
  unread(areThere: boolean): void {
    if (areThere === (this.#unread !== undefined)) return
    if (areThere) this.#unread = this.#merger.add()
    else {
      this.#merger.remove(this.#unread!)
      this.#unread = undefined
      this.#settle()
    }
  }

  /** Adds a live split, with the newest time that was seen in it before a restart, and the state of its generator. */
  add(name: string, newest: EventTime = MIN_TIME, saved?: SavedGenerator): SplitTime {
    const generator = this.#generator && new GeneratorOfSplit(this.#generator, saved)
    const split = { split: name, newest, input: this.#merger.add(), generator }
    this.#splits[split.input] = split
    this.#merger.advance(split.input, newest - this.#maxOutOfOrdernessMs)
    return split
  }

  /** `newest` is the newest time in splits that had finished in an earlier life. */
  addFinished(newest: EventTime): void {
    this.#finished = Math.max(this.#finished, newest - this.#maxOutOfOrdernessMs)
    this.#settle()
  }

  /** The watermark of one split alone; decides which one is read next. */
  of(split: SplitTime): EventTime {
    return split.newest - this.#maxOutOfOrdernessMs
  }

  /** The records that `observe` reports from now on come from `split`, which is active. */
  read(split: SplitTime): void {
    this.#merger.active(split.input)
    this.#reading = split
  }

  /** The time to report to `observe` for a record of the split being read. Calls its generator, if there is one. */
  progressOf(value: unknown, time: EventTime): EventTime {
    const { generator } = this.#reading!
    return generator === undefined ? time : (generator.onRecord(value, time) ?? MIN_TIME)
  }

  /** A record of the split being read; returns the watermark after it. */
  observe(time: EventTime): EventTime {
    const reading = this.#reading!
    if (time <= reading.newest) return this.#merger.current
    reading.newest = time
    return this.#merger.advance(reading.input, time - this.#maxOutOfOrdernessMs)
  }

  /** Marks `split` as caught up and quiet. */
  idle(split: SplitTime): void {
    this.#merger.idle(split.input)
  }

  /** Whether the watermark does not wait for `split`. */
  isIdleSplit(split: SplitTime): boolean {
    return this.#merger.isIdleInput(split.input)
  }

  /** Raises the watermark beyond that of the splits. Only while none is active. */
  advanceIdle(time: EventTime): void {
    this.#merger.advanceIdle(time)
  }

  /** Removes `split`, which has finished. */
  finish(split: SplitTime): void {
    this.#finished = Math.max(this.#finished, this.of(split))
    this.#merger.remove(split.input)
    this.#settle()
  }

  /** Without a live split, the watermark is the newest time that was seen. */
  #settle(): void {
    if (this.#merger.isEmpty) this.#merger.advanceIdle(this.#finished)
  }
}
