import { MIN_TIME } from '../record/time.ts'
import { isBefore } from './reading-order.ts'
import type { SplitFeed } from './split-feed.ts'

/**
 * The splits whose readers are open: a limited number of them. Says which one to close where another is to be opened.
 */
export class OpenSplits {
  readonly #limit: number
  readonly #isBounded: boolean
  readonly #feeds = new Set<SplitFeed>()
  /** Those that stay open, and do not count. */
  readonly #kept = new Set<SplitFeed>()

  constructor(limit: number, isBounded: boolean) {
    this.#limit = limit
    this.#isBounded = isBounded
  }

  get isFull(): boolean {
    return this.#feeds.size >= this.#limit
  }

  add(feed: SplitFeed): void {
    if (feed.mustStayOpen) this.#kept.add(feed)
    else this.#feeds.add(feed)
  }

  remove(feed: SplitFeed): void {
    this.#feeds.delete(feed)
    this.#kept.delete(feed)
  }

  *[Symbol.iterator](): Generator<SplitFeed> {
    yield* this.#feeds
    yield* this.#kept
  }

  /**
   * The split to close so that `wanted` can be opened, or one that was never read where that is undefined. A split that
   * is quiet comes first, the longest first; then the one that will be read last. Undefined: none that would not be
   * opened again before `wanted` is read.
   *
   * A reader whose data are on the way is never closed, or two could be opened in turn without ever being read.
   */
  leastWanted(wanted: SplitFeed | undefined): SplitFeed | undefined {
    let quiet: SplitFeed | undefined
    let last: SplitFeed | undefined
    for (const feed of this.#feeds) {
      const { quietSince } = feed
      if (quietSince === undefined) {
        if (!feed.isWaiting && (last === undefined || isBefore(last, feed))) last = feed
      } else if (this.#isBounded) {
        if (last === undefined || isBefore(last, feed)) last = feed
      } else if (quiet === undefined || quietSince < quiet.quietSince!) quiet = feed
    }
    if (quiet !== undefined) return quiet
    if (last === undefined) return undefined
    const isLater = wanted === undefined ? last.rank !== MIN_TIME : isBefore(wanted, last)
    return isLater ? last : undefined
  }
}
