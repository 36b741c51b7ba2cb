import { Permits } from './permits.ts'
import type { Lease } from './permits.ts'

/** More readers than this at a time there never are. */
const READERS_MAX = 2 ** 30

/**
 * Lets in any number of readers, or one writer alone.
 *
 * One line for both, in the order in which they asked: readers that come after a waiting writer wait behind it,
 * so neither kind starves the other. A reader that asks again while a writer waits behind it waits for itself
 * without end.
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

  /** Waits until no writer is inside or ahead. An abort rejects with the signal's reason. */
  readLock(signal?: AbortSignal): Promise<Lease> {
    return this.#permits.acquire('RwMutex.readLock', 1, signal)
  }

  /** Comes in as a reader if that is possible now, or returns undefined. */
  tryReadLock(): Lease | undefined {
    return this.#permits.tryAcquire(1)
  }

  /** Waits until everyone ahead has come in and left. An abort rejects with the signal's reason. */
  writeLock(signal?: AbortSignal): Promise<Lease> {
    return this.#permits.acquire('RwMutex.writeLock', READERS_MAX, signal)
  }

  /** Comes in as the writer if no task is inside or ahead, or returns undefined. */
  tryWriteLock(): Lease | undefined {
    return this.#permits.tryAcquire(READERS_MAX)
  }
}
