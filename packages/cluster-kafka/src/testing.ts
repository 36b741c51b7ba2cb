/** A cluster of Kafka in memory, for tests of what runs on several machines. */
export { MemoryKafka } from './memory/memory-kafka.ts'
export type { MemoryKafkaOptions } from './memory/memory-kafka.ts'
export type { LostCommit } from './memory/memory-producer.ts'
export type { RequestKind, RequestMoment, WatchRequest } from './memory/process-link.ts'
