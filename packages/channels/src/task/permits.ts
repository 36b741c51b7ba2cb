import { passing, rejected } from '@millrace/world'
import { promiseOf } from '../wait/promise-of.ts'
import { Waiter, WaitQueue } from '../wait/wait-queue.ts'

/**
 * A number of permits that tasks hold for a time: the common part of mutexes and semaphores.
 *
 * Invariants between any two calls:
 *
 *  1. The leases that are out hold `held` permits together, and never more than `capacity`.
 *  2. While someone waits, the first in line asks for more than is free.
 *
 * A request while others wait goes to the end of the queue, even if it is small, so no waiter is overtaken and large
 * requests are served. Permits are passed directly from a release to the next waiter and are never free in between, so
 * a loop of locking and unlocking cannot overtake.
 */
export class Permits {
  readonly capacity: number
  readonly #line = new WaitQueue<Waiter<undefined, Demand>>()
  #held = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** The number of free permits. */
  get free(): number {
    return this.capacity - this.#held
  }

  /** Acquires `weight` permits, at most `capacity`, if they are free and no task waits. */
  tryAcquire(weight: number): Lease | undefined {
    return this.#line.isEmpty && weight <= this.free ? this.#lend(weight) : undefined
  }

  /** Waits in the queue for `weight` permits, at most `capacity`. `kind` is the name of the wait in inspectors. */
  acquire(kind: string, weight: number, signal: AbortSignal | undefined): Promise<Lease> {
    if (signal?.aborted) return rejected(signal.reason)
    const lease = this.tryAcquire(weight)
    if (lease !== undefined) return passing(kind, this, Promise.resolve(lease))
    const waiter = new Waiter(undefined, { weight, signal })
    this.#line.join(waiter)
    // The waiter that left may have been all that blocked those behind it.
    return promiseOf(waiter, kind, this, signal, () => this.#serve())
  }

  /** Returns the permits of a lease. */
  takeBack(weight: number): void {
    this.#held -= weight
    this.#serve()
  }

  /** Serves the first waiters as long as enough permits are free. */
  #serve(): void {
    for (let first = this.#line.first; first && first.value.weight <= this.free; first = this.#line.first) {
      // Its signal is aborting: it is about to leave, and lets those behind it be served then.
      if (first.value.signal?.aborted) return
      first[Symbol.dispose]()
      first.resolve(this.#lend(first.value.weight))
    }
  }

  #lend(weight: number): Lease {
    this.#held += weight
    return new Lease(this, weight)
  }
}

/**
 * The right to be in a critical section, or to use part of a limited resource, until it is released.
 *
 * `using` releases it when the block is left in any way.
 *
 * @example
 * using lease = await mutex.lock()
 */
export class Lease implements Disposable {
  readonly #weight: number
  #permits: Permits | undefined

  /** `permits` has already counted `weight` as held. */
  constructor(permits: Permits, weight: number) {
    this.#permits = permits
    this.#weight = weight
  }

  /** Whether it has not been released. */
  get isHeld(): boolean {
    return this.#permits !== undefined
  }

  /**
   * Releases it before the block is left. The first waiter gets it next.
   *
   * @throws Error when it was already released.
   */
  release(): void {
    const permits = this.#permits
    if (permits === undefined)
      throw new Error('Lease.release: this lease was given back already; give each lease back once')
    this.#permits = undefined
    permits.takeBack(this.#weight)
  }

  /** Releases it unless `release` was called. */
  [Symbol.dispose](): void {
    if (this.isHeld) this.release()
  }
}

/** The request of a waiter. */
interface Demand {
  readonly weight: number
  readonly signal: AbortSignal | undefined
}
