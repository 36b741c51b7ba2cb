import type { Clock, Random } from '@millrace/world'
import type { AsyncNode } from '../graph/node.ts'
import type { BreakerState } from '../observe/outage.ts'
import { mayRepeat, pauseAfter } from './backoff.ts'
import { Breaker } from './breaker.ts'
import { RateLimit } from './rate-limit.ts'

/** The dependencies of a call policy. */
interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  /** The part of the operator's rate that this subtask may use. */
  readonly share: number
  /** Called when the breaker changes its state, with the failure that changed it. */
  changed(state: BreakerState, error: unknown): void
  /** Called when a call may begin that could not before. */
  wake(): void
}

/** What is known about the failures of one record. */
interface Failures {
  /** How many attempts have failed, this one included. */
  readonly attempts: number
  /** How long ago the first one failed, in milliseconds. */
  readonly sinceMs: number
}

/** Decides whether calls may begin, and when a failed one is repeated. */
export class CallPolicy {
  readonly #node: AsyncNode
  readonly #around: Surroundings
  readonly #breaker: Breaker | undefined
  readonly #rate: RateLimit | undefined
  #lastError: unknown

  constructor(node: AsyncNode, around: Surroundings) {
    const { rate, breaker } = node
    this.#node = node
    this.#around = around
    this.#rate = rate && new RateLimit(rate, around.share, around.clock, () => around.wake())
    this.#breaker =
      breaker &&
      new Breaker(breaker, {
        clock: around.clock,
        changed: (state) => around.changed(state, this.#lastError),
        wake: () => around.wake(),
      })
  }

  get mayBegin(): boolean {
    if (this.#breaker?.mayBegin === false) return false
    return this.#rate === undefined || this.#rate.hasToken
  }

  began(): void {
    this.#rate?.take()
    this.#breaker?.began()
  }

  succeeded(): void {
    this.#breaker?.succeeded()
  }

  /** Returns the milliseconds until the call is repeated, or undefined if the record has failed for good. */
  failed(error: unknown, { attempts, sinceMs }: Failures): number | undefined {
    const { retry } = this.#node
    // An error that no retry can help says something about the record and nothing about the system.
    if (retry === undefined || !(retry.retryIf?.(error) ?? true)) {
      this.#breaker?.answered()
      return undefined
    }
    const wasDown = this.isDown
    this.#lastError = error
    this.#breaker?.failed()
    if (wasDown) return 0
    const pauseMs = pauseAfter(attempts, retry, this.#around.random)
    return mayRepeat(attempts, sinceMs, pauseMs, retry) ? pauseMs : undefined
  }

  /** Whether a failure now says nothing about the record, because the breaker was not closed. */
  get isDown(): boolean {
    return this.#breaker?.isClosed === false
  }

  end(): void {
    this.#breaker?.end()
    this.#rate?.end()
  }
}
