import type { ConnectorContext, Source } from '../connect/source.ts'
import { describeError, MillraceError } from '../errors/errors.ts'
import { MAX_TIME } from '../record/time.ts'
import { BackgroundCheck, defaultDiscoverEveryMs } from './split-discovery.ts'
import type { SplitFeed } from './split-feed.ts'
import { BinaryHeap } from '../time/binary-heap.ts'

/** A split that was quiet, and since when; it may have had records later. */
interface Watched {
  readonly feed: SplitFeed
  readonly since: number
}

/** Finds the splits that have been caught up and quiet for some time, without looking at the others. */
export class QuietSplits {
  readonly #afterMs: number
  readonly #heap = new BinaryHeap<Watched>((a, b) => a.since < b.since)
  /** Every split is in the heap once at most. */
  readonly #watched = new Set<SplitFeed>()

  /** `afterMs` is how long a split must have been quiet; undefined: none is ever found. */
  constructor(afterMs: number | undefined) {
    this.#afterMs = afterMs ?? MAX_TIME
  }

  /** When the next one may be found, on the monotonic clock. Never too late, perhaps too early. */
  get nextAt(): number {
    return (this.#heap.first?.since ?? MAX_TIME) + this.#afterMs
  }

  /** Adds `feed`, which is quiet. */
  watch(feed: SplitFeed): void {
    const since = feed.quietSince
    if (since === undefined || this.#afterMs === MAX_TIME || this.#watched.has(feed)) return
    this.#watched.add(feed)
    this.#heap.add({ feed, since })
  }

  /** Removes and returns the next split that has been quiet for long enough at `now`; undefined if there is none. */
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

/** The source of resting splits, and the receiver of its answers. */
export interface RestingSplitsOptions {
  readonly source: Source<unknown>
  readonly context: ConnectorContext
  /** Called when a split may have something to read. */
  readonly onChange: (feed: SplitFeed) => void
  readonly wake: () => void
}

/**
 * Live splits that were closed while they were quiet, so that others could be open: periodically asks the source which
 * of them have more. If it cannot tell, all of them are assumed to have more and are opened in turn.
 */
export class RestingSplits {
  readonly #options: RestingSplitsOptions
  readonly #feeds = new Map<string, SplitFeed>()
  readonly #check: BackgroundCheck

  constructor(options: RestingSplitsOptions) {
    this.#options = options
    this.#check = new BackgroundCheck({
      clock: options.context.clock,
      everyMs: options.source.discoverEveryMs ?? defaultDiscoverEveryMs,
      ask: () => this.#ask(),
      wake: options.wake,
    })
  }

  /** The time of the next check, on the monotonic clock. */
  get nextAt(): number {
    return this.#feeds.size === 0 ? MAX_TIME : this.#check.nextAt
  }

  /** Adds `feed`, which was closed while it was quiet. */
  add(feed: SplitFeed): void {
    if (this.#feeds.size === 0) this.#check.restart()
    this.#feeds.set(feed.split, feed)
  }

  /** Asks in the background, if it is time. */
  startIfDue(): void {
    if (this.#feeds.size > 0) this.#check.startIfDue()
  }

  /** Throws the error of a failed background check. */
  raise(): void {
    this.#check.raise()
  }

  /** Resolves once no check is running. */
  idle(): Promise<void> {
    return this.#check.idle()
  }

  async #ask(): Promise<void> {
    for (const split of await this.#changed()) {
      const feed = this.#feeds.get(split)
      if (feed === undefined) continue
      this.#feeds.delete(split)
      this.#options.onChange(feed)
    }
  }

  async #changed(): Promise<Iterable<string>> {
    const { source, context } = this.#options
    if (source.changed === undefined) return [...this.#feeds.keys()]
    try {
      const resting = Array.from(this.#feeds, ([split, feed]) => ({ split, position: feed.position() }))
      return await source.changed(resting, context)
    } catch (error) {
      const place = `source '${context.name}'`
      throw new MillraceError(
        'SOURCE_FAILED',
        `${place} cannot say which of its splits have more: ${describeError(error)}`,
        { cause: error, place },
      )
    }
  }
}
