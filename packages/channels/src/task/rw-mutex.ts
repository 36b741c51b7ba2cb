import { Permits } from './permits.ts'
import type { Lease } from './permits.ts'

/** An upper bound on the number of readers. */
const READERS_MAX = 2 ** 30

/**
 * A lock for any number of readers, or one writer.
 *
 * Both share one queue in call order: readers that come after a waiting writer wait behind it, so neither kind starves
 * the other. A reader that locks again while a writer waits deadlocks.
 *
 * @example
 * const table = new RwMutex()
 * {
 *   using lease = await table.readLock()
 *   await reply(table)
 * }
 */
export class RwMutex {
  readonly #permits = new Permits(READERS_MAX)

  /** Waits until no writer holds the lock or is ahead in the queue. An abort rejects with the signal's reason. */
  readLock(signal?: AbortSignal): Promise<Lease> {
    return this.#permits.acquire('RwMutex.readLock', 1, signal)
  }

  /** Acquires the lock as a reader if that is possible now, or returns undefined. */
  tryReadLock(): Lease | undefined {
    return this.#permits.tryAcquire(1)
  }

  /** Waits until all earlier tasks have released the lock. An abort rejects with the signal's reason. */
  writeLock(signal?: AbortSignal): Promise<Lease> {
    return this.#permits.acquire('RwMutex.writeLock', READERS_MAX, signal)
  }

  /** Acquires the lock as the writer if no task holds it or waits, or returns undefined. */
  tryWriteLock(): Lease | undefined {
    return this.#permits.tryAcquire(READERS_MAX)
  }
}
