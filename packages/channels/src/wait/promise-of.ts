import { AbortHook, rejected, signalMisfit, waiting } from '@millrace/world'
import type { Waiter } from './wait-queue.ts'

/**
 * Returns the promise of a waiter that is in a queue, or about to be.
 *
 * Either it is served and its ending settles the promise, or the signal aborts and it leaves the queue and rejects with
 * the reason. Leaving the queue also releases the signal, so only one of the two can happen. The signal must not have
 * aborted. An argument that is not a signal rejects with a TypeError, and the waiter leaves the queue.
 *
 * `kind` and `on` are passed to `waiting`. `onLeave` is called after an abort has removed the waiter from the queue.
 */
export function promiseOf<Outcome>(
  waiter: Waiter,
  kind: string,
  on: object,
  signal: AbortSignal | undefined,
  onLeave?: (reason: Error) => void,
): Promise<Outcome> {
  if (signal !== undefined) {
    try {
      waiter.hook = new LeaveOnAbort(signal, waiter, onLeave)
    } catch (error) {
      // Not a signal. A waiter left in the line would take what is meant for others.
      waiter[Symbol.dispose]()
      onLeave?.(error as Error)
      return rejected(signalMisfit(kind, signal) ?? error)
    }
  }
  return waiting<Outcome>(kind, on, (resolve, reject) => {
    waiter.resolve = resolve as (outcome: unknown) => void // The code that serves the waiter knows what it waits for.
    waiter.reject = reject
  })
}

/** Ends the wait of a waiter when its signal aborts. */
class LeaveOnAbort extends AbortHook {
  readonly #waiter: Waiter
  readonly #onLeave: ((reason: Error) => void) | undefined

  constructor(signal: AbortSignal, waiter: Waiter, onLeave: ((reason: Error) => void) | undefined) {
    super(signal)
    this.#waiter = waiter
    this.#onLeave = onLeave
  }

  override aborted(reason: Error): void {
    this.#waiter[Symbol.dispose]()
    this.#waiter.reject(reason)
    this.#onLeave?.(reason)
  }
}
