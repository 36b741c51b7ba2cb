import { passing, rejected, running } from '@millrace/world'
import { promiseOf } from '../wait/promise-of.ts'
import { Waiter, WaitQueue } from '../wait/wait-queue.ts'

type Outcome<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }

/**
 * A call whose outcome any number of tasks wait for, each with its own signal.
 *
 * Invariants between any two calls: once there is an outcome, no task waits.
 */
export class SharedCall<T> {
  readonly #waiting = new WaitQueue()
  #outcome: Outcome<T> | undefined

  /**
   * Makes the call once, now. Resolves when it has an outcome of any kind, and never rejects.
   *
   * The outcome is never available before this method has returned. `onOutcome` is called before the waiters resume.
   */
  async start(work: () => Promise<T>, onOutcome?: () => void): Promise<void> {
    let outcome: Outcome<T>
    try {
      outcome = { kind: 'value', value: await running(work, this, undefined) }
    } catch (error) {
      outcome = { kind: 'error', error }
    }
    onOutcome?.()
    this.#settle(outcome)
  }

  /**
   * Waits for the outcome. `kind` is the name of the wait in inspectors; `onAbandoned` is called when an abort leaves
   * no waiter.
   */
  join(kind: string, signal: AbortSignal | undefined, onAbandoned?: (reason: Error) => void): Promise<T> {
    const outcome = this.#outcome
    if (outcome?.kind === 'error') return rejected(outcome.error)
    if (outcome?.kind === 'value') return passing(kind, this, Promise.resolve(outcome.value))
    const waiter = new Waiter(undefined, undefined)
    this.#waiting.join(waiter)
    return promiseOf(waiter, kind, this, signal, (reason) => {
      if (this.#waiting.isEmpty) onAbandoned?.(reason)
    })
  }

  #settle(outcome: Outcome<T>): void {
    this.#outcome = outcome
    for (let waiter = this.#waiting.shift(); waiter; waiter = this.#waiting.shift()) {
      if (outcome.kind === 'value') waiter.resolve(outcome.value)
      else waiter.reject(outcome.error as Error)
    }
  }
}
