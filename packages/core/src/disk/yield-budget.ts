import type { Clock, Scheduler } from '@millrace/world'
import type { Platform } from './platform.ts'

/**
 * How long the tasks of a job may work before the event loop gets a turn, in milliseconds. Much less than the
 * promised 20: the garbage collector may stop the thread for 10 more while long-lived objects are created.
 */
const longestHoldMs = 4

/** The maximum number of units of work between two clock reads. */
const longestStride = 32

/**
 * The target duration of work between two clock reads: long enough to be cheap, short enough to stop in time.
 */
const strideMs = 0.5

/** Called by sliced work after each unit. */
export interface Slicing {
  /**
   * Counts units of work, by default one; true when it is time to return and let the event loop have a turn.
   */
  spend(units?: number): boolean
}

/** The same for code that gives the event loop its turn itself. */
export interface Pacing extends Slicing {
  turn(): Promise<void>
}

/**
 * Decides when the event loop gets a turn. One per job: its tasks share the budget, since they share the
 * loop.
 *
 * Tasks that always have work wait only for settled promises, so sockets, files and timers would starve. A
 * unit of work is a record, a timer that fires, or a cell of state that is read or written. The clock is read
 * once per stride, which grows while units are short and shrinks when they take long.
 */
export class YieldBudget implements Pacing {
  readonly #clock: Clock
  readonly #scheduler: Scheduler
  readonly #workPerTurn: number
  #stride = 1
  /** Units of work between two clock reads, and how many of them are left. */
  #granted = 0
  #untilLook = 0
  /** Units of work since the last turn, as of the last clock read. */
  #work = 0
  #lookedAt: number
  #turnedAt: number
  #turn: Promise<void> | undefined
  readonly #leave: () => void

  /** `leave` is called when a task gives the event loop its turn. */
  constructor(
    {
      clock,
      scheduler,
      workPerTurn = Number.POSITIVE_INFINITY,
    }: Pick<Platform, 'clock' | 'scheduler' | 'workPerTurn'>,
    leave: () => void = () => {},
  ) {
    this.#leave = leave
    this.#clock = clock
    this.#scheduler = scheduler
    this.#workPerTurn = workPerTurn
    this.#turnedAt = clock.monotonic()
    this.#lookedAt = this.#turnedAt
    this.#grant()
  }

  spend(units = 1): boolean {
    this.#untilLook -= units
    return this.#untilLook <= 0 && this.#look()
  }

  /** A separate slice, for work that others wait for, independent of the time until the next turn. */
  slice(ms: number): Slicing {
    const until = this.#clock.monotonic() + ms
    let left = this.#workPerTurn
    let untilLook = longestStride
    return {
      spend: (units = 1) => {
        left -= units
        untilLook -= units
        if (left <= 0) return true
        if (untilLook > 0) return false
        untilLook = longestStride
        return this.#clock.monotonic() >= until
      },
    }
  }

  /** A promise to await when the event loop is due a turn, otherwise undefined. Tasks share one turn. */
  due(): Promise<void> | undefined {
    return this.#turn !== undefined || this.#isOver(this.#clock.monotonic()) ? this.turn() : undefined
  }

  /** Forces a turn now. */
  turn(): Promise<void> {
    this.#leave()
    this.#turn ??= this.#scheduler.turn().then(() => {
      this.#turn = undefined
      this.#work = 0
      this.#turnedAt = this.#clock.monotonic()
      this.#lookedAt = this.#turnedAt
      // Work after a turn may be different from before.
      this.#stride = 1
      this.#grant()
    })
    return this.#turn
  }

  #look(): boolean {
    const now = this.#clock.monotonic()
    const tookMs = now - this.#lookedAt
    this.#lookedAt = now
    this.#work += this.#granted - this.#untilLook
    // Until the turn has been taken every check gives the same answer.
    if (this.#isOver(now)) return true
    if (tookMs > strideMs) this.#stride = Math.max(1, Math.floor((this.#stride * strideMs) / tookMs))
    else if (this.#stride < longestStride) this.#stride = Math.min(longestStride, this.#stride * 2)
    this.#grant()
    return false
  }

  #grant(): void {
    this.#granted = Math.min(this.#stride, this.#workPerTurn - this.#work)
    this.#untilLook = this.#granted
  }

  #isOver(now: number): boolean {
    return now - this.#turnedAt >= longestHoldMs || this.#work >= this.#workPerTurn
  }
}
