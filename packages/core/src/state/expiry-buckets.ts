import type { ExpiringCell } from './expiring-cell.ts'

/** A value is removed this part of its life late at most. */
const bucketsPerLife = 64

/**
 * Cells by the time at which they may have expired. Adding, removing and taking one costs the same, however
 * many there are.
 *
 * A cell that is refreshed stays where it is: when its bucket is due it is filed again. So a refresh costs
 * nothing here.
 *
 * Cells with lives of different lengths share the buckets: how much time one spans is a power of two, by the life.
 *
 * Invariants between any two calls: `#times` is sorted and holds the time of each bucket in `#buckets`; a cell
 * is in its `bucket` and in no other.
 */
export class ExpiryBuckets {
  readonly #buckets = new Map<number, Set<ExpiringCell<unknown>>>()
  readonly #times: number[] = []
  #running: Iterator<ExpiringCell<unknown>> | undefined

  /** When the next bucket is due; infinity if there is none. */
  get next(): number {
    if (this.#running !== undefined) return Number.NEGATIVE_INFINITY
    return this.#times[0] ?? Number.POSITIVE_INFINITY
  }

  /**
   * Adds a cell that expires `lifeMs` after `stamp`; `NaN`: not known yet, due at once. Returns when it is due if it
   * is the first that is due then.
   */
  add(cell: ExpiringCell<unknown>, stamp: number, lifeMs: number): number | undefined {
    const time = stamp + lifeMs
    if (time === Number.POSITIVE_INFINITY) return undefined
    const due = Number.isNaN(time) ? Number.NEGATIVE_INFINITY : roundedUp(time, lifeMs)
    let bucket = this.#buckets.get(due)
    const isNew = bucket === undefined
    if (bucket === undefined) {
      bucket = new Set()
      this.#buckets.set(due, bucket)
      this.#insert(due)
    }
    bucket.add(cell)
    cell.bucket = bucket
    return isNew ? due : undefined
  }

  remove(cell: ExpiringCell<unknown>): void {
    cell.bucket?.delete(cell)
    cell.bucket = undefined
  }

  /** Takes out a cell of a bucket that is due at `upTo`; undefined if there is none. */
  take(upTo: number): ExpiringCell<unknown> | undefined {
    if (!Number.isFinite(upTo)) return undefined
    for (;;) {
      const next = this.#running?.next()
      if (next !== undefined && next.done !== true) {
        // It stays in the set, which nothing else holds. Deleting from its front is slow.
        next.value.bucket = undefined
        return next.value
      }
      this.#running = undefined
      const [due] = this.#times
      if (due === undefined || due > upTo) return undefined
      this.#times.shift()
      this.#running = this.#buckets.get(due)!.values()
      this.#buckets.delete(due)
    }
  }

  /** Most are new at the end. */
  #insert(due: number): void {
    let at = this.#times.length
    while (at > 0 && this.#times[at - 1]! > due) at--
    this.#times.splice(at, 0, due)
  }
}

/** The end of the bucket of a time at which a life of this length ends. */
function roundedUp(time: number, lifeMs: number): number {
  const span = lifeMs < 2 * bucketsPerLife ? 1 : 2 ** Math.floor(Math.log2(lifeMs / bucketsPerLife))
  return Math.ceil(time / span) * span
}
