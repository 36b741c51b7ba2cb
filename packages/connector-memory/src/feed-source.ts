import { MillraceError } from '@millrace/core'
import type { ConnectorContext, Discovery, Poll, Source, SplitReader } from '@millrace/core/connector'
import type { Feed } from './feed.ts'

/** Where a feed was read up to. It means something only to the process that has the feed. */
export interface FeedPosition {
  readonly [name: string]: string | number
  readonly feed: string
  readonly next: number
}

/** Fills a feed while jobs read it. */
export interface Pump {
  /** Called when a job opens the source for the first time. */
  start(): void
  /** Called when that job has ended. */
  stop(): void
}

const split = 'memory'

/**
 * Reads a feed. There is one split.
 *
 * Values that were read are kept until a checkpoint covers them, so a job that restarts in its process reads them again.
 * A new process has a new feed: positions of an earlier one are ignored.
 */
export class FeedSource<T> implements Source<T, FeedPosition> {
  readonly kind = 'memory'
  readonly durability = 'volatile'
  readonly needsMainThread = true
  protected readonly feed: Feed<T>
  readonly #pump: Pump | undefined
  #id: string | undefined
  #directory: string | undefined
  #reader: FeedReader<T> | undefined
  #isPumping = false

  constructor(feed: Feed<T>, pump?: Pump) {
    this.feed = feed
    this.#pump = pump
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ splits: [split], isComplete: true })
  }

  async open(
    _split: string,
    from: FeedPosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, FeedPosition>> {
    if (this.#reader !== undefined) {
      const message = 'another job reads this input; give each job an input of its own'
      throw new MillraceError('OPTION_INVALID', message, { isFinal: true })
    }
    this.feed.reopen()
    this.#id ??= `${context.random.int(2 ** 48).toString(36)}`
    // A job with another data directory continues with what no job has read.
    if (this.#directory === context.directory) this.feed.rewind(from?.feed === this.#id ? from.next : 0)
    this.#directory = context.directory
    if (!this.#isPumping) this.#pump?.start()
    this.#isPumping = true
    this.#reader = new FeedReader(this.feed, this.#id, context, () => (this.#reader = undefined))
    return this.#reader
  }

  ended(error?: unknown): void {
    if (this.#isPumping) this.#pump?.stop()
    this.#isPumping = false
    this.feed.close(error)
  }
}

class FeedReader<T> implements SplitReader<T, FeedPosition> {
  readonly mustStayOpen = true
  readonly #feed: Feed<T>
  readonly #id: string
  readonly #context: ConnectorContext
  readonly #left: () => void
  #isHeld = false

  constructor(feed: Feed<T>, id: string, context: ConnectorContext, left: () => void) {
    this.#feed = feed
    this.#id = id
    this.#context = context
    this.#left = left
  }

  poll(limit: number): Poll<T> {
    const first = this.#feed.next
    const values = this.#take(limit)
    if (values.length > 0) {
      const origin = {
        source: this.#context.name,
        split,
        place: (index: number) => `value ${first + index}`,
        raw: () => undefined,
      }
      return { kind: 'records', values, origin }
    }
    if (this.#feed.isHeld) return this.#wait()
    return this.#feed.isOver ? { kind: 'end' } : { kind: 'pending', isCaughtUp: true }
  }

  ready(): Promise<void> {
    return this.#feed.ready()
  }

  position(): FeedPosition {
    return { feed: this.#id, next: this.#feed.next }
  }

  acknowledge({ feed, next }: FeedPosition): Promise<void> {
    if (feed === this.#id) this.#feed.release(next)
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.#left()
    this.#feed.wakeReaders()
    return Promise.resolve()
  }

  #take(limit: number): T[] {
    try {
      return this.#feed.take(limit)
    } catch (cause) {
      const message = `the input failed after value ${this.#feed.next - 1}`
      throw new MillraceError('SOURCE_FAILED', message, { cause })
    }
  }

  #wait(): Poll<T> {
    if (!this.#isHeld) {
      this.#context.warn(
        `source ${this.#context.name} waits for a checkpoint: as many values as it keeps were read since the last one; raise \`keep\`, or make checkpoints more often`,
      )
    }
    this.#isHeld = true
    return { kind: 'pending', isCaughtUp: false }
  }
}
