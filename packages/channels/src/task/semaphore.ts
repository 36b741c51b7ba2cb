import { rejected, shown } from '@millrace/world'
import { Permits } from './permits.ts'
import type { Lease } from './permits.ts'

/** More than this is a mistake in the caller's arithmetic, and sums stay exact below it. */
const CAPACITY_MAX = 2 ** 52

/**
 * Limits how much of a resource is in use at a time: connections, bytes in memory, calls in progress.
 *
 * Tasks are served in call order: small requests do not overtake a large one, so it is not starved. The idea of weights
 * is that of Go's `x/sync/semaphore`.
 *
 * @example
 * const memory = new Semaphore(64 * 2 ** 20)
 * {
 *   using lease = await memory.acquire(file.size)
 *   await upload(file)
 * }
 */
export class Semaphore {
  readonly #permits: Permits

  /** @throws RangeError unless `capacity` is an integer from 0 to 2^52. */
  constructor(capacity: number) {
    if (!(Number.isInteger(capacity) && capacity >= 0 && capacity <= CAPACITY_MAX)) {
      throw new RangeError(`Semaphore: capacity is ${shown(capacity)}; pass an integer from 0 to 2^52`)
    }
    this.#permits = new Permits(capacity)
  }

  /** The total amount that may be in use. */
  get capacity(): number {
    return this.#permits.capacity
  }

  /** The amount that is not in use. */
  get available(): number {
    return this.#permits.free
  }

  /**
   * Waits until `weight` is available. An abort rejects with the signal's reason and acquires nothing.
   *
   * @throws RangeError (by rejecting) unless `weight` is an integer from 0 to the capacity: a wait for more would
   * never end.
   */
  acquire(weight = 1, signal?: AbortSignal): Promise<Lease> {
    const error = this.#refusal(weight)
    return error === undefined ? this.#permits.acquire('Semaphore.acquire', weight, signal) : rejected(error)
  }

  /**
   * Acquires `weight` if it is free now and no task waits, or returns undefined. Never waits.
   *
   * @throws RangeError unless `weight` is an integer from 0 to the capacity.
   */
  tryAcquire(weight = 1): Lease | undefined {
    const error = this.#refusal(weight)
    if (error !== undefined) throw error
    return this.#permits.tryAcquire(weight)
  }

  #refusal(weight: number): RangeError | undefined {
    return Number.isInteger(weight) && weight >= 0 && weight <= this.capacity
      ? undefined
      : new RangeError(
          `Semaphore: the weight is ${shown(weight)}; pass an integer from 0 to the capacity, which is ${this.capacity}`,
        )
  }
}
