/** Admits a number of things in any second. */
export class RateWindow {
  /** When the newest ones were admitted, in a ring. */
  readonly #times: number[] = []
  readonly #perSecond: number
  #next = 0

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** Whether one more is admitted `now`, in milliseconds. A clock that was set back admits. */
  admits(now: number): boolean {
    const oldest = this.#times[this.#next]
    if (oldest !== undefined && now >= oldest && now - oldest < 1_000) return false
    this.#times[this.#next] = now
    this.#next = (this.#next + 1) % this.#perSecond
    return true
  }
}
