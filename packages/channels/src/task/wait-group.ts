import { functionMisfit, passing, rejected, shown } from '@millrace/world'
import { promiseOf } from '../wait/promise-of.ts'
import { Waiter, WaitQueue } from '../wait/wait-queue.ts'
import { started } from './started.ts'

const settled: Promise<void> = Promise.resolve()

/**
 * Counts running tasks, and lets others wait until none is left.
 *
 * The group is ready for another round as soon as its waiters are released. For tasks that can fail, or
 * that must end together, use `Scope`.
 *
 * Invariants between any two calls: the count is not negative; while it is zero, no task waits.
 *
 * @example
 * const group = new WaitGroup()
 * for (const url of urls) void group.go(() => visit(url))
 * await group.wait()
 */
export class WaitGroup {
  readonly #waiting = new WaitQueue()
  #count = 0

  /** The number of running tasks. */
  get count(): number {
    return this.#count
  }

  /**
   * Adds `delta`, which may be negative, to the count. At zero, all waiters are released.
   *
   * @throws RangeError when the count would become negative, or `delta` is not an integer. Nothing changes.
   */
  add(delta = 1): void {
    const count = this.#count + delta
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(
        `WaitGroup.add: ${this.#count} + ${shown(delta)} is not a valid count; call done once for each add`,
      )
    }
    this.#count = count
    if (count > 0) return
    for (let waiter = this.#waiting.shift(); waiter; waiter = this.#waiting.shift()) waiter.resolve(undefined)
  }

  /** Subtracts one from the count. */
  done(): void {
    this.add(-1)
  }

  /** Waits until the count is zero. An abort rejects with the signal's reason. */
  wait(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return rejected(signal.reason)
    if (this.#count === 0) return passing('WaitGroup.wait', this, settled)
    const waiter = new Waiter(undefined, undefined)
    this.#waiting.join(waiter)
    return promiseOf(waiter, 'WaitGroup.wait', this, signal)
  }

  /** Runs `task` as part of the group and returns its outcome. The count decreases also when it throws. */
  go<T>(task: () => Promise<T>): Promise<T> {
    const misuse = functionMisfit('WaitGroup.go', 'the task', task)
    if (misuse !== undefined) return rejected(misuse)
    this.add()
    return started(task, this).then(
      (value) => {
        this.done()
        return value
      },
      (error: unknown) => {
        this.done()
        throw error
      },
    )
  }
}
