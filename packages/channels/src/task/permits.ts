import { passing, rejected } from '@millrace/world'
import { promiseOf } from '../wait/promise-of.ts'
import { Waiter, WaitQueue } from '../wait/wait-queue.ts'

/**
 * A number of permits that tasks hold for a while: what mutexes and semaphores have in common.
 *
 * True between any two calls:
 *
 *  1. The leases that are out hold `held` permits together, and never more than `capacity`.
 *  2. While someone waits, the first in line asks for more than is free.
 *
 * Who comes while someone waits goes to the end of the line, also when less would do: so no waiter is overtaken,
 * and one who asks for much gets it in the end. Permits go from hand to hand: between a release and the end of
 * the wait it ends, they are never free, so no loop of locking and unlocking gets in between.
 */
export class Permits {
  readonly capacity: number
  readonly #line = new WaitQueue<Waiter<undefined, Demand>>()
  #held = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** How many permits are free. */
  get free(): number {
    return this.capacity - this.#held
  }

  /** Takes `weight` permits, at most `capacity`, if they are free and no task waits. */
  tryAcquire(weight: number): Lease | undefined {
    return this.#line.isEmpty && weight <= this.free ? this.#lend(weight) : undefined
  }

  /** Waits in line for `weight` permits, at most `capacity`. `kind` is what inspectors call the wait. */
  acquire(kind: string, weight: number, signal: AbortSignal | undefined): Promise<Lease> {
    if (signal?.aborted) return rejected(signal.reason)
    const lease = this.tryAcquire(weight)
    if (lease !== undefined) return passing(kind, this, Promise.resolve(lease))
    const waiter = new Waiter(undefined, { weight, signal })
    this.#line.join(waiter)
    // The waiter that left may have been all that blocked those behind it.
    return promiseOf(waiter, kind, this, signal, () => this.#serve())
  }

  /** Takes back what a lease has held. */
  takeBack(weight: number): void {
    this.#held -= weight
    this.#serve()
  }

  /** Serves those in front for whom there is enough. */
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
 * The right to be in a critical section, or to use part of something limited, until it is given back.
 *
 * `using` gives it back when the block is left, whichever way.
 *
 * @example
 * using lease = await mutex.lock()
 */
export class Lease implements Disposable {
  readonly #weight: number
  #permits: Permits | undefined

  /** `permits` has counted `weight` as held. */
  constructor(permits: Permits, weight: number) {
    this.#permits = permits
    this.#weight = weight
  }

  /** Whether it has not been given back. */
  get isHeld(): boolean {
    return this.#permits !== undefined
  }

  /**
   * Gives it back before the block is left. The first in line has it next.
   *
   * @throws Error when it was given back already.
   */
  release(): void {
    const permits = this.#permits
    if (permits === undefined)
      throw new Error('Lease.release: this lease was given back already; give each lease back once')
    this.#permits = undefined
    permits.takeBack(this.#weight)
  }

  /** Gives it back unless `release` has. */
  [Symbol.dispose](): void {
    if (this.isHeld) this.release()
  }
}

/** What someone in line asks for. */
interface Demand {
  readonly weight: number
  readonly signal: AbortSignal | undefined
}
