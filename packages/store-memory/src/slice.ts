import type { StateStoreOptions } from '@millrace/core'

/** Looking at the clock costs as much as a small piece of work, so it is done once per this much. */
const workPerLook = 16 * 1024

/** A turn of work that ends soon after its time is over. */
export class Slice {
  readonly #clock: StateStoreOptions['clock']
  readonly #deadline: number
  readonly #mustPause: () => boolean
  #work = 0

  constructor(clock: StateStoreOptions['clock'], budgetMs: number, mustPause: () => boolean) {
    this.#clock = clock
    this.#deadline = clock.monotonic() + budgetMs
    this.#mustPause = mustPause
  }

  /** Counts work done, in bytes or what takes as long as writing them; true when the turn is over. */
  spend(work: number): boolean {
    this.#work += work
    if (this.#work < workPerLook) return false
    this.#work = 0
    return this.#clock.monotonic() >= this.#deadline || this.#mustPause()
  }
}
