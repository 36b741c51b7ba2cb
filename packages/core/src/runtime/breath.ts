import type { Clock, Scheduler } from '@millrace/channels'

/** How long tasks may hand work to one another before the event loop gets a turn, in milliseconds. */
const longestHoldMs = 8

/**
 * Lets the rest of the process breathe: tasks that always have work never wait for anything but settled promises,
 * and sockets, files and timers would starve.
 */
export class Breath {
  readonly #clock: Clock
  readonly #scheduler: Scheduler
  #lastTurn: number
  #turn: Promise<void> | undefined

  constructor(clock: Clock, scheduler: Scheduler) {
    this.#clock = clock
    this.#scheduler = scheduler
    this.#lastTurn = clock.monotonic()
  }

  /** Something to await when the event loop is due a turn, otherwise undefined. Tasks share one turn. */
  due(): Promise<void> | undefined {
    if (this.#turn !== undefined) return this.#turn
    if (this.#clock.monotonic() - this.#lastTurn < longestHoldMs) return undefined
    return this.take()
  }

  /** A turn now, whether due or not. */
  take(): Promise<void> {
    this.#turn ??= this.#scheduler.turn().then(() => {
      this.#turn = undefined
      this.#lastTurn = this.#clock.monotonic()
    })
    return this.#turn
  }
}
