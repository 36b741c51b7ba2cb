import { MAX_TIME, MIN_TIME, type EventTime } from '../kernel/time.ts'

/** What is known about one input. */
interface InputProgress {
  /** The highest watermark it sent; what it sends while idle does not count. */
  watermark: EventTime
  phase: 'active' | 'idle' | 'ended'
  /** Whether it counts in the minimum: it is active and has reached `current`. */
  isAligned: boolean
}

/**
 * Makes one watermark of the watermarks of several inputs, as Flink's `StatusWatermarkValve` does.
 *
 * True between any two calls:
 *
 *  1. `current` has never fallen.
 *  2. If any input is aligned, `current` is the minimum over the aligned inputs.
 *  3. An input that never fell behind or went idle is aligned from the start, so nothing is let through before
 *     every active input has spoken.
 *
 * The caller compares `current` and `isIdle` before and after a call and passes changes on, the watermark first.
 *
 * An input that ended differs from one with a high watermark: it is not part of the minimum, so that records of an
 * idle input do not become late because another has ended. A watermark of `MAX_TIME` ends an input.
 */
export class WatermarkMerger {
  readonly #inputs: readonly InputProgress[]
  #current: EventTime
  #active: number
  #ended = 0

  /** A restored job starts at the watermark it had reached, `initial`, and never goes below it. */
  constructor(inputs: number, initial: EventTime = MIN_TIME) {
    this.#inputs = Array.from({ length: inputs }, () => ({
      watermark: initial,
      phase: 'active',
      isAligned: true,
    }))
    this.#current = initial
    this.#active = inputs
  }

  /** The watermark of the inputs together. */
  get current(): EventTime {
    return this.#current
  }

  /** Whether no input is active but some may become so again. */
  get isIdle(): boolean {
    return this.#active === 0 && this.#ended < this.#inputs.length
  }

  /** The watermark of `input` is now `time`. Returns `current` afterwards. */
  advance(input: number, time: EventTime): EventTime {
    const progress = this.#inputs[input]!
    const before = progress.watermark
    if (time <= before) return this.#current
    if (time === MAX_TIME) this.end(input)
    else if (progress.phase === 'active') {
      progress.watermark = time
      if (this.#active === 1 && progress.isAligned) this.#current = time
      else this.#advanced(progress, before)
    }
    return this.#current
  }

  /** `input` is quiet: nobody waits for it. May raise `current`. */
  idle(input: number): void {
    const progress = this.#inputs[input]!
    if (progress.phase !== 'active') return
    progress.phase = 'idle'
    this.#leave(progress)
  }

  /** `input` speaks again. Until its watermark has reached `current` it neither holds it back nor raises it. */
  active(input: number): void {
    const progress = this.#inputs[input]!
    if (progress.phase !== 'idle') return
    progress.phase = 'active'
    this.#active++
    progress.isAligned = progress.watermark >= this.#current
    this.#raise()
  }

  /** `input` has ended, whether it was idle or not. When all have, `current` is `MAX_TIME`. */
  end(input: number): void {
    const progress = this.#inputs[input]!
    if (progress.phase === 'ended') return
    const wasActive = progress.phase === 'active'
    progress.phase = 'ended'
    this.#ended++
    if (this.#ended === this.#inputs.length) this.#current = MAX_TIME
    if (wasActive) this.#leave(progress)
  }

  #advanced(progress: InputProgress, before: EventTime): void {
    if (progress.isAligned) {
      // Whoever was above the minimum did not hold it.
      if (before <= this.#current) this.#raise()
    } else if (progress.watermark >= this.#current) {
      progress.isAligned = true
      this.#raise()
    }
  }

  /** An input that was active is so no longer. */
  #leave(progress: InputProgress): void {
    this.#active--
    progress.isAligned = false
    if (this.#active > 0) this.#raise()
    else if (progress.watermark === this.#current) this.#flush()
  }

  #raise(): void {
    let minimum = MAX_TIME
    for (const { isAligned, watermark } of this.#inputs) {
      if (isAligned && watermark < minimum) minimum = watermark
    }
    // MAX_TIME: nobody is aligned, so nobody vouches for anything.
    if (minimum > this.#current && minimum < MAX_TIME) this.#current = minimum
  }

  /** The last active input held the minimum and left: the others had got further, and nobody is waited for. */
  #flush(): void {
    for (const { phase, watermark } of this.#inputs) {
      if (phase === 'idle' && watermark > this.#current) this.#current = watermark
    }
  }
}
