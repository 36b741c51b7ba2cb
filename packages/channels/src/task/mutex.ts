import { Permits } from './permits.ts'
import type { Lease } from './permits.ts'

/**
 * Lets one task at a time into a critical section that contains waits.
 *
 * Code without waits needs no mutex: nothing else runs between two `await`s. Tasks get the lock in call order. A task
 * that locks a mutex it already holds deadlocks.
 *
 * @example
 * const mutex = new Mutex()
 * {
 *   using lease = await mutex.lock()
 *   await file.write(await file.read())
 * }
 */
export class Mutex {
  readonly #permits = new Permits(1)

  /** Whether a task is in the critical section. */
  get isLocked(): boolean {
    return this.#permits.free === 0
  }

  /** Waits for the lock. An abort rejects with the signal's reason and leaves the queue. */
  lock(signal?: AbortSignal): Promise<Lease> {
    return this.#permits.acquire('Mutex.lock', 1, signal)
  }

  /** Acquires the lock if it is free now, or returns undefined. Never waits. */
  tryLock(): Lease | undefined {
    return this.#permits.tryAcquire(1)
  }
}
