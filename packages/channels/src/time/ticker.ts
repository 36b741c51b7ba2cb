import type { ReceiveChannel } from '../channel/channel-end.ts'
import { onAbort, requireClock, requireSignal, shown } from '@millrace/world'
import type { Clock } from '@millrace/world'
import { Alarm } from './alarm.ts'
import { TimeChannel } from './time-channel.ts'

/**
 * Sends the time on a channel once in each period, until stopped.
 *
 * Ticks stay in phase, independent of when they are received. A receiver that is slower than the ticker misses ticks:
 * at most one waits for it. The ticker must be stopped, as `using` does: until then its timer keeps it and, in Node,
 * the process alive.
 *
 * True between any two calls, unless stopped: the next tick is due within one period.
 *
 * @example
 * using ticker = new Ticker(clock, 1_000)
 * for await (const atMs of ticker.channel) report(atMs)
 */
export class Ticker implements Disposable {
  readonly #clock: Clock
  readonly #channel = new TimeChannel()
  readonly #alarm: Alarm
  #periodMs: number
  #dueMs: number

  /** @throws RangeError unless `periodMs` is a positive number of milliseconds; TypeError when `clock` is no clock. */
  constructor(clock: Clock, periodMs: number) {
    requireClock('Ticker', clock)
    requirePeriod(periodMs)
    this.#clock = clock
    this.#periodMs = periodMs
    this.#dueMs = clock.monotonic() + periodMs
    this.#alarm = new Alarm(clock, periodMs, () => this.#tick())
  }

  /**
   * The channel on which the wall-clock time is sent, in milliseconds since the epoch. Unbuffered; `stop` does not
   * close it.
   */
  get channel(): ReceiveChannel<number> {
    return this.#channel
  }

  /** Stops the ticker; a tick that was not received yet is discarded. */
  stop(): void {
    this.#alarm.stop()
    this.#channel.clear()
  }

  /**
   * Restarts with another period, also when stopped. A tick that was not received yet is discarded.
   *
   * @throws RangeError unless `periodMs` is a positive number of milliseconds. Nothing changes.
   */
  reset(periodMs: number): void {
    requirePeriod(periodMs)
    this.#periodMs = periodMs
    this.#dueMs = this.#clock.monotonic() + periodMs
    this.#alarm.reset(periodMs)
    this.#channel.clear()
  }

  /** Stops it. */
  [Symbol.dispose](): void {
    this.stop()
  }

  // The next is counted from when this one was due, so that delays do not add up; ticks that are over are skipped.
  #tick(): void {
    const nowMs = this.#clock.monotonic()
    const missed = Math.floor(Math.max(nowMs - this.#dueMs, 0) / this.#periodMs)
    this.#dueMs += (missed + 1) * this.#periodMs
    this.#alarm.reset(this.#dueMs - nowMs)
    this.#channel.ring(this.#clock.now())
  }
}

/**
 * The channel of a ticker that ticks until `signal` aborts; undefined when the period is zero or less, which in a
 * select is never chosen.
 *
 * @throws RangeError when `periodMs` is not a number; TypeError when `signal` is no AbortSignal, or `clock` no clock.
 *
 * @example
 * const ticks = tick(clock, options.reportMs, ctx.signal)
 * const chosen = await select({ job: jobs.receiveCase(), report: ticks?.receiveCase() })
 */
export function tick(
  clock: Clock,
  periodMs: number,
  signal: AbortSignal,
): ReceiveChannel<number> | undefined {
  requireSignal('tick', signal)
  if (periodMs <= 0) return undefined
  const ticker = new Ticker(clock, periodMs)
  if (signal.aborted) ticker.stop()
  else onAbort(signal, () => ticker.stop())
  return ticker.channel
}

function requirePeriod(periodMs: number): void {
  if (!(typeof periodMs === 'number' && periodMs > 0))
    throw new RangeError(
      `Ticker: the period is ${shown(periodMs)} ms; pass a positive number of milliseconds`,
    )
}
