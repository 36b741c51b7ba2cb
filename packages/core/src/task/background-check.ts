import type { Clock } from '@millrace/channels'
import { MAX_TIME } from '../record/time.ts'

/** What is asked, and how often. */
export interface BackgroundCheckOptions {
  readonly clock: Clock
  /** From the end of one check to the start of the next, in milliseconds. */
  readonly everyMs: number
  readonly ask: () => Promise<void>
  /** A check is over: there may be something new for the task to look at. */
  readonly wake: () => void
}

/** Asks the outside world again and again while a task goes about its work. One question at a time. */
export class BackgroundCheck {
  readonly #options: BackgroundCheckOptions
  #running: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  #nextAt = 0

  constructor(options: BackgroundCheckOptions) {
    this.#options = options
  }

  /** When to ask again, on the monotonic clock; `MAX_TIME` while a check is under way. */
  get nextAt(): number {
    return this.#running === undefined ? this.#nextAt : MAX_TIME
  }

  /** Puts the next check off until a whole period from now. */
  restart(): void {
    this.#nextAt = this.#options.clock.monotonic() + this.#options.everyMs
  }

  /** Asks, if it is time. */
  startIfDue(): void {
    if (this.#options.clock.monotonic() < this.nextAt) return
    this.#running = this.run().finally(() => {
      this.#running = undefined
      this.#options.wake()
    })
  }

  /** Asks now. A failure shows in `raise`. */
  async run(): Promise<void> {
    try {
      await this.#options.ask()
      this.restart()
    } catch (error) {
      this.#failure = { error }
    }
  }

  /** Throws what a check has failed with. */
  raise(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Resolves once no check is under way. */
  async idle(): Promise<void> {
    await this.#running
  }
}
