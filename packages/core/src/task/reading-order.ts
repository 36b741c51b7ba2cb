import type { Source } from '../connect/source.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import type { SplitFeed } from './split-feed.ts'
import { BinaryHeap } from '../time/binary-heap.ts'

/** A split whose event time is not known is asked for so few records first. */
const firstTurnRecords = 2

/** The settings of the reading order. */
export interface ReadingOrderOptions {
  /** The watermark of a split alone; undefined where records have no event time. */
  readonly watermarkOf: ((feed: SplitFeed) => EventTime) | undefined
  readonly isBounded: boolean
  /** Whether a split with this watermark may be read now; absent: any. */
  readonly mayRead?: ((watermark: EventTime) => boolean) | undefined
  /** The maximum number of records of a turn. */
  readonly turnRecords: number
}

/**
 * Chooses the split to read next: the one furthest behind in event time, or without event times the next in turn.
 *
 * A turn lasts for some records, over as many polls as that takes, so the order does not depend on how much a poll
 * returns, and a split that has to be opened is opened for more than one poll. A split whose event time is not known has a
 * short turn: all splits are looked at before any of them is read far.
 *
 * A bounded job waits for the split whose turn it is rather than read another, so that it reads in the same order each
 * time. Any other job skips a split without records at the moment; `add` includes it again.
 *
 * With `mayRead` a split that is too far ahead of others waits. It is the furthest behind of its source, so all of them do.
 */
export class ReadingOrder {
  readonly #options: ReadingOrderOptions
  readonly #heap = new BinaryHeap<SplitFeed>(isBefore)
  /** The number of turns so far. */
  #turns = 0
  #current: SplitFeed | undefined
  /** The number of records left in the turn of `#current`. */
  #left = 0

  constructor(options: ReadingOrderOptions) {
    this.#options = options
  }

  /** The split whose turn comes next; undefined if there is none, or the current turn is not over. */
  get upcoming(): SplitFeed | undefined {
    this.#endTurnIfOver()
    return this.#current === undefined ? this.#heap.first : undefined
  }

  /** Whether a turn has begun and is not over. */
  get isInTurn(): boolean {
    this.#endTurnIfOver()
    return this.#current !== undefined
  }

  /** How many records may be taken from the split that `next` has named. */
  get quota(): number {
    return this.#left
  }

  /** Adds `feed`, which has or may have something to read. */
  add(feed: SplitFeed): void {
    if (feed === this.#current) return
    feed.rank = this.#rankOf(feed)
    if (feed.turn === 0) feed.turn = ++this.#turns
    feed.isQueued = true
    this.#heap.add(feed)
  }

  /** The split to poll now; undefined if it has to wait, or to be opened, or there is none. */
  next(): SplitFeed | undefined {
    this.#endTurnIfOver()
    const current = this.#current
    if (current !== undefined) return current.isWaiting ? undefined : current
    const { first } = this.#heap
    if (first === undefined || !first.isOpen || first.isWaiting || this.#isAhead(first)) return undefined
    this.#heap.take()
    first.isQueued = false
    this.#current = first
    this.#left = this.#turnRecordsOf(first)
    return first
  }

  /** Counts records that were taken from the current split. Others of the same rank come before it now. */
  took(records: number): void {
    this.#left -= records
    this.#current!.turn = ++this.#turns
  }

  /** The current split has ended. */
  ended(): void {
    this.#current = undefined
  }

  #endTurnIfOver(): void {
    const current = this.#current
    if (current === undefined) return
    const mustWait = current.isWaiting && !this.#options.isBounded
    if (this.#left > 0 && !mustWait && !this.#isAhead(current)) return
    this.#current = undefined
    if (!mustWait) this.add(current)
  }

  /** Whether a split must wait until others have advanced. */
  #isAhead(feed: SplitFeed): boolean {
    const { mayRead, watermarkOf } = this.#options
    return mayRead !== undefined && watermarkOf !== undefined && !mayRead(watermarkOf(feed))
  }

  /** Splits that were not read yet come first, then splits that were read and have no time yet. */
  #rankOf(feed: SplitFeed): EventTime {
    const watermark = this.#options.watermarkOf?.(feed) ?? MIN_TIME
    return feed.hasRead ? Math.max(watermark, -Number.MAX_VALUE) : watermark
  }

  #turnRecordsOf(feed: SplitFeed): number {
    const { watermarkOf, turnRecords } = this.#options
    if (watermarkOf?.(feed) !== MIN_TIME) return turnRecords
    // A split may have a great many records in front of the first one with a time.
    return Math.min(turnRecords, firstTurnRecords * 2 ** feed.shortTurns++)
  }
}

/** Whether the turn of `a` comes before that of `b`. */
function isBefore(a: SplitFeed, b: SplitFeed): boolean {
  return a.rank === b.rank ? a.turn < b.turn : a.rank < b.rank
}

/** The fetched records of a volatile source are lost when its reader is closed. */
export function maxOpenReaders(source: Source<unknown>, ofJob: number): number {
  return source.durability === 'volatile' ? Number.POSITIVE_INFINITY : (source.maxOpenReaders ?? ofJob)
}

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
   * A reader with a pending fetch is never closed, or two could be opened in turn without ever being read.
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
