import { onAbort } from './cancellation.ts'
import { Waiter } from './wait-queue.ts'

/**
 * A promise in line.
 *
 * It is served, and the promise settles; or the signal aborts, and it leaves the line and rejects with the
 * reason. Whatever takes it out of the line also lets go of the signal, so only one of the two can happen.
 */
export class Pending extends Waiter {
  /** The signal must not have aborted. */
  constructor(reject: (reason: Error) => void, signal: AbortSignal | undefined) {
    super(undefined, undefined)
    if (signal === undefined) return
    this.hook = onAbort(signal, (reason) => {
      this[Symbol.dispose]()
      reject(reason)
    })
  }
}
