import type { SourceEntry, SplitEntry } from '../checkpoint/manifest.ts'
import type { ConnectorContext, Source } from '../connect/source.ts'
import { describeError, MillraceError } from '../kernel/errors.ts'
import { keyGroup, subtaskOfGroup } from '../kernel/key-group.ts'
import { MAX_TIME, MIN_TIME } from '../kernel/time.ts'
import type { SplitWatermarks } from '../time/split-watermarks.ts'
import { SplitFeed } from './split-feed.ts'

/**
 * How many splits of one subtask are read at once; the others wait their turn and hold back the watermark. Splits that
 * have caught up do not count: they may never end, and nothing behind them would ever be opened.
 */
const busySplits = 64
const defaultDiscoverEveryMs = 1000

/** What a set of splits is made for. */
export interface SplitSetOptions {
  readonly source: Source<unknown>
  /** Makes a context with a signal of its own; every split gets one. */
  readonly context: () => ConnectorContext
  readonly subtask: number
  readonly parallelism: number
  readonly keyGroups: number
  readonly watermarks: SplitWatermarks
  readonly hasTimestamps: boolean
  readonly restored: SourceEntry | undefined
  /** Something has changed that the task should look at. */
  readonly wake: () => void
}

/** The splits of one source that belong to one subtask: finds them, opens them, and says which is read next. */
export class SplitSet {
  readonly #options: SplitSetOptions
  readonly #context: ConnectorContext
  readonly #watermarks: SplitWatermarks
  readonly #restored: ReadonlyMap<string, SplitEntry>
  readonly #feeds: SplitFeed[] = []
  #isComplete = false
  /** Whether splits were found that nobody has tried to open yet. */
  #hasFound = false
  #discovering: Promise<void> | undefined
  #discoverFailure: MillraceError | undefined
  #nextDiscovery = 0
  #turn = 0

  constructor(options: SplitSetOptions) {
    this.#options = options
    this.#context = options.context()
    this.#watermarks = options.watermarks
    this.#restored = new Map(options.restored?.splits.map((entry) => [entry.split, entry]))
  }

  /** Finds the splits that exist now and opens as many as may be open. */
  async open(): Promise<void> {
    await this.#discover()
    this.raise()
    this.#watermarks.unread(false)
    await this.openMore()
  }

  /** Throws what a discovery in the background has failed with. */
  raise(): void {
    if (this.#discoverFailure !== undefined) throw this.#discoverFailure
  }

  /** Whether every split has been read to its end and no other will come. */
  get isExhausted(): boolean {
    return this.#isComplete && this.#feeds.every((feed) => feed.isEnded)
  }

  /** The split to read next: the one furthest behind in event time. Undefined: nothing is here now. */
  choose(): SplitFeed | undefined {
    const { isBounded } = this.#context
    let best: SplitFeed | undefined
    let bestWatermark = MAX_TIME
    const count = this.#feeds.length
    for (let i = 0; i < count; i++) {
      // Without timestamps all splits are equally far, and taking turns is fair.
      const feed = this.#feeds[this.#options.hasTimestamps ? i : (this.#turn + i) % count]!
      if (feed.isEnded || !feed.isOpen || (feed.isWaiting && !isBounded)) continue
      const watermark = this.#watermarks.of(feed.time)
      if (best === undefined || watermark < bestWatermark) {
        best = feed
        bestWatermark = watermark
      }
    }
    this.#turn++
    // A bounded job waits for that split rather than read another, so the order of reading is the same each time.
    return best?.isWaiting ? undefined : best
  }

  /** `feed` has ended: the watermark no longer waits for it, and another may be opened in its place. */
  async end(feed: SplitFeed): Promise<void> {
    this.#watermarks.finish(feed.time)
    await this.openMore()
  }

  async openMore(): Promise<void> {
    const isBusy = (feed: SplitFeed): boolean => feed.isOpen && !feed.isEnded && feed.quietSince === undefined
    let busy = this.#feeds.filter(isBusy).length
    for (const feed of this.#feeds) {
      if (busy >= busySplits) return
      if (feed.isOpen || feed.isEnded) continue
      await feed.open(this.#options.source, this.#options.context())
      busy++
    }
  }

  /** Where every split stands, for a checkpoint. */
  entries(): readonly SplitEntry[] {
    return this.#feeds.map((feed) => {
      const { newest } = feed.time
      return {
        split: feed.split,
        position: feed.position(),
        newest: newest === MIN_TIME ? null : newest,
        isFinished: feed.isEnded,
      }
    })
  }

  /** The checkpoint that holds `entries` is durable. */
  async acknowledge(entries: readonly SplitEntry[]): Promise<void> {
    for (const { split, position } of entries) {
      if (position === undefined) continue
      await this.#feeds.find((feed) => feed.split === split)?.acknowledge(position)
    }
  }

  /** Marks splits idle that have been caught up and quiet for `idleAfterMs`. */
  noticeQuiet(idleAfterMs: number): void {
    const now = this.#context.clock.monotonic()
    for (const feed of this.#feeds) {
      if (feed.quietSince !== undefined && now - feed.quietSince >= idleAfterMs)
        this.#watermarks.idle(feed.time)
    }
  }

  /** Looks for new splits in the background, if it is time. Resolves once those that were found before are open. */
  rediscover(): Promise<void> | undefined {
    this.#discoverIfDue()
    if (!this.#hasFound) return undefined
    this.#hasFound = false
    return this.openMore()
  }

  #discoverIfDue(): void {
    if (this.#isComplete || this.#context.clock.monotonic() < this.#nextDiscovery) return
    this.#discovering ??= this.#discover().finally(() => {
      this.#discovering = undefined
      this.#options.wake()
    })
  }

  /** When there will be something to do without anybody waking the task, on the monotonic clock. */
  nextDeadline(idleAfterMs: number | undefined): number {
    let next = this.#isComplete || this.#discovering !== undefined ? MAX_TIME : this.#nextDiscovery
    if (idleAfterMs === undefined) return next
    for (const feed of this.#feeds) {
      if (feed.quietSince === undefined || feed.isEnded || !this.#watermarks.isActive(feed.time)) continue
      next = Math.min(next, feed.quietSince + idleAfterMs)
    }
    return next
  }

  async close(): Promise<void> {
    await this.#discovering
    for (const feed of this.#feeds) await feed.close()
  }

  async #discover(): Promise<void> {
    const { source } = this.#options
    try {
      const { splits, isComplete } = await source.discover(this.#context)
      const known = new Set(this.#feeds.map((feed) => feed.split))
      // A split of the checkpoint that is no longer found is opened all the same: only its source knows what that means.
      const names = known.size === 0 ? [...new Set([...this.#restored.keys(), ...splits])] : splits
      for (const split of names.toSorted()) {
        if (!known.has(split) && this.#isMine(split)) this.#add(split)
      }
      this.#isComplete = isComplete
      this.#nextDiscovery =
        this.#context.clock.monotonic() + (source.discoverEveryMs ?? defaultDiscoverEveryMs)
    } catch (error) {
      const place = `source '${this.#context.name}'`
      this.#discoverFailure = new MillraceError(
        'SOURCE_FAILED',
        `${place} cannot list its splits: ${describeError(error)}`,
        { cause: error, place },
      )
    }
  }

  #add(split: string): void {
    const restored = this.#restored.get(split)
    const newest = restored?.newest ?? MIN_TIME
    const time =
      restored?.isFinished === true ? this.#watermarks.addFinished(newest) : this.#watermarks.add(newest)
    this.#feeds.push(new SplitFeed(split, time, restored, this.#options.wake))
    this.#hasFound = true
  }

  #isMine(split: string): boolean {
    const { keyGroups, parallelism, subtask } = this.#options
    return subtaskOfGroup(keyGroup(split, keyGroups), parallelism, keyGroups) === subtask
  }
}
