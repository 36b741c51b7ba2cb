import {
  answeredFailure,
  codes,
  KafkaFailure,
  Membership,
  Patience,
  splitOf,
  type AtomicProducer,
  type Feed,
  type FeedListener,
  type GroupMember,
  type GroupOptions,
  type KafkaPort,
  type NewTopic,
  type OffsetRange,
  type TopicPartition,
  type World,
} from '@millrace/connector-kafka/port'
import type { GroupList } from './group-list.ts'
import { MemoryFeed, type Delivery } from './memory-feed.ts'
import { MemoryProducer, type LostCommit } from './memory-producer.ts'
import type { ProcessLink, RequestKind } from './process-link.ts'
import type { TopicList } from './topic-list.ts'
import type { TransactionCoordinator } from './transaction-coordinator.ts'

export interface PortParts {
  readonly address: string
  readonly topics: TopicList
  readonly transactions: TransactionCoordinator
  readonly groups: GroupList
  readonly link: ProcessLink
  readonly world: World
  readonly takeLoss: () => LostCommit | undefined
  readonly delivery: Delivery
}

/** A cluster in memory, as one process uses it. */
export class MemoryPort implements KafkaPort {
  readonly address: string
  readonly #parts: PortParts
  readonly #patience: Patience
  readonly #members = new Set<Membership>()
  readonly #feeds = new Set<Feed>()

  constructor(parts: PortParts) {
    this.address = parts.address
    this.#parts = parts
    this.#patience = new Patience(parts.address, parts.world)
  }

  topics(): Promise<ReadonlyMap<string, number>> {
    return this.#ask('other', () => this.#parts.topics.counts)
  }

  partitions(topic: string): Promise<number | undefined> {
    return this.#ask('other', () => this.#parts.topics.counts.get(topic))
  }

  range(of: TopicPartition): Promise<OffsetRange> {
    return this.#ask('range', () => {
      const { first, lastStable } = this.#parts.topics.log(of)
      return { first, end: lastStable }
    })
  }

  feed(of: TopicPartition, from: number, listener: FeedListener): Promise<Feed> {
    const { topics, link, world, address, delivery } = this.#parts
    const feed = new MemoryFeed({ of, from, listener, topics, link, world, address, delivery })
    this.#feeds.add(feed)
    return Promise.resolve(feed)
  }

  createTopics(topics: readonly NewTopic[]): Promise<void> {
    return this.#ask('other', () => this.#parts.topics.create(topics))
  }

  deleteRecords(of: TopicPartition, before: number): Promise<void> {
    return this.#ask('other', () => {
      const { topics } = this.#parts
      const log = topics.log(of)
      if (!topics.deletes(of.topic))
        throw answeredFailure(codes.policy, `deleting records of ${splitOf(of)}`)!
      const failure = answeredFailure(codes.offsetOutOfRange, `deleting records of ${splitOf(of)}`)!
      // The end of a partition does not come by waiting.
      if (before > log.next) throw new KafkaFailure(failure.code, failure.message, true)
      log.deleteBefore(before)
    })
  }

  async atomic(id: string, timeoutMs: number): Promise<AtomicProducer> {
    const { transactions, link, world, takeLoss } = this.#parts
    const place = await this.#ask('begin', () => transactions.begin(id, timeoutMs))
    return new MemoryProducer({ transactions, place, link, world, takeLoss })
  }

  async join(options: GroupOptions): Promise<GroupMember> {
    const { groups, link, world, address } = this.#parts
    const coordinator = groups.coordinator(options.group, link, world)
    const member = await Membership.join({ coordinator, options, world, address })
    this.#members.add(member)
    return member
  }

  close(): Promise<void> {
    for (const member of this.#members) member.end()
    for (const feed of this.#feeds) feed.close()
    return Promise.resolve()
  }

  #ask<T>(kind: RequestKind, request: () => T | Promise<T>): Promise<T> {
    const { link, world } = this.#parts
    return this.#patience.repeat(() => link.ask(kind, world, request))
  }
}
