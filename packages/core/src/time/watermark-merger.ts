import { MAX_TIME, MIN_TIME, type EventTime } from '../record/time.ts'
import { IndexedHeap } from './indexed-heap.ts'

/** What is known about one input. */
export interface InputProgress {
  /** The highest watermark it sent; what it sends while idle does not count. */
  readonly watermark: EventTime
  readonly phase: 'active' | 'idle' | 'ended'
}

interface Input {
  watermark: EventTime
  phase: InputProgress['phase'] | 'removed'
}

/**
 * Merges the watermarks of several inputs into one, as Flink's `StatusWatermarkValve` does. The inputs of a task and
 * the splits of a source follow this one rule.
 *
 * Invariants between any two calls:
 *
 *  1. `current` has never fallen.
 *  2. If any input is aligned, `current` is the minimum over the aligned inputs, or higher where it was advanced by
 *     itself. An input is aligned if it is active and has reached `current`.
 *  3. An input that never fell behind or went idle is aligned from the start, so nothing is let through before
 *     every active input has spoken.
 *
 * The caller compares `current` and `isIdle` before and after a call and passes changes on, the watermark first.
 *
 * An input that ended differs from one with a high watermark: it is not part of the minimum, so that records of an
 * idle input do not become late because another has ended. A watermark of `MAX_TIME` ends an input.
 *
 * Each call takes time that grows with the logarithm of the number of inputs, but for the one that leaves no input
 * active.
 */
export class WatermarkMerger {
  readonly #inputs: Input[] = []
  /** The inputs that count in the minimum. */
  readonly #aligned = new IndexedHeap()
  /** The numbers of removed inputs, for new ones. */
  readonly #free: number[] = []
  #current: EventTime
  #active = 0
  #ended = 0

  /** A restored job starts at the watermark it had reached, `initial`, and never goes below it. */
  constructor(inputs: number, initial: EventTime = MIN_TIME) {
    this.#current = initial
    for (let input = 0; input < inputs; input++) this.add()
  }

  /** A merger that continues where another one was: at its watermark, with its inputs. */
  static resume(current: EventTime, inputs: readonly InputProgress[]): WatermarkMerger {
    const merger = new WatermarkMerger(0, current)
    for (const { watermark, phase } of inputs) {
      const input = merger.#inputs.push({ watermark, phase }) - 1
      if (phase === 'ended') merger.#ended++
      if (phase !== 'active') continue
      merger.#active++
      if (watermark >= current) merger.#aligned.add(input, watermark)
    }
    return merger
  }

  /** What is known about an input that was not removed. */
  input(input: number): InputProgress {
    return { ...this.#inputs[input]! } as InputProgress
  }

  /** The watermark of the inputs together. */
  get current(): EventTime {
    return this.#current
  }

  /** Whether no input is active, but one may become active again. */
  get isIdle(): boolean {
    return this.#active === 0 && this.#ended < this.#size
  }

  /** Whether any input is active. */
  get hasActive(): boolean {
    return this.#active > 0
  }

  /** Whether every input has ended or was removed. */
  get isEmpty(): boolean {
    return this.#ended === this.#size
  }

  /** The active input that `current` waits for; undefined if there is none. */
  get holder(): number | undefined {
    return this.#aligned.first
  }

  /** Whether `input` is idle, so that `current` does not wait for it. */
  isIdleInput(input: number): boolean {
    return this.#inputs[input]!.phase === 'idle'
  }

  get #size(): number {
    return this.#inputs.length - this.#free.length
  }

  /** Adds an input that is active and holds `current` back until it has passed it. Returns its number. */
  add(): number {
    const input = this.#free.pop() ?? this.#inputs.length
    this.#inputs[input] = { watermark: this.#current, phase: 'active' }
    this.#aligned.add(input, this.#current)
    this.#active++
    return input
  }

  /** The watermark of `input` is now `time`. Returns `current` afterwards. */
  advance(input: number, time: EventTime): EventTime {
    const progress = this.#inputs[input]!
    if (time <= progress.watermark) return this.#current
    if (time === MAX_TIME) this.end(input)
    else if (progress.phase === 'active') {
      progress.watermark = time
      if (this.#aligned.has(input)) this.#aligned.raise(input, time)
      else if (time >= this.#current) this.#aligned.add(input, time)
      this.#raise()
    }
    return this.#current
  }

  /** Marks `input` as idle: `current` does not wait for it. May raise `current`. */
  idle(input: number): void {
    const progress = this.#inputs[input]!
    if (progress.phase !== 'active') return
    progress.phase = 'idle'
    this.#leave(input)
  }

  /**
   * Marks `input` as active again. Until its watermark has reached `current` it neither holds it back nor raises it.
   */
  active(input: number): void {
    const progress = this.#inputs[input]!
    if (progress.phase !== 'idle') return
    progress.phase = 'active'
    this.#active++
    if (progress.watermark >= this.#current) this.#aligned.add(input, progress.watermark)
    this.#raise()
  }

  /** Ends `input`, whether it was idle or not. When all have ended, `current` is `MAX_TIME`. */
  end(input: number): void {
    const progress = this.#inputs[input]!
    const { phase } = progress
    if (phase === 'ended') return
    progress.phase = 'ended'
    this.#ended++
    if (this.isEmpty) this.#current = MAX_TIME
    if (phase === 'active') this.#leave(input)
  }

  /** Removes an input that has not ended: others may follow, so `current` is not `MAX_TIME` when all are removed. */
  remove(input: number): void {
    const progress = this.#inputs[input]!
    const { phase } = progress
    progress.phase = 'removed'
    if (phase === 'active') this.#leave(input)
    this.#free.push(input)
  }

  /** Raises `current` beyond the inputs' watermarks. Only while none is active. */
  advanceIdle(time: EventTime): void {
    if (time > this.#current) this.#current = time
  }

  /** Handles an input that is no longer active. */
  #leave(input: number): void {
    this.#active--
    if (this.#aligned.has(input)) this.#aligned.remove(input)
    if (this.#active > 0) this.#raise()
    else if (this.#inputs[input]!.watermark === this.#current) this.#flush()
  }

  #raise(): void {
    const { least } = this.#aligned
    // MAX_TIME: no input is aligned, so nothing is known about what comes next.
    if (least > this.#current && least < MAX_TIME) this.#current = least
  }

  /** Handles the last active input, which had the minimum and has left: `current` rises to the most advanced input. */
  #flush(): void {
    for (const { phase, watermark } of this.#inputs) {
      if (phase === 'idle' && watermark > this.#current) this.#current = watermark
    }
  }
}
