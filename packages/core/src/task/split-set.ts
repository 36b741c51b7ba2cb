import type { SourceEntry, SplitEntry } from '../checkpoint/manifest.ts'
import type { ConnectorContext, Poll, Source } from '../connect/source.ts'
import type { Json } from '../codec/json.ts'
import { subtaskOfSplit } from '../record/key-group.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import type { SplitTime, SplitWatermarks } from '../time/split-watermarks.ts'
import type { SplitSample } from '../observe/samples.ts'
import type { SavedGenerator } from '../time/watermark-generator.ts'
import type { YieldBudget } from '../disk/yield-budget.ts'
import { type FinishedSplit, type FinishedSplits, SplitsBehind } from './finished-splits.ts'
import { OpenSplits, ReadingOrder } from './reading-order.ts'
import { QuietSplits, RestingSplits } from './quiet-splits.ts'
import { SplitDiscovery } from './split-discovery.ts'
import { SplitFeed, type ReaderContext } from './split-feed.ts'

/** The options of a set of splits. */
export interface SplitSetOptions {
  readonly source: Source<unknown>
  readonly context: ConnectorContext
  /** Makes a context for one reader. */
  readonly readerContext: () => ReaderContext
  readonly subtask: number
  readonly parallelism: number
  readonly keyGroups: number
  readonly watermarks: SplitWatermarks
  readonly hasTimestamps: boolean
  /** Whether a split with this watermark may be read now; absent: any. */
  readonly mayRead?: ((watermark: EventTime) => boolean) | undefined
  /** The number of records read from one split before the next. */
  readonly turnRecords: number
  /** The maximum number of open readers over all subtasks. */
  readonly maxOpenReaders: number
  /** How long a split must have been quiet to be idle; undefined: none is. */
  readonly idleAfterMs: number | undefined
  readonly restored: SourceEntry | undefined
  /** The watermark of the source at the end of the last run; `MIN_TIME` if the job does not start from such an end. */
  readonly endedAt: EventTime
  readonly finished: FinishedSplits
  readonly budget: YieldBudget
  /** Called when a change may give the task something to do. */
  readonly wake: () => void
}

/** The result of one poll. */
export interface SplitPoll {
  readonly feed: SplitFeed
  readonly poll: Poll<unknown>
}

/** The position of a split at a barrier. */
export interface SplitPosition {
  readonly feed: SplitFeed
  readonly position: Json
  /** Whether it had ended before the barrier. */
  readonly isLast: boolean
}

/**
 * The splits of one source that belong to one subtask: finds them, opens and closes them, and polls the one whose turn
 * it is.
 *
 * A split is unread (a name), live (a feed, with an open reader or without) or finished. What a poll costs does not
 * depend on how many there are.
 */
export class SplitSet {
  readonly #options: SplitSetOptions
  readonly #watermarks: SplitWatermarks
  readonly #discovery: SplitDiscovery
  readonly #order: ReadingOrder
  readonly #open: OpenSplits
  readonly #quiet: QuietSplits
  readonly #resting: RestingSplits
  readonly #live = new Map<string, SplitFeed>()
  readonly #behind: SplitsBehind
  /** Closed splits of a job that opens splits only while there is room, in order. */
  readonly #closed: SplitFeed[] = []
  /**
   * Splits that have ended for this run without a record, in a job that starts from the end of a run. They count until another one has
   * records: a run that finds nothing new raises no watermark, whatever the order in which its splits end.
   */
  #unchanged: SplitTime[] = []
  /** The bytes that splits had read that have ended since; undefined if none has counted them. */
  #endedBytes: number | undefined
  /** Splits that have ended whose readers wait until their last position is durable. */
  readonly #leaving = new Set<SplitFeed>()

  constructor(options: SplitSetOptions) {
    const { source, context, watermarks, finished, budget, wake } = options
    const { hasTimestamps, turnRecords, maxOpenReaders } = options
    const { isBounded } = context
    this.#options = options
    this.#watermarks = watermarks
    this.#discovery = new SplitDiscovery({
      source,
      context,
      isLive: (split) => this.#live.has(split),
      isMine: (split) => this.#isMine(split),
      finished,
      budget,
      onResume: (split, hasMore) => this.#resume(split, hasMore),
      wake,
    })
    this.#order = new ReadingOrder({
      watermarkOf: hasTimestamps ? (feed) => watermarks.of(feed.time) : undefined,
      isBounded,
      mayRead: options.mayRead,
      turnRecords,
    })
    this.#open = new OpenSplits(Math.max(1, Math.floor(maxOpenReaders / options.parallelism)), isBounded)
    this.#quiet = new QuietSplits(options.idleAfterMs)
    this.#behind = new SplitsBehind(options.endedAt)
    this.#resting = new RestingSplits({ source, context, onChange: (feed) => this.#order.add(feed), wake })
    watermarks.addFinished(finished.newest)
    this.#restore(options.restored?.splits ?? [])
  }

  /** Finds the splits that exist now and opens as many as may be open. */
  async open(): Promise<void> {
    await this.#discovery.run()
    this.raise()
    const warning = this.#behind.warning()
    if (warning !== undefined) this.#options.context.warn(warning)
    // A source that had ended ends again, and raises no watermark then either.
    if (!this.isExhausted) this.#noticeUnread()
    while (!this.#open.isFull && (await this.openNext()));
  }

  /** Throws the error of a failed background check of the source. */
  raise(): void {
    this.#discovery.raise()
    this.#resting.raise()
  }

  /** Whether every split has been read to its end and no other will come. */
  get isExhausted(): boolean {
    return this.#live.size === 0 && this.#discovery.isExhausted
  }

  /**
   * Opens a split, if one is to be opened before anything else is read, and closes another where there is no room. False
   * if none is.
   */
  async openNext(): Promise<boolean> {
    const feed = this.#toOpen()
    if (feed === undefined) return false
    if (this.#open.isFull) await this.#closeLeastWanted(feed)
    await feed.open(this.#options.readerContext())
    this.#open.add(feed)
    return true
  }

  /** Polls the split whose turn it is, for `limit` records at most. Undefined if nothing is available now. */
  poll(limit: number): SplitPoll | undefined {
    const feed = this.#order.next()
    if (feed === undefined) return undefined
    const poll = feed.poll(Math.min(limit, this.#order.quota))
    if (poll.kind === 'records') {
      this.#order.took(poll.values.length + (poll.failures?.length ?? 0))
      this.#finishUnchanged()
    } else if (poll.kind === 'pending') this.#quiet.watch(feed)
    return { feed, poll }
  }

  /**
   * Removes `feed`, which has ended for good or for this run, from the watermark and from the open splits. The end of
   * the last one is the end of the source and raises no watermark: splits that a later run reads further count from
   * where they are.
   */
  async end(feed: SplitFeed, isFinal: boolean): Promise<void> {
    this.#order.ended()
    this.#open.remove(feed)
    this.#live.delete(feed.split)
    this.#endedBytes = sumOfKnown(this.#endedBytes, feed.bytes)
    const isUnchanged = !isFinal && this.#options.endedAt !== MIN_TIME && !feed.hasRead
    if (isUnchanged) this.#unchanged.push(feed.time)
    else if (!this.isExhausted) this.#watermarks.finish(feed.time)
    const position = isFinal ? undefined : feed.position()
    const { newest, generator } = feed.time
    this.#options.finished.add({ split: feed.split, newest, position, generator: generator?.saved() })
    if (feed.acknowledges) this.#leaving.add(feed)
    else await feed.close()
  }

  #finishUnchanged(): void {
    for (const time of this.#unchanged) this.#watermarks.finish(time)
    if (this.#unchanged.length > 0) this.#unchanged = []
  }

  /** The positions of all live splits, for a checkpoint. Finished splits are state. */
  entries(): readonly SplitEntry[] {
    return Array.from(this.#live.values(), (feed) => feed.entry())
  }

  /** The split that the watermark waits for; undefined if there is none, or only splits that were not opened yet. */
  get holder(): SplitFeed | undefined {
    const { holder } = this.#watermarks
    return holder && this.#live.get(holder.split)
  }

  /** Figures of the live splits. */
  samples(isPaused: boolean): readonly SplitSample[] {
    const { context, subtask } = this.#options
    const { holder } = this
    return Array.from(this.#live.values(), (feed) => ({
      source: context.name,
      subtask,
      split: feed.split,
      label: feed.label,
      ...feed.figures,
      watermark: this.#watermarks.of(feed.time),
      newest: feed.time.newest,
      state: isPaused ? 'paused' : this.#stateOf(feed),
      holdsTime: feed === holder,
    }))
  }

  /** The bytes that all its splits have read, also those that have ended; undefined if no reader counts them. */
  get bytes(): number | undefined {
    let sum = this.#endedBytes
    for (const feed of this.#live.values()) sum = sumOfKnown(sum, feed.bytes)
    return sum
  }

  #stateOf(feed: SplitFeed): SplitSample['state'] {
    if (this.#watermarks.isIdleSplit(feed.time)) return 'idle'
    if (!feed.isOpen) return 'closed'
    return feed.quietSince === undefined ? 'reading' : 'quiet'
  }

  /** How many splits have ended. */
  get finished(): number {
    return this.#options.finished.size
  }

  /** The positions of splits whose readers are notified once these are durable. */
  toAcknowledge(): readonly SplitPosition[] {
    const positions: SplitPosition[] = []
    for (const feeds of [this.#open, this.#leaving]) {
      for (const feed of feeds) {
        const position = feed.acknowledges ? feed.position() : undefined
        if (position !== undefined) positions.push({ feed, position, isLast: feeds === this.#leaving })
      }
    }
    return positions
  }

  /** The checkpoint that holds `positions` is durable. */
  async acknowledge(positions: readonly SplitPosition[]): Promise<void> {
    for (const { feed, position, isLast } of positions) {
      await feed.acknowledge(position)
      if (isLast && this.#leaving.delete(feed)) await feed.close()
    }
  }

  /** Marks splits idle that have been caught up and quiet for long enough. */
  noticeQuiet(): void {
    const now = this.#options.context.clock.monotonic()
    for (let feed = this.#quiet.take(now); feed !== undefined; feed = this.#quiet.take(now)) {
      // One that waits for its turn may have records.
      if (this.#live.has(feed.split) && !feed.isQueued) this.#watermarks.idle(feed.time)
    }
  }

  /** Asks the source in the background, if it is time, which splits there are and which closed ones have more. */
  rediscover(): void {
    this.#discovery.startIfDue()
    this.#resting.startIfDue()
    this.#noticeUnread()
  }

  /** The time of the next work that no reader announces, on the monotonic clock. */
  get nextDeadline(): number {
    return Math.min(this.#discovery.nextAt, this.#resting.nextAt, this.#quiet.nextAt)
  }

  async close(): Promise<void> {
    await this.#discovery.idle()
    await this.#resting.idle()
    for (const feeds of [this.#open, this.#leaving]) {
      for (const feed of feeds) await feed.close()
    }
  }

  /** Whether splits are opened only while there is room: true if all of them end and none is ahead of another. */
  get #waitsForRoom(): boolean {
    return this.#options.context.isBounded && !this.#options.hasTimestamps
  }

  /** The split to open now. */
  #toOpen(): SplitFeed | undefined {
    const { upcoming } = this.#order
    if (!this.#open.isFull) {
      if (upcoming?.isOpen === false) return upcoming
      return this.#takeClosed() ?? (this.#discovery.hasUnread ? this.#takeUnread() : undefined)
    }
    if (this.#waitsForRoom || this.#order.isInTurn) return undefined
    const { hasUnread } = this.#discovery
    if (hasUnread && this.#open.leastWanted(undefined) !== undefined) return this.#takeUnread()
    const isWanted = upcoming?.isOpen === false && this.#open.leastWanted(upcoming) !== undefined
    return isWanted ? upcoming : undefined
  }

  async #closeLeastWanted(wanted: SplitFeed): Promise<void> {
    const feed = this.#open.leastWanted(wanted)!
    this.#open.remove(feed)
    const isResting = feed.isWaiting && !this.#options.context.isBounded
    await feed.close()
    if (isResting) this.#resting.add(feed)
  }

  #takeClosed(): SplitFeed | undefined {
    const feed = this.#closed.shift()
    if (feed !== undefined) this.#order.add(feed)
    return feed
  }

  #takeUnread(): SplitFeed {
    const feed = this.#add(this.#discovery.take(), undefined, MIN_TIME)
    this.#order.add(feed)
    this.#noticeUnread()
    return feed
  }

  #noticeUnread(): void {
    this.#watermarks.unread(this.#discovery.hasUnread)
  }

  #restore(entries: readonly SplitEntry[]): void {
    for (const entry of entries.toSorted((a, b) => (a.split < b.split ? -1 : 1))) {
      if (!this.#isMine(entry.split)) continue
      const { split, position, newest, generator } = entry
      // One that is no longer found is opened all the same: only its source knows what that means.
      this.#await(this.#add(split, position, newest ?? MIN_TIME, generator))
    }
  }

  /** Resumes a split that had ended for an earlier run, or watches it if it has not grown since. */
  #resume({ split, position, newest, generator }: FinishedSplit, hasMore: boolean): void {
    const feed = this.#add(split, position, newest, generator)
    if (hasMore) {
      this.#behind.note(feed.label, newest)
      this.#await(feed)
    } else {
      feed.quietSince = this.#options.context.clock.monotonic()
      this.#quiet.watch(feed)
      this.#resting.add(feed)
    }
  }

  /** Opens a closed split in its turn, or when there is room. */
  #await(feed: SplitFeed): void {
    if (this.#waitsForRoom) this.#closed.push(feed)
    else this.#order.add(feed)
  }

  #add(split: string, position: Json | undefined, newest: number, saved?: SavedGenerator): SplitFeed {
    const feed = new SplitFeed(
      split,
      this.#watermarks.add(split, newest, saved),
      position,
      this.#options.source,
      (ready) => this.#ready(ready),
    )
    this.#live.set(split, feed)
    return feed
  }

  /** Handles a call of the reader of `feed`. */
  #ready(feed: SplitFeed): void {
    // A bounded job has waited for it and not left it out.
    if (!this.#options.context.isBounded) this.#order.add(feed)
    this.#options.wake()
  }

  #isMine(split: string): boolean {
    const { keyGroups, parallelism, subtask } = this.#options
    return subtaskOfSplit(split, parallelism, keyGroups) === subtask
  }
}

function sumOfKnown(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : one + other
}
