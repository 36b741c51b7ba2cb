/**
 * A Kafka cluster as sources and sinks see it: the port behind which one client is exchanged for another.
 *
 * A call that fails because brokers cannot be reached is repeated until they can, except for the first connection.
 */
import type { ConnectorContext } from '@millrace/core/connector'
import type { KafkaRecord, PackedBatch, TopicPartition } from './record.ts'

/** What a connection needs of the world. */
export type World = Pick<ConnectorContext, 'clock' | 'signal' | 'warn' | 'down' | 'trying' | 'up'>

/** Connects to a cluster. Rejects with `OPTION_INVALID` if it was never reached, or refuses the user. */
export type Connect<C extends Cluster> = (what: string, world: World, options: ConnectOptions) => Promise<C>

/** How one connection is used. */
export interface ConnectOptions {
  /** The group whose offsets are read and written. */
  readonly group: string
  /** Whether records of open and aborted transactions are read. */
  readonly readsUncommitted?: boolean
}

export interface Cluster {
  /** Its brokers, for messages. */
  readonly address: string
  /** The number of partitions of a topic; undefined if there is none. */
  partitions(topic: string): Promise<number | undefined>
  close(): Promise<void>
}

/** What a source needs. */
export interface ReadableCluster extends Cluster {
  /** All topics, with their number of partitions. */
  topics(): Promise<ReadonlyMap<string, number>>
  /** The offset of the first record that is there, and the one behind the last record that can be read now. */
  range(of: TopicPartition): Promise<OffsetRange>
  /** The offset of the first record with this time or a later one; that behind the last record if there is none. */
  offsetAt(of: TopicPartition, time: number): Promise<number>
  /** Delivers records from an offset on, until it is closed. */
  feed(of: TopicPartition, from: number, listener: FeedListener): Promise<Feed>
  /** Notes offsets for the group, for tools that show how far it is. */
  commit(offsets: readonly GroupOffset[]): Promise<void>
}

/** What a sink needs. */
export interface WritableCluster extends Cluster {
  /** A producer without transactions. It calls `idle` when everything that was sent is stored. */
  producer(idle: () => void): Promise<RecordProducer>
  /**
   * Ends all transactions that earlier producers with this id have begun, and fences those producers. `timeoutMs`: after so
   * long the broker ends a transaction.
   */
  transactions(id: string, topic: string, timeoutMs: number): Promise<TransactionProducer>
}

/** Which records of a partition can be read: from `first` to before `end`. */
export interface OffsetRange {
  readonly first: number
  readonly end: number
}

/** Up to where a group has read a partition: the offset of the next record. */
export interface GroupOffset extends TopicPartition {
  readonly offset: number
}

/** Gets what a partition delivers. Calls never overlap. */
export interface FeedListener {
  /** The records that are there before an offset, and that were not delivered yet. Their bytes may be views of larger ones. */
  records(records: readonly KafkaRecord[], next: number): void
  /** Everything before this offset was delivered, and nothing is behind it now. */
  caughtUp(offset: number): void
  failed(error: unknown): void
}

/** The delivery of one partition. */
export interface Feed {
  /** The offset behind the last record that can be read, as it was known last; undefined if it is not known yet. */
  readonly end: number | undefined
  /** Stops the delivery for a while; some records may still come. */
  pause(): void
  resume(): void
  close(): void
}

/** Sends batches of records, each at least once, in order. */
export interface RecordProducer {
  /** Whether everything that was sent is stored. */
  readonly isIdle: boolean
  /** Resolves when there is room for more. */
  send(batches: readonly PackedBatch[]): Promise<void>
  /** Resolves when all are stored by all brokers that must have them. */
  flush(): Promise<void>
  close(): Promise<void>
}

/**
 * Commits records together with a mark: either all are there, or none.
 *
 * Only the newest producer of an id can commit. So what `mark` was when it was opened holds until its own commit.
 */
export interface TransactionProducer {
  /** The mark of the last transaction of this id; undefined if none is known. */
  readonly mark: number | undefined
  /** Rejects with a `KafkaFailure`. After that the outcome is not known, and the producer can only be closed. */
  commit(chunks: AsyncIterable<readonly PackedBatch[]>, mark: number): Promise<void>
  close(): Promise<void>
}

/** What a client or a broker refuses. */
export class KafkaFailure extends Error {
  readonly code: number
  /** Whether a person must change something: the topic, the rights, the record. */
  readonly isFinal: boolean

  constructor(code: number, message: string, isFinal: boolean) {
    super(message)
    this.name = 'KafkaFailure'
    this.code = code
    this.isFinal = isFinal
  }
}
