import type { World } from '../cluster.ts'
import { pause } from '../patience.ts'
import { splitOf } from '../record.ts'
import type { Brokers } from './brokers.ts'
import { answeredFailure, codes } from './codes.ts'
import type { PartitionFeed } from './partition-feed.ts'
import { fetchRequest, type FetchedPartition, type Isolation } from './request.ts'

/** How long a broker waits for records if there are none. */
const longestWaitMs = 100
const shortestWaitMs = 2
/** How much one answer may have, and how much of one partition: a batch that is larger comes alone. */
const answerBytes = 8 * 2 ** 20
const partitionBytes = 2 ** 20

export interface LoopParts {
  readonly brokers: Brokers
  readonly isolation: Isolation
  readonly clock: World['clock']
  /** Aborted when nothing is to be read any longer. */
  readonly signal: AbortSignal
  readonly stray: (feed: PartitionFeed, error: unknown) => void
  /** Called after each answer. */
  readonly served: () => void
}

/** Fetches the partitions that one broker leads. */
export class BrokerLoop {
  readonly #node: number
  readonly #parts: LoopParts
  /** In the order in which they are asked for: those that got something come last, so that each gets its turn. */
  readonly #feeds = new Set<PartitionFeed>()
  #isRunning = false
  /** How many answers in succession had nothing, while a partition was paused. */
  #emptyRounds = 0
  #wake: (() => void) | undefined

  constructor(node: number, parts: LoopParts) {
    this.#node = node
    this.#parts = parts
  }

  add(feed: PartitionFeed): void {
    this.#feeds.add(feed)
    this.wake()
    if (!this.#isRunning) void this.#run()
  }

  /** Forgets closed partitions, and asks for those that want more. */
  wake(): void {
    for (const feed of this.#feeds) if (feed.isClosed) this.#feeds.delete(feed)
    this.#emptyRounds = 0
    this.#wake?.()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#feeds.size > 0) {
      const wanted = [...this.#feeds].filter((feed) => feed.isHungry)
      if (wanted.length === 0) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = undefined
        continue
      }
      try {
        await this.#fetch(wanted)
      } catch (error) {
        for (const feed of this.#feeds) this.#leave(feed, error)
      }
    }
    this.#isRunning = false
  }

  async #fetch(wanted: readonly PartitionFeed[]): Promise<void> {
    const broker = this.#parts.brokers.broker(this.#node)
    if (broker === undefined) throw answeredFailure(codes.noLeader, `node ${this.#node}`)!
    // A paused partition may want more at any moment, and must not wait for long.
    const waitMs =
      wanted.length === this.#feeds.size
        ? longestWaitMs
        : Math.min(longestWaitMs, shortestWaitMs * 2 ** this.#emptyRounds)
    const request = fetchRequest(
      wanted.map(({ of, next }) => ({ ...of, offset: next })),
      { isolation: this.#parts.isolation, waitMs, maxBytes: answerBytes, maxPartitionBytes: partitionBytes },
    )
    const { clock, signal } = this.#parts
    const askedAt = clock.monotonic()
    const { error, partitions } = await this.#parts.brokers.askAt(broker, request, 'records', waitMs)
    const failure = answeredFailure(error, `node ${this.#node}`)
    if (failure !== undefined) throw failure
    const bySplit = new Map(wanted.map((feed) => [splitOf(feed.of), feed]))
    let isEmpty = true
    for (const part of partitions) {
      const feed = bySplit.get(splitOf(part))
      if (feed === undefined) continue
      if (part.batches.length > 0 || part.error !== 0) isEmpty = false
      this.#take(feed, part)
    }
    this.#parts.served()
    this.#emptyRounds = isEmpty ? Math.min(this.#emptyRounds + 1, 10) : 0
    // A broker that does not wait although it has nothing must not keep this process busy.
    const waitedMs = clock.monotonic() - askedAt
    if (isEmpty && waitedMs < waitMs / 2) await pause(clock, signal, waitMs)
  }

  #take(feed: PartitionFeed, part: FetchedPartition): void {
    const failure = answeredFailure(part.error, splitOf(feed.of))
    if (failure !== undefined) {
      this.#leave(feed, failure)
      return
    }
    if (part.batches.length > 0) {
      this.#feeds.delete(feed)
      this.#feeds.add(feed)
    }
    feed.take(part)
    if (feed.isClosed) this.#feeds.delete(feed)
  }

  #leave(feed: PartitionFeed, error: unknown): void {
    this.#feeds.delete(feed)
    this.#parts.stray(feed, error)
  }
}
