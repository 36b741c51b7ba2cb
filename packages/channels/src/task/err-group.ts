import { leave, withCancel } from '../context/cancel-context.ts'
import type { CancellableContext, Context } from '../context/context.ts'
import { parentContext } from '../context/signal-context.ts'
import { functionMisfit, rejected, requireFunction, shown } from '@millrace/world'
import { Permits } from './permits.ts'
import type { Lease } from './permits.ts'
import { started } from './started.ts'
import { WaitGroup } from './wait-group.ts'

const settled: Promise<void> = Promise.resolve()

/**
 * Runs tasks, optionally a limited number at a time, and reports the first error.
 *
 * This is Go's `x/sync/errgroup`, with its rules. Where tasks must not outlive a block, or all errors matter,
 * use `Scope`: leaving the block of an `ErrGroup` ends nothing.
 *
 * Invariants between any two calls: every passed task that has not ended is counted in `#tasks`, also while it waits
 * for the limit; at most `limit` tasks run.
 *
 * @example
 * const group = new ErrGroup()
 * group.setLimit(10)
 * for (const url of urls) await group.go((signal) => fetchInto(results, url, signal))
 * await group.wait()
 */
export class ErrGroup {
  readonly #context: CancellableContext
  readonly #tasks = new WaitGroup()
  #places: Permits | undefined
  #failure: { readonly error: unknown } | undefined

  /** The tasks are cancelled when `parent` ends, with its cause. */
  constructor(parent?: Context | AbortSignal) {
    this.#context = withCancel(parentContext('ErrGroup', parent))
  }

  /** The context of the tasks: ends at the first error, with that as its cause, and when `wait` returns. */
  get context(): Context {
    return this.#context
  }

  /**
   * Lets at most `limit` tasks run at a time; a negative limit, or Infinity, removes the limit.
   *
   * @throws RangeError when `limit` is not a number of tasks; Error while tasks are in progress.
   */
  setLimit(limit: number): void {
    if (!(Number.isInteger(limit) || limit === Infinity))
      throw new RangeError(
        `ErrGroup.setLimit: the limit is ${shown(limit)}; pass an integer, negative for none`,
      )
    if (this.#tasks.count > 0)
      throw new Error(
        `ErrGroup.setLimit: ${this.#tasks.count} tasks are running; set the limit before or after`,
      )
    this.#places = limit < 0 || limit === Infinity ? undefined : new Permits(limit)
  }

  /**
   * Starts a task; waits while the limit is reached. Resolves once the task has started.
   *
   * Tasks start in the order of the calls, also after an error: a task that should not run then must check its signal.
   * Below the limit, the task runs until its first wait before `go` returns. An abort of `signal` rejects with its
   * reason and the task never starts.
   *
   * @throws RangeError (by rejecting) when the limit is 0: the task would never start.
   */
  go(task: (signal: AbortSignal) => Promise<void>, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return rejected(signal.reason)
    const misuse = functionMisfit('ErrGroup.go', 'the task', task)
    if (misuse !== undefined) return rejected(misuse)
    if (this.tryGo(task)) return settled
    const places = this.#places
    if (places === undefined || places.capacity === 0)
      return rejected(new RangeError('ErrGroup.go: the limit is 0, so no task can start; set another'))
    return this.#goLater(task, places, signal)
  }

  /** Starts a task if fewer than the limit are running and none waits. Returns whether it was started. */
  tryGo(task: (signal: AbortSignal) => Promise<void>): boolean {
    requireFunction('ErrGroup.tryGo', 'the task', task)
    const place = this.#places?.tryAcquire(1)
    if (this.#places !== undefined && place === undefined) return false
    this.#tasks.add()
    this.#run(task, place)
    return true
  }

  /**
   * Waits until every task has ended, also those that wait for the limit; then ends `context`.
   *
   * An abort of `signal` ends this wait alone, with its reason.
   *
   * @throws the first error of any task, on each call. Later errors are dropped.
   */
  async wait(signal?: AbortSignal): Promise<void> {
    do await this.#tasks.wait(signal)
    while (this.#tasks.count > 0)
    leave(this.#context)
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #goLater(
    task: (signal: AbortSignal) => Promise<void>,
    places: Permits,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    this.#tasks.add()
    let place: Lease
    try {
      place = await places.acquire('ErrGroup.go', 1, signal)
    } catch (error) {
      this.#tasks.done()
      throw error
    }
    this.#run(task, place)
  }

  #run(task: (signal: AbortSignal) => Promise<void>, place: Lease | undefined): void {
    const { signal } = this.#context
    void started(() => task(signal), this).then(
      () => this.#ended(place),
      (error: unknown) => {
        this.#failure ??= { error }
        this.#context.cancel(error)
        this.#ended(place)
      },
    )
  }

  #ended(place: Lease | undefined): void {
    place?.release()
    this.#tasks.done()
  }
}
