import type { Clock } from '@millrace/world'
import type { RateRules } from '../graph/node.ts'

/**
 * A token bucket: so many calls in a time on average, and as many at once after a pause.
 *
 * True between any two calls: there are at most as many tokens as the bucket holds, and an alarm is set if a call was
 * refused and no token has arrived since.
 */
export class RateLimit {
  readonly #clock: Clock
  readonly #wake: () => void
  readonly #perMs: number
  readonly #most: number
  #tokens: number
  #at: number
  #alarm: Disposable | undefined

  /** `share` is the part of the rate that this subtask may use. `wake` is called when a refused call may begin. */
  constructor({ calls, perMs }: RateRules, share: number, clock: Clock, wake: () => void) {
    this.#clock = clock
    this.#wake = wake
    this.#perMs = (calls * share) / perMs
    // A share below one call still lets one begin.
    this.#most = Math.max(1, calls * share)
    this.#tokens = this.#most
    this.#at = clock.monotonic()
  }

  /** Whether there are as many tokens as the bucket holds, as at the start. */
  get isFull(): boolean {
    this.#refill()
    return this.#tokens === this.#most
  }

  /** Whether a call may begin now. If not, `wake` is called when one may. */
  get hasToken(): boolean {
    this.#refill()
    // Sums of fractions are not exact.
    if (this.#tokens > 1 - 1e-9) return true
    this.#alarm ??= this.#clock.schedule(Math.ceil((1 - this.#tokens) / this.#perMs), () => {
      this.#alarm = undefined
      this.#wake()
    })
    return false
  }

  take(): void {
    this.#refill()
    this.#tokens--
  }

  #refill(): void {
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(this.#most, this.#tokens + (now - this.#at) * this.#perMs)
    this.#at = now
  }

  end(): void {
    this.#alarm?.[Symbol.dispose]()
  }
}
