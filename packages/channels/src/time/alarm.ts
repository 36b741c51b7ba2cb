import { requireClock, requireDelay, requireFunction } from '@millrace/world'
import type { Clock } from '@millrace/world'

/**
 * Calls a function after a delay, and can be stopped and reset. Go's equivalent is `time.AfterFunc`.
 *
 * Invariants between any two calls: a timer of the clock is pending exactly while the alarm is set.
 *
 * @example
 * const idle = new Alarm(clock, 30_000, () => socket.close())
 * socket.onData = () => idle.reset(30_000)
 */
export class Alarm implements Disposable {
  readonly #clock: Clock
  readonly #callback: () => void
  #timer: Disposable | undefined

  /**
   * Sets the alarm. `callback` is called once after `delayMs` milliseconds of monotonic time on `clock`, never during
   * this call; its errors are thrown by the clock.
   *
   * @throws RangeError when `delayMs` is not a number; TypeError when `clock` is no clock or `callback` no function.
   */
  constructor(clock: Clock, delayMs: number, callback: () => void) {
    requireClock('Alarm', clock)
    requireDelay('Alarm', 'delayMs', delayMs)
    requireFunction('Alarm', 'the callback', callback)
    this.#clock = clock
    this.#callback = callback
    this.#set(delayMs)
  }

  /** Whether it is set. */
  get isSet(): boolean {
    return this.#timer !== undefined
  }

  /** Stops the alarm. Returns whether it was set. */
  stop(): boolean {
    const wasSet = this.isSet
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    return wasSet
  }

  /**
   * Sets it again, `delayMs` from now, whether or not it has fired. Returns whether it was set.
   *
   * @throws RangeError when `delayMs` is not a number. Nothing changes.
   */
  reset(delayMs: number): boolean {
    requireDelay('Alarm.reset', 'delayMs', delayMs)
    const old = this.#timer
    this.#set(delayMs)
    old?.[Symbol.dispose]()
    return old !== undefined
  }

  /** Stops the alarm. */
  [Symbol.dispose](): void {
    this.stop()
  }

  #set(delayMs: number): void {
    this.#timer = this.#clock.schedule(delayMs, () => {
      this.#timer = undefined
      this.#callback()
    })
  }
}
