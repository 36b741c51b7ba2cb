/**
 * For a job that runs on several machines: what it needs of a Kafka cluster beside reading topics.
 *
 * One implementation speaks to brokers; another has the same rules in memory, for tests and the simulator.
 */
import type { ReadableCluster, World } from './cluster.ts'
import type { GroupMember, GroupOptions } from './group/group.ts'
import type { PackedBatch, TopicPartition } from './record.ts'

/** Connects to a cluster. Rejects with `OPTION_INVALID` if it was never reached, or refuses the user. */
export type ConnectPort = (what: string, world: World) => Promise<KafkaPort>

/** A cluster as a distributed job uses it. Reading is of committed records only. */
export interface KafkaPort extends Omit<ReadableCluster, 'offsetAt' | 'commit'> {
  /**
   * Creates those topics that do not exist. Rejects with a `KafkaFailure` that names the topic if it may not be created, and
   * with `OPTION_INVALID` if it exists with another number of partitions.
   */
  createTopics(topics: readonly NewTopic[]): Promise<void>
  /** Deletes the records of a partition before an offset. They may have been deleted before. */
  deleteRecords(of: TopicPartition, before: number): Promise<void>
  /**
   * Ends all transactions that earlier producers with this id have begun, one way or the other, and fences those producers.
   * `timeoutMs`: after so long the broker aborts an open transaction.
   */
  atomic(id: string, timeoutMs: number): Promise<AtomicProducer>
  /**
   * Becomes a member of a group. Resolves when the group knows the member, which may be after a rebalance. Rejects with a
   * `KafkaFailure` if the group refuses it.
   */
  join(options: GroupOptions): Promise<GroupMember>
}

/** A topic to create. */
export interface NewTopic {
  readonly name: string
  readonly partitions: number
  /** Settings of the topic: `cleanup.policy`. */
  readonly settings: Readonly<Record<string, string>>
}

/** Makes records of several partitions visible at once, or none of them. Only the newest producer of an id can commit. */
export interface AtomicProducer {
  /**
   * Resolves when it is decided that the records are read; readers may get them a moment later. Rejects with a
   * `KafkaFailure`. After that the outcome is not known, and the producer can only be closed.
   */
  commit(chunks: AsyncIterable<readonly PackedBatch[]>): Promise<void>
  close(): Promise<void>
}
