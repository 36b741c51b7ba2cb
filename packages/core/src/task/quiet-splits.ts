import { MAX_TIME } from '../record/time.ts'
import { BinaryHeap } from '../time/binary-heap.ts'
import type { SplitFeed } from './split-feed.ts'

/** A split that was quiet, and since when; it may have brought something since. */
interface Watched {
  readonly feed: SplitFeed
  readonly since: number
}

/** Finds the splits that have been caught up and quiet for some time, without looking at the others. */
export class QuietSplits {
  readonly #afterMs: number
  readonly #heap = new BinaryHeap<Watched>((a, b) => a.since < b.since)
  /** Every split stands in the heap once at most. */
  readonly #watched = new Set<SplitFeed>()

  /** `afterMs` is how long a split must have been quiet; undefined: none is ever found. */
  constructor(afterMs: number | undefined) {
    this.#afterMs = afterMs ?? MAX_TIME
  }

  /** When the next one may be found, on the monotonic clock. Never too late, perhaps too early. */
  get nextAt(): number {
    return (this.#heap.first?.since ?? MAX_TIME) + this.#afterMs
  }

  /** `feed` is quiet. */
  watch(feed: SplitFeed): void {
    const since = feed.quietSince
    if (since === undefined || this.#afterMs === MAX_TIME || this.#watched.has(feed)) return
    this.#watched.add(feed)
    this.#heap.add({ feed, since })
  }

  /** Takes the next split that has been quiet for long enough at `now`; undefined if there is none. */
  take(now: number): SplitFeed | undefined {
    while (this.nextAt <= now) {
      const { feed, since } = this.#heap.take()!
      this.#watched.delete(feed)
      if (feed.quietSince === since) return feed
      this.watch(feed)
    }
    return undefined
  }
}
