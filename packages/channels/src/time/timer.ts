import type { ReceiveChannel } from '../channel/channel-end.ts'
import { requireClock, requireDelay } from '@millrace/world'
import type { Clock } from '@millrace/world'
import { Alarm } from './alarm.ts'
import { TimeChannel } from './time-channel.ts'

/**
 * Sends the time on a channel, once, after a delay; can be stopped and reset.
 *
 * The rules are those of Go 1.23: once `stop` or `reset` has returned, no value from before is received. For a
 * delay in a single select `after` is simpler, and `sleep` for a plain wait.
 *
 * @example
 * using timer = new Timer(clock, 500)
 * const chosen = await select({ job: jobs.receiveCase(), late: timer.channel.receiveCase() })
 */
export class Timer implements Disposable {
  readonly #channel = new TimeChannel()
  readonly #alarm: Alarm

  /**
   * Sets the timer to `delayMs` milliseconds of monotonic time on `clock`.
   *
   * @throws RangeError when `delayMs` is not a number; TypeError when `clock` is no clock.
   */
  constructor(clock: Clock, delayMs: number) {
    requireClock('Timer', clock)
    requireDelay('Timer', 'delayMs', delayMs)
    this.#alarm = new Alarm(clock, delayMs, () => this.#channel.ring(clock.now()))
  }

  /**
   * The channel on which the wall-clock time is sent, in milliseconds since the epoch. Unbuffered, and never closed.
   */
  get channel(): ReceiveChannel<number> {
    return this.#channel
  }

  /** Stops the timer. Returns whether it prevented a value from being received. */
  stop(): boolean {
    const wasSet = this.#alarm.stop()
    return this.#channel.clear() || wasSet
  }

  /**
   * Sets it again, `delayMs` from now. Returns whether it prevented a value from being received.
   *
   * @throws RangeError when `delayMs` is not a number. Nothing changes.
   */
  reset(delayMs: number): boolean {
    requireDelay('Timer.reset', 'delayMs', delayMs)
    const wasSet = this.#alarm.reset(delayMs)
    return this.#channel.clear() || wasSet
  }

  /** Stops it. */
  [Symbol.dispose](): void {
    this.stop()
  }
}
