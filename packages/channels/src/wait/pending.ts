import { onAbort } from './cancellation.ts'
import { Waiter } from './wait-queue.ts'

/**
 * A promise in line.
 *
 * It is served, and the promise settles; or the signal aborts, and it leaves the line and rejects with the
 * reason. Whatever takes it out of the line also lets go of the signal, so only one of the two can happen.
 */
export class Pending extends Waiter {
  readonly #hook: Disposable | undefined

  /** The signal must not have aborted. */
  constructor(reject: (reason: Error) => void, signal: AbortSignal | undefined) {
    super()
    this.#hook =
      signal &&
      onAbort(signal, (reason) => {
        this[Symbol.dispose]()
        reject(reason)
      })
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]()
    this.#hook?.[Symbol.dispose]()
  }
}
