import { KafkaFailure, type World } from '../cluster.ts'
import { Outage, pause } from '../patience.ts'
import { BrokerLoop } from './broker-loop.ts'
import type { Brokers } from './brokers.ts'
import { answeredFailure, codes } from './codes.ts'
import type { PartitionFeed } from './partition-feed.ts'
import type { Isolation, TopicMetadata } from './request.ts'

/** The first failure is answered at once, later ones after growing pauses. */
const firstPauseMs = 50
const longestPauseMs = 2_000
/** So long a partition may be unknown to all brokers before it is taken for deleted. */
const unknownMs = 10_000

/** After these a partition delivers nothing more, whichever broker is asked. */
const stopping: ReadonlySet<number> = new Set<number>([codes.offsetOutOfRange, codes.corrupt])

/**
 * Reads partitions from the brokers that lead them. A partition that its broker no longer serves, because of a new leader, a
 * lost connection or a restart, is a stray until its leader was found again.
 */
export class Fetching {
  readonly #brokers: Brokers
  readonly #isolation: Isolation
  readonly #world: World
  readonly #outage: Outage
  readonly #loops = new Map<number, BrokerLoop>()
  readonly #feeds = new Set<PartitionFeed>()
  readonly #strays = new Set<PartitionFeed>()
  readonly #closing = new AbortController()
  #isPlacing = false

  constructor(brokers: Brokers, isolation: Isolation, world: World, outage: Outage) {
    this.#brokers = brokers
    this.#isolation = isolation
    this.#world = world
    this.#outage = outage
    world.signal.addEventListener('abort', this.#end, { once: true })
  }

  /** Begins to read a partition. */
  add(feed: PartitionFeed): void {
    this.#feeds.add(feed)
    this.#strays.add(feed)
    this.#startPlacing()
  }

  /** To be called when a partition wants more, or nothing more. */
  changed(feed: PartitionFeed): void {
    if (feed.isClosed) {
      this.#feeds.delete(feed)
      this.#strays.delete(feed)
    }
    for (const loop of this.#loops.values()) loop.wake()
  }

  close(): void {
    this.#world.signal.removeEventListener('abort', this.#end)
    this.#end()
  }

  readonly #end = (): void => {
    this.#closing.abort()
    for (const feed of this.#feeds) feed.close()
  }

  readonly #stray = (feed: PartitionFeed, error: unknown): void => {
    if (feed.isClosed) return
    if (!(error instanceof KafkaFailure) || error.isFinal || stopping.has(error.code)) {
      feed.fail(error)
      return
    }
    feed.failures++
    const isFirst = feed.failures === 1
    const pauseMs = isFirst ? 0 : Math.min(firstPauseMs * 2 ** (feed.failures - 2), longestPauseMs)
    feed.dueAt = this.#world.clock.monotonic() + pauseMs
    if (!isFirst) this.#outage.began(error)
    this.#strays.add(feed)
    this.#startPlacing()
  }

  #startPlacing(): void {
    if (this.#isPlacing) return
    this.#isPlacing = true
    void this.#place().finally(() => {
      this.#isPlacing = false
      if (this.#strays.size > 0 && !this.#closing.signal.aborted) this.#startPlacing()
    })
  }

  async #place(): Promise<void> {
    const { clock } = this.#world
    while (this.#strays.size > 0 && !this.#closing.signal.aborted) {
      const due = [...this.#strays].filter(({ dueAt }) => dueAt <= clock.monotonic())
      if (due.length > 0) await this.#placeDue(due)
      // One that comes meanwhile waits for a pause at most.
      else await pause(clock, this.#closing.signal, firstPauseMs)
    }
  }

  async #placeDue(due: readonly PartitionFeed[]): Promise<void> {
    try {
      const { topics } = await this.#brokers.metadata([...new Set(due.map(({ of }) => of.topic))])
      const byName = new Map(topics.map((topic) => [topic.name, topic]))
      for (const feed of due) {
        if (feed.isClosed || !this.#strays.delete(feed)) continue
        this.#assign(feed, byName.get(feed.of.topic))
      }
    } catch (error) {
      for (const feed of due) this.#stray(feed, error)
    }
  }

  #assign(feed: PartitionFeed, topic: TopicMetadata | undefined): void {
    const { of } = feed
    const name = `${of.topic}-${of.partition}`
    const found = topic?.partitions.find(({ partition }) => partition === of.partition)
    const code = topic === undefined ? codes.unknownPartition : topic.error
    const failure = answeredFailure(code, name)
    if (failure !== undefined || found === undefined) {
      this.#unknown(feed, failure ?? answeredFailure(codes.unknownPartition, name)!)
      return
    }
    if (this.#brokers.broker(found.leader) === undefined) {
      this.#stray(feed, answeredFailure(codes.noLeader, name))
      return
    }
    let loop = this.#loops.get(found.leader)
    if (loop === undefined) {
      loop = new BrokerLoop(found.leader, {
        brokers: this.#brokers,
        isolation: this.#isolation,
        clock: this.#world.clock,
        signal: this.#closing.signal,
        stray: this.#stray,
        served: this.#served,
      })
      this.#loops.set(found.leader, loop)
    }
    loop.add(feed)
  }

  /** A broker has answered: the outage is over when no partition waits any longer. */
  readonly #served = (): void => {
    if (!this.#outage.isThere) return
    for (const feed of this.#feeds) if (feed.failures > 0) return
    this.#outage.ended()
  }

  #unknown(feed: PartitionFeed, failure: KafkaFailure): void {
    const now = this.#world.clock.monotonic()
    feed.unknownSince ??= now
    const isDeleted = failure.code === codes.unknownPartition && now - feed.unknownSince >= unknownMs
    if (isDeleted) feed.fail(failure)
    else this.#stray(feed, failure)
  }
}
