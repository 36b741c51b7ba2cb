import { describeError } from '@millrace/core'
import { KafkaFailure, type World } from './cluster.ts'

const firstPauseMs = 50
const longestPauseMs = 5_000

/**
 * Repeats what fails because brokers cannot be reached, with growing pauses, until it succeeds or the job stops. Says once
 * that it waits, and once that it has waited.
 */
export class Patience {
  readonly #what: string
  readonly #address: string
  readonly #world: World
  /** When the outage began; undefined while there is none. */
  #downSince: number | undefined

  constructor(what: string, address: string, world: World) {
    this.#what = what
    this.#address = address
    this.#world = world
  }

  /** Rejects with what is final, with an error that is no `KafkaFailure`, or when the job stops. */
  async repeat<T>(action: () => Promise<T>): Promise<T> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      this.#world.signal.throwIfAborted()
      try {
        const result = await action()
        this.#up()
        return result
      } catch (error) {
        if (!(error instanceof KafkaFailure) || error.isFinal) throw error
        this.#down(error)
      }
      await this.#pause(pauseMs)
    }
  }

  #down(error: unknown): void {
    if (this.#downSince !== undefined) return
    const { clock, warn } = this.#world
    this.#downSince = clock.monotonic()
    warn(
      `${this.#what} waits for Kafka on ${this.#address}, and repeats what has failed; nothing is lost: ${describeError(error)}`,
    )
  }

  #up(): void {
    if (this.#downSince === undefined) return
    const { clock, warn } = this.#world
    const seconds = Math.round((clock.monotonic() - this.#downSince) / 1_000)
    this.#downSince = undefined
    warn(`${this.#what} works with Kafka on ${this.#address} again, after ${seconds} s`)
  }

  #pause(pauseMs: number): Promise<void> {
    const { clock, signal } = this.#world
    return new Promise((resolve) => {
      const end = (): void => {
        timer[Symbol.dispose]()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = clock.schedule(pauseMs, end)
      signal.addEventListener('abort', end, { once: true })
    })
  }
}
