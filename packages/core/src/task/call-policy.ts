import type { Clock, Random } from '@millrace/world'
import { describeError } from '../errors/errors.ts'
import { durationText } from '../record/time.ts'
import type { AsyncNode, RetryRules } from '../graph/node.ts'
import { RateLimit } from './rate-limit.ts'

/** The dependencies of a call policy. */
interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  /** The part of the operator's rate that this subtask may use. */
  readonly share: number
  warn(message: string): void
  /** Called when a call may begin that could not before. */
  wake(): void
}

/**
 * Decides whether calls may begin, and when a failed one is repeated. (The breaker is that of Michael Nygard's "Release
 * It!": closed, open, half-open.)
 *
 * Invariants between any two calls: while the breaker is open no call begins, and while it is half-open one call runs.
 */
export class CallPolicy {
  readonly #node: AsyncNode
  readonly #around: Surroundings
  #inARow = 0
  #state: 'closed' | 'open' | 'half-open' | 'probing' = 'closed'
  #alarm: Disposable | undefined
  readonly #rate: RateLimit | undefined

  constructor(node: AsyncNode, around: Surroundings) {
    this.#node = node
    this.#around = around
    const { rate } = node
    this.#rate = rate && new RateLimit(rate, around.share, around.clock, () => around.wake())
  }

  get mayBegin(): boolean {
    if (this.#state !== 'closed' && this.#state !== 'half-open') return false
    return this.#rate === undefined || this.#rate.hasToken
  }

  began(): void {
    this.#rate?.take()
    if (this.#state === 'half-open') this.#state = 'probing'
  }

  succeeded(): void {
    this.#inARow = 0
    if (this.#state === 'probing') this.#close()
  }

  /**
   * Returns the milliseconds until the call is repeated, or undefined if the record has failed for good. `attempts`
   * includes this one.
   */
  failed(error: unknown, attempts: number): number | undefined {
    const { retry } = this.#node
    const isRetryable = retry !== undefined && (retry.retryIf?.(error) ?? true)
    // An error that no retry can help says something about the record and nothing about the system.
    if (!isRetryable) {
      if (this.#state === 'probing') this.#close()
      return undefined
    }
    const wasDown = this.#state !== 'closed'
    this.#noteFailure(error)
    if (wasDown) return 0
    return attempts < retry.attempts ? this.#delayAfter(attempts, retry) : undefined
  }

  /** Whether a failure now says nothing about the record, because the breaker was not closed. */
  get isDown(): boolean {
    return this.#state !== 'closed'
  }

  end(): void {
    this.#alarm?.[Symbol.dispose]()
    this.#rate?.end()
  }

  /**
   * Returns a time between half of the pause and all of it, so that calls that failed together are not repeated
   * together.
   */
  #delayAfter(attempts: number, { firstDelayMs, longestDelayMs }: RetryRules): number {
    const full = Math.min(longestDelayMs, firstDelayMs * 2 ** (attempts - 1))
    return Math.round((full * (1 + this.#around.random.next())) / 2)
  }

  #noteFailure(error: unknown): void {
    const { breaker, name } = this.#node
    if (breaker === undefined) return
    this.#inARow++
    if (this.#state === 'open' || this.#state === 'half-open') return
    if (this.#state === 'closed' && this.#inARow < breaker.failures) return
    if (this.#state === 'closed') {
      this.#around.warn(
        `'${name}' has failed ${this.#inARow} times in a row, so no call is made for ${durationText(breaker.openMs)}, and then one to try; records wait. The last failure: ${describeError(error)}`,
      )
    }
    this.#state = 'open'
    this.#alarm = this.#around.clock.schedule(breaker.openMs, () => {
      this.#state = 'half-open'
      this.#around.wake()
    })
  }

  #close(): void {
    this.#state = 'closed'
    this.#inARow = 0
    this.#around.warn(`'${this.#node.name}' works again; calls are made as before`)
    this.#around.wake()
  }
}
