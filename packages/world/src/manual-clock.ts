import { requireDelay, requireFunction, shown } from './argument.ts'
import { systemScheduler } from './scheduler.ts'
import type { Clock, Scheduler } from './system.ts'

/**
 * A clock that advances only when its methods are called.
 *
 * Timers fire in the order of their due times; those due at the same moment fire in the order they were
 * set. The scheduler gets a turn before the first firing, between firings and at the end, so that what a
 * timer starts has settled before time advances.
 *
 * Invariants between any two calls: the timers form a binary heap on (due time, order of setting), each knows its index
 * in it, and none is due before the current time.
 *
 * @example
 * const clock = new ManualClock()
 * const slept = sleep(clock, 1_000)
 * await clock.advance(1_000)
 * await slept
 * clock.now() // => 1000
 */
export class ManualClock implements Clock {
  readonly #scheduler: Scheduler
  readonly #heap: ManualTimer[] = []
  #wallOffsetMs: number
  #elapsedMs = 0
  #timersSet = 0
  #isAdvancing = false

  /**
   * Starts the wall clock at `startMs` and the monotonic clock at 0.
   *
   * `scheduler` decides what settles between two firings: by default everything that needs no I/O.
   */
  constructor(startMs = 0, scheduler: Scheduler = systemScheduler) {
    requireDelay('ManualClock', 'startMs', startMs, 'milliseconds since the Unix epoch')
    this.#wallOffsetMs = startMs
    this.#scheduler = scheduler
  }

  now(): number {
    return this.#wallOffsetMs + this.#elapsedMs
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  schedule(delayMs: number, callback: () => void): Disposable {
    requireDelay('schedule', 'delayMs', delayMs)
    requireFunction('schedule', 'the callback', callback)
    const dueMs = this.#elapsedMs + Math.max(delayMs, 0)
    const timer = new ManualTimer(dueMs, this.#timersSet++, callback, (left) => this.#remove(left))
    this.#place(timer, this.#heap.length)
    this.#rise(timer)
    return timer
  }

  /** The number of pending timers. */
  get pending(): number {
    return this.#heap.length
  }

  /** Milliseconds until the next timer is due, or undefined when there is none. */
  nextDelay(): number | undefined {
    const first = this.#heap[0]
    return first && first.dueMs - this.#elapsedMs
  }

  /**
   * Advances both clocks by `ms` milliseconds and fires all timers that become due, also those set meanwhile.
   *
   * Rejects with the error of a callback; time then stays at that timer.
   *
   * @throws RangeError when `ms` is negative or not finite.
   * @throws Error when an earlier advance is still under way.
   */
  async advance(ms: number): Promise<void> {
    if (!(Number.isFinite(ms) && ms >= 0))
      throw new RangeError(`advance: ${shown(ms)} ms; pass a finite number, 0 or more`)
    if (this.#isAdvancing) throw new Error('advance: the clock is already moving; await the earlier advance')
    this.#isAdvancing = true
    try {
      await this.#run(this.#elapsedMs + ms)
    } finally {
      this.#isAdvancing = false
    }
  }

  /**
   * Advances both clocks to the next timer and fires only that one, synchronously: for a caller that controls what
   * settles in between. Returns false without a timer.
   */
  fireNext(): boolean {
    const first = this.#heap[0]
    if (first === undefined || first.dueMs === Infinity) return false
    this.#elapsedMs = first.dueMs
    this.#remove(first)
    first.callback()
    return true
  }

  /** Advances both clocks until the wall clock shows `ms`, like `advance`. */
  advanceTo(ms: number): Promise<void> {
    return this.advance(ms - this.now())
  }

  /** Moves only the wall clock, forwards or backwards. Timers are not affected. */
  jumpWallClock(ms: number): void {
    requireDelay('jumpWallClock', 'ms', ms)
    this.#wallOffsetMs += ms
  }

  async #run(untilMs: number): Promise<void> {
    await this.#scheduler.turn()
    for (let first = this.#heap[0]; first && first.dueMs <= untilMs; first = this.#heap[0]) {
      this.#elapsedMs = first.dueMs
      this.#remove(first)
      first.callback()
      await this.#scheduler.turn()
    }
    this.#elapsedMs = untilMs
  }

  #remove(timer: ManualTimer): void {
    if (timer.index < 0) return
    const last = this.#heap.pop()!
    if (last !== timer) {
      this.#place(last, timer.index)
      this.#rise(last)
      this.#sink(last)
    }
    timer.index = -1
  }

  #place(timer: ManualTimer, index: number): void {
    this.#heap[index] = timer
    timer.index = index
  }

  #rise(timer: ManualTimer): void {
    while (timer.index > 0) {
      const index = timer.index
      const parent = this.#heap[(index - 1) >> 1]!
      if (!timer.isBefore(parent)) return
      this.#place(timer, parent.index)
      this.#place(parent, index)
    }
  }

  #sink(timer: ManualTimer): void {
    for (;;) {
      const index = timer.index
      const left = this.#heap[2 * index + 1]
      const right = this.#heap[2 * index + 2]
      const child = left && right?.isBefore(left) ? right : left
      if (!child?.isBefore(timer)) return
      this.#place(timer, child.index)
      this.#place(child, index)
    }
  }
}

class ManualTimer implements Disposable {
  readonly dueMs: number
  readonly callback: () => void
  /** Place in the heap; -1 once it has fired or was cancelled. */
  index = -1
  readonly #order: number
  readonly #remove: (timer: ManualTimer) => void

  constructor(dueMs: number, order: number, callback: () => void, remove: (timer: ManualTimer) => void) {
    this.dueMs = dueMs
    this.callback = callback
    this.#order = order
    this.#remove = remove
  }

  isBefore(other: ManualTimer): boolean {
    return this.dueMs < other.dueMs || (this.dueMs === other.dueMs && this.#order < other.#order)
  }

  [Symbol.dispose](): void {
    this.#remove(this)
  }
}
