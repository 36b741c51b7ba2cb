import { requireOptions, requirePositive } from '../wait/argument.ts'
import { passing, rejected, requireClock, shown } from '@millrace/world'
import type { Clock } from '@millrace/world'
import { promiseOf } from '../wait/promise-of.ts'
import { Waiter, WaitQueue } from '../wait/wait-queue.ts'

/** Options of `RateLimiter`. */
export interface RateLimiterOptions {
  /** The clock. */
  readonly clock: Clock
  /** The number of tokens added to the bucket per second; `Infinity` means no limit. */
  readonly perSecond: number
  /** The capacity of the bucket: how many tokens may be taken at once after a pause. */
  readonly burst: number
}

/** A reservation: the reserved work may run after `delayMs`. */
export interface Reservation {
  /** Milliseconds from the time of the reservation; 0 if the work may run at once. */
  readonly delayMs: number
  /** Returns the tokens to later callers, unless the delay has passed. */
  cancel(): void
}

/** The request of a waiter. */
interface Demand {
  readonly tokens: number
  readonly signal: AbortSignal | undefined
}

/** The maximum rounding error of sums of fractions of a millisecond. */
const TOLERANCE_MS = 1e-6

const settled: Promise<void> = Promise.resolve()

/**
 * Limits work to a steady rate with bursts: a token bucket that fills with time.
 *
 * Calls are served in order, and none overtakes another. When one is aborted, later ones move up. The verbs are those
 * of Go's `x/time/rate`.
 *
 * The only state of the bucket is `#fullAtMs`, the time at which it is full again if no token is taken: taking one
 * moves that time by one interval. (This is the generic cell rate algorithm of ATM networks.)
 *
 * Invariants between any two calls:
 *
 * 1. `#fullAtMs` counts tokens that were taken; `#queued` counts those that waiters request. 2. While a call waits, a
 * timer is set for the time at which the first is due, or it is already due and the clock is late.
 *
 * @example
 * const limiter = new RateLimiter({ clock, perSecond: 10, burst: 5 })
 * await limiter.wait(1, ctx.signal)
 * await call()
 */
export class RateLimiter {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #burst: number
  readonly #line = new WaitQueue<Waiter<undefined, Demand>>()
  #queued = 0
  #fullAtMs = -Infinity
  #timer: Disposable | undefined
  #timerDueMs = 0

  /** @throws RangeError unless `perSecond` is positive, and `burst` a positive integer; TypeError without a clock. */
  constructor(options: RateLimiterOptions) {
    requireOptions('RateLimiter', options, 'clock, perSecond, burst')
    const { clock, perSecond, burst } = options
    requireClock('RateLimiter', clock)
    if (!(typeof perSecond === 'number' && perSecond > 0))
      throw new RangeError(
        `RateLimiter: perSecond is ${shown(perSecond)}; pass a positive number or Infinity`,
      )
    requirePositive('RateLimiter', 'burst', burst)
    this.#clock = clock
    this.#intervalMs = 1_000 / perSecond
    this.#burst = burst
  }

  /**
   * Takes `tokens` if they are available now and no call waits. Never waits. Returns whether it took them.
   *
   * @throws RangeError unless `tokens` is an integer from 0 to the burst.
   */
  allow(tokens = 1): boolean {
    const error = this.#refusal(tokens)
    if (error !== undefined) throw error
    return this.#take(tokens)
  }

  /**
   * Reserves `tokens` and returns when they may be used. For a caller that waits by itself, or rejects if the wait is
   * too long.
   *
   * @throws RangeError unless `tokens` is an integer from 0 to the burst.
   */
  reserve(tokens = 1): Reservation {
    const error = this.#refusal(tokens)
    if (error !== undefined) throw error
    if (this.#take(tokens)) return { delayMs: 0, cancel: () => undefined }
    const waiter = this.#join({ tokens, signal: undefined })
    return {
      delayMs: Math.max(this.#dueMs(this.#queued) - this.#clock.monotonic(), 0),
      cancel: () => {
        if (waiter.line === undefined) return
        waiter[Symbol.dispose]()
        this.#leave(tokens)
      },
    }
  }

  /**
   * Waits until it may take `tokens`, and takes them. An abort rejects with the signal's reason and takes nothing.
   *
   * @throws RangeError (by rejecting) unless `tokens` is an integer from 0 to the burst: a wait for more would never
   * end.
   */
  wait(tokens = 1, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return rejected(signal.reason)
    const error = this.#refusal(tokens)
    if (error !== undefined) return rejected(error)
    if (this.#take(tokens)) return passing('RateLimiter.wait', this, settled)
    const waiter = this.#join({ tokens, signal })
    return promiseOf(waiter, 'RateLimiter.wait', this, signal, () => this.#leave(tokens))
  }

  #refusal(tokens: number): RangeError | undefined {
    const max = this.#intervalMs === 0 ? Infinity : this.#burst
    return Number.isSafeInteger(tokens) && tokens >= 0 && tokens <= max
      ? undefined
      : new RangeError(
          `RateLimiter: ${shown(tokens)} tokens; pass an integer from 0 to the burst, which is ${max}`,
        )
  }

  #take(tokens: number): boolean {
    this.#serve()
    const nowMs = this.#clock.monotonic()
    if (!this.#line.isEmpty || !this.#isDue(tokens, nowMs)) return false
    this.#fullAtMs = Math.max(this.#fullAtMs, nowMs) + tokens * this.#intervalMs
    return true
  }

  /** The time at which `tokens` are available if no other call takes any. */
  #dueMs(tokens: number): number {
    return this.#fullAtMs + (tokens - this.#burst) * this.#intervalMs
  }

  #isDue(tokens: number, nowMs: number): boolean {
    return this.#intervalMs === 0 || this.#dueMs(tokens) - nowMs <= TOLERANCE_MS
  }

  #join(demand: Demand): Waiter<undefined, Demand> {
    const waiter = new Waiter(undefined, demand)
    this.#line.join(waiter)
    this.#queued += demand.tokens
    this.#arm()
    return waiter
  }

  #leave(tokens: number): void {
    this.#queued -= tokens
    this.#serve()
  }

  // A clock that is late costs no tokens: waiters take them as of when they were due.
  #serve(): void {
    const nowMs = this.#clock.monotonic()
    for (let first = this.#line.first; first; first = this.#line.first) {
      const { tokens, signal } = first.value
      // An aborting signal takes it out of the line presently, and those behind are looked at then.
      if (signal?.aborted || !this.#isDue(tokens, nowMs)) break
      first[Symbol.dispose]()
      this.#queued -= tokens
      this.#fullAtMs += tokens * this.#intervalMs
      first.resolve(undefined)
    }
    this.#arm()
  }

  #arm(): void {
    const { first } = this.#line
    const dueMs = first && this.#dueMs(first.value.tokens)
    if (this.#timer !== undefined && dueMs === this.#timerDueMs) return
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    if (dueMs === undefined) return
    this.#timerDueMs = dueMs
    this.#timer = this.#clock.schedule(dueMs - this.#clock.monotonic(), () => {
      this.#timer = undefined
      this.#serve()
    })
  }
}
