/** Reads and writes a Redis server in Millrace pipelines. */
export * as redis from './redis.ts'
export type { RedisCommand } from './command-script.ts'
export type { StagedCommands } from './command-sink.ts'
export type { RedisOptions, TlsOptions } from './connection.ts'
export type { GroupPosition } from './group-reader.ts'
export type { ReceiveOptions } from './group-source.ts'
export type { RateLimitOptions, SharedRateLimit } from './rate-limit.ts'
export type {
  JsonField,
  LoadOptions,
  LoadRows,
  ReadJsonOptions,
  ReceiveJsonOptions,
  RowKey,
  WithFormat,
  WriteStreamOptions,
  WriteTableOptions,
} from './redis.ts'
export type { ReadOptions } from './stream-source.ts'
export type { RedisEntry, StreamPosition } from './stream.ts'
