import type { Feed, FeedListener, OffsetRange, World } from '../cluster.ts'
import { Outage, Patience } from '../patience.ts'
import { splitOf, type TopicPartition } from '../record.ts'
import type { Brokers, Place } from './brokers.ts'
import { answeredFailure, codes } from './codes.ts'
import { Fetching } from './fetching.ts'
import { PartitionFeed } from './partition-feed.ts'
import { earliestTime, latestTime, offsetRequest, type Isolation } from './request.ts'

/** A connection to the brokers of a cluster. */
export interface WireConnection {
  readonly brokers: Brokers
  /** The brokers, for messages. */
  readonly address: string
  readonly world: World
  /** How long an answer may take. */
  readonly requestMs: number
}

/** Reads topics of a cluster. */
export class WireReader {
  readonly address: string
  protected readonly connection: WireConnection
  protected readonly patience: Patience
  readonly #isolation: Isolation
  readonly #fetching: Fetching

  constructor(connection: WireConnection, isolation: Isolation) {
    const { brokers, address, world } = connection
    this.address = address
    this.connection = connection
    this.#isolation = isolation
    this.patience = new Patience(address, world)
    this.#fetching = new Fetching(brokers, isolation, world, new Outage(address, world))
    world.signal.addEventListener('abort', this.#abort, { once: true })
  }

  async topics(): Promise<ReadonlyMap<string, number>> {
    const { topics } = await this.patience.repeat(() => this.connection.brokers.metadata(undefined))
    return new Map(
      topics.filter(({ error }) => error === 0).map(({ name, partitions }) => [name, partitions.length]),
    )
  }

  async partitions(topic: string): Promise<number | undefined> {
    return (await this.patience.repeat(() => this.connection.brokers.topic(topic)))?.partitions.length
  }

  async range(of: TopicPartition): Promise<OffsetRange> {
    return { first: await this.offset(of, earliestTime), end: await this.offset(of, latestTime) }
  }

  feed(of: TopicPartition, from: number, listener: FeedListener): Promise<Feed> {
    const feed = new PartitionFeed({
      of,
      from,
      listener,
      isolation: this.#isolation,
      changed: (changed) => this.#fetching.changed(changed),
    })
    this.#fetching.add(feed)
    return Promise.resolve(feed)
  }

  async close(): Promise<void> {
    this.connection.world.signal.removeEventListener('abort', this.#abort)
    this.#fetching.close()
    await this.connection.brokers.close()
  }

  /** Asks the broker that leads a partition, until it answers. */
  protected atLeader<T>(of: TopicPartition, ask: (leader: Place) => Promise<T>): Promise<T> {
    return this.patience.repeat(async () => {
      const leader = await this.connection.brokers.leader(of)
      try {
        return await ask(leader)
      } catch (error) {
        this.connection.brokers.forget(of)
        throw error
      }
    })
  }

  protected offset(of: TopicPartition, time: number): Promise<number> {
    return this.atLeader(of, async (leader) => {
      const found = await this.connection.brokers.askAt(leader, offsetRequest(of, time, this.#isolation))
      const failure = answeredFailure(found?.error ?? codes.unknownPartition, `offsets of ${splitOf(of)}`)
      if (failure !== undefined) throw failure
      return found!.offset
    })
  }

  readonly #abort = (): void => void this.connection.brokers.close()
}
