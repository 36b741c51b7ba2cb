import { leave, withCancel } from '../context/cancel-context.ts'
import type { CancellableContext, Context } from '../context/context.ts'
import { parentContext } from '../context/signal-context.ts'
import { created, requireFunction, waitRegistry, wasHeard } from '@millrace/world'
import { started } from './started.ts'
import { WaitGroup } from './wait-group.ts'

/**
 * Structured concurrency: tasks that end before the block that started them.
 *
 * Invariants between any two calls:
 *
 * 1. Every task that was started and has not ended is counted in `#tasks`. 2. Once a task has failed, the signal has
 * aborted; the first failure is its reason unless the scope was cancelled before. 3. `errors` holds each failure once.
 * A task that ends with the reason of the signal itself was cancelled: it obeyed the abort and has not failed.
 *
 * Not here: work that outlives its block. It belongs to an outer scope, or is started with `detach`.
 */

/**
 * A group of tasks that live and fail together.
 *
 * The first task to fail cancels the others by aborting `signal`, with its error as the reason. Leaving the block
 * cancels what still runs and waits for it; call `wait` first to let it finish. A task must pass the signal to
 * everything it waits for, because the scope cannot end before its slowest task.
 *
 * The idea is Nathaniel Smith's nursery ("Notes on structured concurrency", 2018); cancellation by the
 * first error follows Go's errgroup. Unlike Python's, `wait` always throws the first error itself and never
 * sometimes a group of them, so that a `catch` written for one failure also meets two; all are in `errors`.
 *
 * @example
 * await using scope = new Scope()
 * scope.go((signal) => produce(jobs, signal))
 * scope.go((signal) => consume(jobs, signal))
 * await scope.wait()
 */
export class Scope implements AsyncDisposable {
  readonly #context: CancellableContext
  readonly #tasks = new WaitGroup()
  readonly #errors: unknown[] = []
  #readers: Context | undefined
  #wasCutShort = false
  #isReported = false
  #isClosed = false

  /**
   * The scope is cancelled when `parent` ends, with its cause. `name` is what inspectors call it.
   *
   * It must be left or cancelled, also after success: until then the parent keeps a reference to it.
   */
  constructor(parent?: Context | AbortSignal, name?: string) {
    created('scope', this, name)
    this.#context = withCancel(parentContext('Scope', parent))
  }

  /**
   * The context of the tasks, derived from the parent: it has the parent's values and deadline, and ends when the
   * scope is cancelled, by a failure, by its parent, by `cancel` or because its block was left.
   */
  get context(): Context {
    return this.#context
  }

  /** The signal of `context`. */
  get signal(): AbortSignal {
    return this.#context.signal
  }

  /**
   * Aborts as `signal` does. It is used by readers of an outlet that did not pass the scope's signal.
   *
   * @internal
   */
  get readersSignal(): AbortSignal {
    this.#readers ??= withCancel(this.#context)
    return this.#readers.signal
  }

  /** The errors of the failed tasks, in order. */
  get errors(): readonly unknown[] {
    return this.#errors
  }

  /**
   * Starts a task at once; it runs until its first wait before `go` returns. Inspectors call it `name`.
   *
   * @throws the signal's reason when the scope is cancelled, an Error when its block has been left, and a TypeError when
   * `task` is no function.
   */
  go(task: (signal: AbortSignal) => Promise<void>, name?: string): void {
    // While tasks still end, the reason cuts them short; after that no task is left to abort.
    if (this.#isClosed && this.#tasks.count === 0)
      throw new Error('Scope.go: the block of this scope has been left; start tasks inside it')
    requireFunction('Scope.go', 'the task', task)
    this.signal.throwIfAborted()
    this.#tasks.add()
    const { signal } = this
    void started(() => task(signal), this, name).then(
      () => this.#tasks.done(),
      (error: unknown) => this.#failed(error),
    )
  }

  /** Aborts the signal of every task, without waiting. Only the first reason counts. */
  cancel(reason?: unknown): void {
    this.#context.cancel(reason)
  }

  /**
   * Waits until every task has ended, also those started meanwhile.
   *
   * @throws the first failure; without one, the signal's reason if it cancelled a task.
   */
  async wait(): Promise<void> {
    await this.#ended()
    this.#isReported = true
    if (this.#errors.length > 0) throw this.#errors[0]
    if (this.#wasCutShort) this.signal.throwIfAborted()
  }

  /**
   * Cancels what still runs, waits for it, and throws the first unseen failure: neither has `wait` thrown, nor has a
   * channel that the tasks feed rejected with it, nor a stream of `toWebReadable`. A reader of such a channel without
   * the scope's signal, or the owner of such a stream, counts as having seen it, also if it is a task of the scope.
   *
   * @throws that failure.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    leave(this.#context)
    await this.#ended()
    waitRegistry?.ended(this)
    const unseen = this.#unseen()
    if (unseen.length > 0) throw unseen[0]
  }

  #unseen(): readonly unknown[] {
    if (this.#isReported) return []
    // Readers only ever get the reason, which is one of the failures at most.
    return this.#readers !== undefined && wasHeard(this.#readers.signal)
      ? this.#errors.filter((error) => error !== this.signal.reason)
      : this.#errors
  }

  #failed(error: unknown): void {
    if (this.signal.aborted && error === this.signal.reason) {
      this.#wasCutShort = true
    } else {
      this.#errors.push(error)
      this.cancel(error)
    }
    this.#tasks.done()
  }

  // A task may be started between the moment the count reaches zero and the moment a waiter hears of it.
  async #ended(): Promise<void> {
    while (this.#tasks.count > 0) await this.#tasks.wait()
  }
}
