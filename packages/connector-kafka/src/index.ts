/** Reads and writes an Apache Kafka cluster in Millrace pipelines. */
export * as kafka from './kafka.ts'
export type { IfForgotten, StagedRecords } from './committer.ts'
export type {
  ReadFormatOptions,
  ReadJsonOptions,
  ReadRecordsOptions,
  WriteFormatOptions,
  WriteOptions,
  WriteRecordsOptions,
  WriteValuesOptions,
} from './kafka.ts'
export type { KafkaOptions, PasswordOptions, SaslOptions, TlsOptions, TokenOptions } from './options.ts'
export type { KafkaHeader, KafkaRecord, OutgoingRecord } from './record.ts'
export type { StartAt } from './start.ts'
export type { KafkaPosition } from './topic-reader.ts'
export type { ReadOptions } from './topic-source.ts'
