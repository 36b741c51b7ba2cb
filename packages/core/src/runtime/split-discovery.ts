import type { ConnectorContext, Source } from '../connect/source.ts'
import { describeError, MillraceError } from '../kernel/errors.ts'
import { MAX_TIME } from '../kernel/time.ts'
import { BackgroundCheck } from './background-check.ts'

/** How often a source is asked about its splits unless it says otherwise, in milliseconds. */
export const defaultDiscoverEveryMs = 1000

/** What discovery needs to know of the splits. */
export interface SplitDiscoveryOptions {
  readonly source: Source<unknown>
  readonly context: ConnectorContext
  /** Whether a split belongs to this subtask and is neither live nor finished. */
  readonly isNew: (split: string) => boolean
  /** Something has changed that the task should look at. */
  readonly wake: () => void
}

/**
 * Asks a source which splits there are, at the start and again every now and then, and keeps the names of those that
 * were not opened yet. A name is all that such a split costs.
 */
export class SplitDiscovery {
  readonly #options: SplitDiscoveryOptions
  readonly #check: BackgroundCheck
  /** In the order in which they are opened: sorted, and those found later behind those found earlier. */
  readonly #names = new Set<string>()
  /** One iterator for all: a new one would have to pass everything that was taken before. */
  readonly #next: Iterator<string>
  #isComplete = false

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

  /** When to look again, on the monotonic clock; `MAX_TIME` while a search is under way, or none is needed. */
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

  /** Throws what a search in the background has failed with. */
  raise(): void {
    this.#check.raise()
  }

  /** Resolves once no search is under way. */
  idle(): Promise<void> {
    return this.#check.idle()
  }

  async #discover(): Promise<void> {
    const { source, context, isNew } = this.#options
    try {
      const { splits, isComplete } = await source.discover(context)
      const found = splits.filter((split) => !this.#names.has(split) && isNew(split))
      for (const split of found.toSorted()) this.#names.add(split)
      this.#isComplete = isComplete
    } catch (error) {
      const place = `source '${context.name}'`
      throw new MillraceError('SOURCE_FAILED', `${place} cannot list its splits: ${describeError(error)}`, {
        cause: error,
        place,
      })
    }
  }
}
