import { passing, rejected, running } from '@millrace/world'
import { promiseOf } from '../wait/promise-of.ts'
import { Waiter, WaitQueue } from '../wait/wait-queue.ts'

type Outcome<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }

/**
 * One call whose outcome any number of tasks wait for, each as long as it likes.
 *
 * True between any two calls: once there is an outcome, no task waits.
 */
export class SharedCall<T> {
  readonly #waiting = new WaitQueue()
  #outcome: Outcome<T> | undefined

  /**
   * Makes the call, now and once. Resolves when it has an outcome, whatever that is, and never rejects.
   *
   * The outcome is there at the earliest after this call has returned. `onOutcome` is called before the waiters resume.
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
   * Waits for the outcome. `kind` is what inspectors call the wait; `onAbandoned` is called when an abort has
   * left no waiter.
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
