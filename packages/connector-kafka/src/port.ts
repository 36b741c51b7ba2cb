/** For a job that runs on several machines: a cluster beside reading topics, and what another implementation of it needs. */
export type { AtomicProducer, ConnectPort, KafkaPort, NewTopic } from './kafka-port.ts'

export { connectPort } from './wire/wire-port.ts'

// What it is made of.
export { KafkaFailure } from './cluster.ts'
export type { Feed, FeedListener, OffsetRange, World } from './cluster.ts'
export type { KafkaOptions } from './options.ts'
export type { KafkaHeader, KafkaRecord, PackedBatch, ReadyRecord, TopicPartition } from './record.ts'
export { splitOf } from './record.ts'
export type { GroupMember, GroupOptions, MemberMetadata } from './group/group.ts'

// Sinks in the transaction of another part of the job.
export { withinTransaction } from './joining-sink.ts'
export type { OpenCollector, RecordCollector } from './joining-sink.ts'

// Batches.
export { Packing, unpacked } from './packing.ts'
export type { PackingOptions } from './packing.ts'
export { compressorOf } from './wire/compression.ts'
export type { Compression, Compressor } from './wire/compression.ts'
export { decodeBatch, encodeBatch } from './staged-batch.ts'

// For a cluster in memory.
export { Outage, Patience, pause } from './patience.ts'
export { answeredFailure, codes } from './wire/codes.ts'
export { Membership } from './group/membership.ts'
export type { MembershipParts } from './group/membership.ts'
export { isMemberError, memberErrors } from './group/group-coordinator.ts'
export type {
  GroupCoordinator,
  JoinAnswer,
  JoinRequest,
  MemberPlace,
  SyncAnswer,
} from './group/group-coordinator.ts'
