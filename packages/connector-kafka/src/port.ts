/**
 * For a job that runs on several machines: what it needs of a Kafka cluster beside reading topics.
 *
 * One implementation speaks to brokers; another has the same rules in memory, for tests and the simulator.
 */
import type { ReadableCluster, World } from './cluster.ts'
import type { PackedBatch, TopicPartition } from './record.ts'

export { KafkaFailure } from './cluster.ts'
export { Packing } from './packing.ts'
export { decodeBatch, encodeBatch } from './staged-batch.ts'
export type { Feed, FeedListener, GroupOffset, OffsetRange, World } from './cluster.ts'
export type { KafkaHeader, KafkaRecord, PackedBatch, ReadyRecord, TopicPartition } from './record.ts'

/** Connects to a cluster. Rejects with `OPTION_INVALID` if it was never reached, or refuses the user. */
export type ConnectPort = (what: string, world: World) => Promise<KafkaPort>

/** A cluster as a distributed job uses it. Reading is of committed records only. */
export interface KafkaPort extends Omit<ReadableCluster, 'offsetAt'> {
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
  /** Becomes a member of a group. Resolves when the group has been asked for the first time. */
  join(options: GroupOptions): Promise<GroupMember>
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  /** Settings of the topic: `cleanup.policy`. */
  readonly settings: Readonly<Record<string, string>>
}

/** Makes records of several partitions visible at once, or none of them. Only the newest producer of an id can commit. */
export interface AtomicProducer {
  /** Rejects with a `KafkaFailure`. After that the outcome is not known, and the producer can only be closed. */
  commit(chunks: AsyncIterable<readonly PackedBatch[]>): Promise<void>
  close(): Promise<void>
}

/** What a member tells its group, and how it hears of the group's decisions. Calls never overlap. */
export interface GroupOptions {
  readonly group: string
  /** Names a static member: its restart within the session timeout changes nothing for the group. */
  readonly instance?: string
  /** After so long without a sign of life a member is removed. */
  readonly sessionMs: number
  readonly heartbeatMs: number
  /** For so long a rebalance waits for members that have not asked again. */
  readonly rebalanceMs: number
  /** Names the meaning of metadata and assignments: members with another name are refused. */
  readonly protocol: string
  /** What this member says of itself, each time the group is formed anew. */
  metadata(): Uint8Array
  /** Called in one member, the leader: what each member gets, by its id. */
  assign(members: readonly MemberMetadata[]): ReadonlyMap<string, Uint8Array>
  /** What this member gets, in this generation. */
  assigned(assignment: Uint8Array, generation: number): void
  /** The group has removed this member, or another process has its name: it holds nothing any more. It asks again by itself, unless `isFenced`. */
  lost(reason: string, isFenced: boolean): void
}

export interface MemberMetadata {
  readonly member: string
  readonly instance: string | undefined
  readonly metadata: Uint8Array
}

/** The membership of a process in a group. */
export interface GroupMember {
  readonly id: string
  /** When the group last confirmed the membership, by the monotonic clock. */
  readonly confirmedAt: number
  /** Asks for the group to be formed anew, because the metadata has changed. */
  rejoin(): void
  /** Leaves the group, so that others get what this member held. A static member stays in the group until its session ends. */
  leave(): Promise<void>
}
