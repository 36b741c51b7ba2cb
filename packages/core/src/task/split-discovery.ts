import type { Clock } from '@millrace/world'
import type { ConnectorContext, Source } from '../connect/source.ts'
import type { YieldBudget } from '../disk/yield-budget.ts'
import { describeError, MillraceError } from '../errors/errors.ts'
import { MAX_TIME } from '../record/time.ts'
import type { FinishedSplit, FinishedSplits } from './finished-splits.ts'

/** How often a source is asked for its splits by default, in milliseconds. */
export const defaultDiscoverEveryMs = 1000

const unnamedMax = 64

/** The dependencies of discovery. */
export interface SplitDiscoveryOptions {
  readonly source: Source<unknown>
  readonly context: ConnectorContext
  /** Whether a split belongs to this subtask and is live. */
  readonly isLive: (split: string) => boolean
  readonly isMine: (split: string) => boolean
  readonly finished: FinishedSplits
  readonly budget: YieldBudget
  /**
   * Called when discovery returns a split that had ended for an earlier run. `hasMore` is false if its source says so.
   */
  readonly onResume: (split: FinishedSplit, hasMore: boolean) => void
  /** Called when a change may give the task something to do. */
  readonly wake: () => void
}

/**
 * Asks a source which splits there are, at the start and then periodically, and keeps the names of those that
 * were not opened yet. A name is all that such a split costs.
 */
export class SplitDiscovery {
  readonly #options: SplitDiscoveryOptions
  readonly #check: BackgroundCheck
  /** In the order in which they are opened: sorted, and later finds after earlier ones. */
  readonly #names = new Set<string>()
  /** One iterator for all, because a new one would have to skip everything that was taken before. */
  readonly #next: Iterator<string>
  /** Splits that had ended for an earlier run and were not discovered in this life yet. */
  readonly #absent = new Map<string, FinishedSplit>()
  #isComplete = false
  #isFirst = true
  /** The number of ended and no longer discovered splits up to which the source is not asked about them. */
  #unnamedMax = unnamedMax

  constructor(options: SplitDiscoveryOptions) {
    this.#options = options
    this.#next = this.#names.values()
    this.#check = new BackgroundCheck({
      clock: options.context.clock,
      everyMs: options.source.discoverEveryMs ?? defaultDiscoverEveryMs,
      ask: () => this.#discover(),
      wake: options.wake,
    })
  }

  /** Whether there are splits that were found and not taken. */
  get hasUnread(): boolean {
    return this.#names.size > 0
  }

  /** Whether all splits were found that will ever be, and taken. */
  get isExhausted(): boolean {
    return this.#isComplete && !this.hasUnread
  }

  /** The time of the next search, on the monotonic clock; `MAX_TIME` while one is in progress, or none is needed. */
  get nextAt(): number {
    return this.#isComplete ? MAX_TIME : this.#check.nextAt
  }

  /** Takes the next split to open. */
  take(): string {
    const split = this.#next.next().value as string
    this.#names.delete(split)
    return split
  }

  /** Looks for splits now. */
  async run(): Promise<void> {
    await this.#check.run()
    this.#check.raise()
  }

  /** Looks for splits in the background, if it is time. */
  startIfDue(): void {
    if (!this.#isComplete) this.#check.startIfDue()
  }

  /** Throws the error of a failed background search. */
  raise(): void {
    this.#check.raise()
  }

  /** Resolves once no search is in progress. */
  idle(): Promise<void> {
    return this.#check.idle()
  }

  async #discover(): Promise<void> {
    const { source, context } = this.#options
    try {
      const { splits, isComplete } = await source.discover(context)
      await this.#take(splits)
      this.#isComplete = isComplete
    } catch (error) {
      const place = `source '${context.name}'`
      throw new MillraceError('SOURCE_FAILED', `${place} cannot list its splits: ${describeError(error)}`, {
        cause: error,
        place,
      })
    }
  }

  /** Adds the names of all splits. There may be many, most of them known. */
  async #take(splits: readonly string[]): Promise<void> {
    const { isLive, isMine, finished, budget } = this.#options
    const found: string[] = []
    const returned: FinishedSplit[] = []
    let ended = 0
    for (const split of splits) {
      if (budget.spend()) await budget.turn()
      if (isLive(split) || this.#names.has(split)) continue
      if (finished.has(split)) ended++
      else if (isMine(split)) found.push(split)
      const absent = this.#absent.get(split)
      if (absent !== undefined) returned.push(absent)
    }
    for (const split of found.toSorted()) this.#names.add(split)
    await this.#resume(this.#isFirst && finished.size > 0 ? await this.#namedOf(splits) : returned)
    this.#isFirst = false
    if (finished.size - ended > Math.max(ended, this.#unnamedMax)) await this.#forget(splits)
  }

  /**
   * The splits that had ended for an earlier run and are discovered again. The others may return later in this life.
   */
  async #namedOf(splits: readonly string[]): Promise<readonly FinishedSplit[]> {
    const { finished, budget } = this.#options
    const names = new Set(splits)
    const named: FinishedSplit[] = []
    for (const each of finished.all()) {
      if (budget.spend()) await budget.turn()
      if (each.position === undefined) continue
      if (names.has(each.split)) named.push(each)
      else this.#absent.set(each.split, each)
    }
    return named
  }

  /** Handles splits that had ended for an earlier run and are discovered for the first time in this life. */
  async #resume(ended: readonly FinishedSplit[]): Promise<void> {
    if (ended.length === 0) return
    const { source, context, finished, onResume } = this.#options
    for (const { split } of ended) this.#absent.delete(split)
    const changed = await source.changed?.(ended, context)
    const more = changed === undefined ? undefined : new Set(changed)
    const hasMore = ({ split }: FinishedSplit): boolean => more === undefined || more.has(split)
    // A job that waits for more watches all of them; a bounded one skips those without records.
    const resumed = context.isBounded ? ended.filter(hasMore) : ended
    finished.remove(resumed.map(({ split }) => split))
    for (const each of resumed) onResume(each, hasMore(each))
  }

  /** If most ended splits are no longer discovered, asks the source which of them are gone for good. */
  async #forget(named: readonly string[]): Promise<void> {
    const { source, context, finished, budget } = this.#options
    if (source.gone === undefined) return
    const names = new Set(named)
    const unnamed: string[] = []
    for (const { split } of finished.all()) {
      if (budget.spend()) await budget.turn()
      if (!names.has(split)) unnamed.push(split)
    }
    const gone = await source.gone(unnamed, context)
    finished.remove(gone)
    for (const split of gone) this.#absent.delete(split)
    // Those that may come back are not asked about again with every discovery.
    this.#unnamedMax = Math.max(unnamedMax, (unnamed.length - gone.length) * 2)
  }
}

/** The question, and its interval. */
export interface BackgroundCheckOptions {
  readonly clock: Clock
  /** From the end of one check to the start of the next, in milliseconds. */
  readonly everyMs: number
  readonly ask: () => Promise<void>
  /** Called at the end of a check: the task may have something to do. */
  readonly wake: () => void
}

/** Asks the source periodically while a task runs. One question at a time. */
export class BackgroundCheck {
  readonly #options: BackgroundCheckOptions
  #running: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  #nextAt = 0

  constructor(options: BackgroundCheckOptions) {
    this.#options = options
  }

  /** The time of the next check, on the monotonic clock; `MAX_TIME` while one is in progress. */
  get nextAt(): number {
    return this.#running === undefined ? this.#nextAt : MAX_TIME
  }

  /** Delays the next check by a whole period from now. */
  restart(): void {
    this.#nextAt = this.#options.clock.monotonic() + this.#options.everyMs
  }

  /** Asks, if a check is due. */
  startIfDue(): void {
    if (this.#options.clock.monotonic() < this.nextAt) return
    this.#running = this.run().finally(() => {
      this.#running = undefined
      this.#options.wake()
    })
  }

  /** Asks now. A failure shows in `raise`. */
  async run(): Promise<void> {
    try {
      await this.#options.ask()
      this.restart()
    } catch (error) {
      this.#failure = { error }
    }
  }

  /** Throws the error of a failed check. */
  raise(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Resolves once no check is in progress. */
  async idle(): Promise<void> {
    await this.#running
  }
}
