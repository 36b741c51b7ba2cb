import type { ExpiringCell } from './expiring-cell.ts'

/** How many buckets one time to live is divided into: a value is removed that much of it late at most. */
const bucketsPerLife = 64

/**
 * Cells by the time at which they may have expired. Adding, removing and taking one costs the same, however
 * many there are.
 *
 * A cell that is refreshed stays where it is: when its bucket is due it is filed again. So a refresh costs
 * nothing here.
 *
 * Invariants between any two calls: `#times` is sorted and holds the time of each bucket in `#buckets`; a cell
 * is in its `bucket` and in no other.
 */
export class ExpiryBuckets {
  readonly #span: number
  readonly #buckets = new Map<number, Set<ExpiringCell<unknown>>>()
  readonly #times: number[] = []
  #running: Iterator<ExpiringCell<unknown>> | undefined

  constructor(afterMs: number) {
    this.#span = Math.max(1, Math.floor(afterMs / bucketsPerLife))
  }

  /** When the next bucket is due; infinity if there is none. */
  get next(): number {
    if (this.#running !== undefined) return Number.NEGATIVE_INFINITY
    return this.#times[0] ?? Number.POSITIVE_INFINITY
  }

  /**
   * Adds a cell that expires at `time`; `NaN`: not known yet, due at once. Returns when it is due if it is the
   * first that is due then.
   */
  add(cell: ExpiringCell<unknown>, time: number): number | undefined {
    if (time === Number.POSITIVE_INFINITY) return undefined
    const due = Number.isNaN(time) ? Number.NEGATIVE_INFINITY : Math.ceil(time / this.#span) * this.#span
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
