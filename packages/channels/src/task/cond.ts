import { rejected } from '@millrace/world'
import { promiseOf } from '../wait/promise-of.ts'
import { Waiter, WaitQueue } from '../wait/wait-queue.ts'

/**
 * A condition variable: tasks wait until another task reports a change.
 *
 * Unlike Go's it has no lock, because nothing else runs between the check of a condition and `wait`. A woken task must
 * check again, since other tasks may have run before it. Wakes are not remembered; for one task and wakes that may come
 * first, use `Wakeup`.
 *
 * @example
 * while (queue.length === 0) await filled.wait()
 * // elsewhere
 * queue.push(job)
 * filled.wake()
 */
export class Cond {
  readonly #waiting = new WaitQueue()

  /** Waits for a wake. An abort rejects with the signal's reason and leaves the next wake to another. */
  wait(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return rejected(signal.reason)
    const waiter = new Waiter(undefined, undefined)
    this.#waiting.join(waiter)
    return promiseOf(waiter, 'Cond.wait', this, signal)
  }

  /** Wakes the task that has waited longest, if any waits. */
  wake(): void {
    this.#waiting.shift()?.resolve(undefined)
  }

  /** Wakes all that wait now. */
  wakeAll(): void {
    for (let waiter = this.#waiting.shift(); waiter; waiter = this.#waiting.shift()) waiter.resolve(undefined)
  }
}
