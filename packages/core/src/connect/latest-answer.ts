import type { Clock } from '@millrace/world'

/** How long an answer is good for. */
const freshMs = 1_000

/**
 * The newest answer of a server to a question that is asked in the background, at most once a second and one at a time: for
 * `lag` of a reader, which must not wait. While the server cannot answer, the answer before stays.
 *
 * @example
 * readonly #ready = new LatestAnswer(context.clock, () => client.count(queue))
 *
 * lag() {
 *   this.#ready.refresh()
 *   return this.#ready.value === undefined ? undefined : { records: this.#ready.value }
 * }
 */
export class LatestAnswer<A> {
  readonly #clock: Clock
  readonly #ask: () => Promise<A | undefined>
  #askedAt = -Infinity
  #isAsking = false
  #value: A | undefined

  /** `ask` resolves to undefined, or rejects, if there is no answer now. */
  constructor(clock: Clock, ask: () => Promise<A | undefined>) {
    this.#clock = clock
    this.#ask = ask
  }

  /** The newest answer; undefined before the first one. */
  get value(): A | undefined {
    return this.#value
  }

  /** Asks, unless a question is on its way or the last one is less than a second old. Never waits, never throws. */
  refresh(): void {
    const now = this.#clock.monotonic()
    if (this.#isAsking || now - this.#askedAt < freshMs) return
    this.#askedAt = now
    this.#isAsking = true
    void this.#refreshed()
  }

  async #refreshed(): Promise<void> {
    try {
      this.#value = (await this.#ask()) ?? this.#value
    } catch {
      // The reader itself notices what is wrong with the server.
    } finally {
      this.#isAsking = false
    }
  }
}
