import { MAX_TIME, MIN_TIME, type EventTime } from '../kernel/time.ts'

/** How far one split has got in event time. */
interface SplitProgress {
  /** The newest event time seen. */
  newest: EventTime
  phase: 'active' | 'idle' | 'finished'
}

/**
 * The watermark of a source: for each split the newest time seen less the disorder allowed, and of those the
 * minimum over the splits that are not idle.
 *
 * True between any two calls: `current` has never fallen, and equals the minimum over ACTIVE splits wherever that
 * is higher. An idle split that wakes up behind it does not pull it back; its old records are late.
 */
export class SplitWatermarks {
  readonly #disorderMs: number
  readonly #splits = new Map<string, SplitProgress>()
  #current: EventTime
  /** The split `observe` is about, and the minimum over the others. */
  #reading: SplitProgress | undefined
  #others: EventTime = MAX_TIME

  /** `initial` is the watermark a restored source had reached. */
  constructor(disorderMs: number, initial: EventTime = MIN_TIME) {
    this.#disorderMs = disorderMs
    this.#current = initial
  }

  get current(): EventTime {
    return this.#current
  }

  /** True when no split is active: all are idle or finished, or there are none yet. */
  get isIdle(): boolean {
    for (const { phase } of this.#splits.values()) {
      if (phase === 'active') return false
    }
    return true
  }

  isActive(split: string): boolean {
    return this.#split(split).phase === 'active'
  }

  /** A split that had finished in an earlier life raises nothing before all are there: see `restored`. */
  add(split: string, newest: EventTime = MIN_TIME, phase: 'active' | 'finished' = 'active'): void {
    this.#splits.set(split, { newest, phase })
  }

  /**
   * All splits of a restored job have been added. The watermark it had reached may come from a job with more splits in
   * one subtask, which the slowest of them held back; those that are here count from the start.
   */
  restored(): void {
    this.#advance()
  }

  /** The newest time seen in `split`, for its checkpoint. */
  newest(split: string): EventTime {
    return this.#split(split).newest
  }

  /** The watermark of one split alone; decides which one is read next. */
  of(split: string): EventTime {
    return this.#split(split).newest - this.#disorderMs
  }

  /** The records that `observe` reports from now on come from `split`, which is active. */
  read(split: string): void {
    const reading = this.#split(split)
    reading.phase = 'active'
    this.#reading = reading
    this.#others = MAX_TIME
    for (const other of this.#splits.values()) {
      if (other !== reading && other.phase === 'active') {
        this.#others = Math.min(this.#others, other.newest - this.#disorderMs)
      }
    }
  }

  /** A record of the split being read; returns the watermark after it. */
  observe(time: EventTime): EventTime {
    const reading = this.#reading!
    if (time > reading.newest) {
      reading.newest = time
      const merged = Math.min(time - this.#disorderMs, this.#others)
      if (merged > this.#current) this.#current = merged
    }
    return this.#current
  }

  /** `split` is caught up and quiet. */
  idle(split: string): void {
    const progress = this.#split(split)
    if (progress.phase !== 'active') return
    progress.phase = 'idle'
    this.#advance()
  }

  /** No record will come from `split` any more. */
  finish(split: string): void {
    this.#split(split).phase = 'finished'
    this.#advance()
  }

  #advance(): void {
    let active = MAX_TIME
    let quiet = MIN_TIME
    let hasActive = false
    for (const { phase, newest } of this.#splits.values()) {
      if (phase === 'active') {
        hasActive = true
        active = Math.min(active, newest - this.#disorderMs)
      } else {
        quiet = Math.max(quiet, newest - this.#disorderMs)
      }
    }
    // With nobody left to wait for, everything that was seen is in order up to the newest of them (EN-081).
    const merged = hasActive ? active : quiet
    if (merged > this.#current) this.#current = merged
  }

  #split(split: string): SplitProgress {
    const progress = this.#splits.get(split)
    if (progress === undefined) throw new Error(`unknown split ${split}`)
    return progress
  }
}
