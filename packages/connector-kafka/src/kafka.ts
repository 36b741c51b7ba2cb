/** Topics of an Apache Kafka cluster. */
import { durationMs, MillraceError, type Duration, type RecordHeaders } from '@millrace/core'
import {
  beginsWith,
  decodeText,
  JsonReader,
  encodeJson,
  parserOf,
  readAs,
  type Format,
  type Schema,
  type Sink,
  type Source,
} from '@millrace/core/connector'
import type { IfForgotten, StagedRecords } from './committer.ts'
import type { JoinsTransaction } from './joining-sink.ts'
import { brokersOf, checkConnection, invalid, type KafkaOptions } from './options.ts'
import type { OutgoingOptions } from './outgoing.ts'
import { PlainSink } from './plain-sink.ts'
import type { KafkaRecord, OutgoingRecord } from './record.ts'
import { checkReadOptions, readOptions, TopicSource, type ReadOptions } from './topic-source.ts'
import type { Decode, KafkaPosition } from './topic-reader.ts'
import { TransactionSink } from './transaction-sink.ts'
import { compressorOf, type Compression } from './wire/compression.ts'
import { wireConnect } from './wire/wire-cluster.ts'

/** How records with JSON are read. */
export interface ReadJsonOptions<T> extends ReadOptions {
  /**
   * What a record looks like: the type is inferred from it, and a record that does not fit is a failure of that record.
   * Without it the text is trusted to be what the type says.
   */
  readonly schema?: Schema<T>
}

/** How records are read that the program decodes itself. */
export interface ReadRecordsOptions<T> extends ReadOptions {
  /**
   * Makes a value of a record. What it throws is a failure of that record. Key, value and headers are a part of what was fetched
   * with them: copy bytes that you keep (`slice`), because all the others stay in memory with them.
   */
  readonly decode: (record: KafkaRecord) => T
}

/** How records in a format are read. */
export interface ReadFormatOptions<T> extends ReadOptions {
  /** How values are bytes, such as Avro or Protobuf. A value that is not follows the error policy of the source. */
  readonly format: Format<T>
}

/** How topics are written. */
export interface WriteOptions extends KafkaOptions {
  readonly topic: string
  /**
   * `exactly-once`: in transactions, visible to readers of committed records when the checkpoint is complete.
   * `at-least-once`: at once; after a restart some records are there twice. Default `exactly-once`.
   */
  readonly guarantee?: 'exactly-once' | 'at-least-once'
  /** How records are compressed. `zstd` needs Node 22.15 or later. Default `lz4`. */
  readonly compression?: Compression
  /** Bytes of key, value and headers of the largest record; a larger one follows the error policy. Default 1,000,000. */
  readonly maxRecordBytes?: number
  /** The beginning of the ids of transactions, and of the groups that keep their marks. Default `millrace`. */
  readonly transactionalIdPrefix?: string
  /** How long a transaction may take before the broker ends it. At most the broker's `transaction.max.timeout.ms`. Default `'1m'`. */
  readonly transactionTimeout?: Duration
  /**
   * What to do with the records of the last checkpoint if the cluster no longer knows whether they were committed, because
   * the job was killed and not started again for `offsets.retention.minutes` (a week): `fail`, `write` or `skip` them.
   * Default `fail`.
   */
  readonly ifForgotten?: IfForgotten
}

/** How values are written as JSON or text. */
export interface WriteValuesOptions<T> extends WriteOptions {
  /** The key of a record: records with the same key are in the same partition, in order. Default: none. */
  readonly key?: (value: T) => string | Uint8Array | null
  /**
   * The headers of a record. Default: those that it has in the stream, which its source or `withHeaders` gave it; they are
   * the second argument.
   *
   * @example
   * headers: (order, headers) => ({ ...headers, tenant: order.tenant })
   */
  readonly headers?: (value: T, headers: RecordHeaders) => NonNullable<OutgoingRecord['headers']>
}

/** How values are written in a format. */
export interface WriteFormatOptions<T> extends WriteValuesOptions<T> {
  /** How values are bytes, such as Avro or Protobuf. A value that does not fit follows the error policy of the sink. */
  readonly format: Format<T>
}

/** How records are written that the program makes itself. */
export interface WriteRecordsOptions<T> extends WriteOptions {
  /** Makes the record of a value, with the headers that it has in the stream. What it throws follows the error policy. */
  readonly record: (value: T, headers: RecordHeaders) => OutgoingRecord
}

/**
 * Reads topics whose values are JSON. A value that is not, and a tombstone, follow the error policy of the source.
 *
 * Each partition is a split, replayable from the offset in the checkpoint. Throws `OPTION_INVALID`. The job fails with
 * `SOURCE_FAILED` if records that were not read are gone.
 *
 * @example
 * p.from('orders', kafka.readJson<Order>({ brokers: 'localhost:9092', topic: 'orders' }))
 */
export function readJson<T>({ schema, ...options }: ReadJsonOptions<T>): Source<T, KafkaPosition> {
  const parse = parserOf(schema)
  const json = new JsonReader()
  const decode = (value: Uint8Array): T => parse(json.decode(value))
  return source('kafka.readJson', options, ({ value }) => decode(present(value)), decode)
}

/**
 * Reads topics whose values are text in UTF-8. A value that is not, and a tombstone, follow the error policy of the source.
 *
 * @example
 * p.from('log', kafka.readText({ brokers: 'localhost:9092', topic: 'log' }))
 */
export function readText(options: ReadOptions): Source<string, KafkaPosition> {
  return source('kafka.readText', options, ({ value }) => decodeText(present(value)), decodeText)
}

/**
 * Reads topics as records: key, value, headers, timestamp and offset. `decode` makes something else of them.
 *
 * @example
 * p.from('orders', kafka.readRecords({
 *   brokers: 'localhost:9092',
 *   topic: /orders\..+/,
 *   decode: ({ key, value, timestamp }) => ({ id: text(key), order: value && JSON.parse(text(value)), at: timestamp }),
 * }))
 */
export function readRecords(options: ReadOptions): Source<KafkaRecord, KafkaPosition>
export function readRecords<T>(options: ReadRecordsOptions<T>): Source<T, KafkaPosition>
export function readRecords<T>(
  options: ReadOptions & Partial<ReadRecordsOptions<T>>,
): Source<T | KafkaRecord, KafkaPosition> {
  const { decode = ownRecord, ...rest } = options
  return source<T | KafkaRecord>('kafka.readRecords', rest, decode)
}

/**
 * Reads topics whose values are in a format. A value that is not, and a tombstone, follow the error policy of the source.
 *
 * @example
 * p.from('orders', kafka.read({ brokers: 'localhost:9092', topic: 'orders', format: avro.format<Order>({ schema, registry }) }))
 */
export function read<T>({ format, ...options }: ReadFormatOptions<T>): Source<T, KafkaPosition> {
  const records = source('kafka.read', options, (record) => record)
  return readAs(records, format, ({ value }) => present(value))
}

/**
 * Writes values in a format, exactly once.
 *
 * @example
 * orders.to('orders', kafka.write({ brokers: 'localhost:9092', topic: 'orders', format: protobuf.format({ message: OrderSchema }) }))
 */
export function write<T>({ format, ...options }: WriteFormatOptions<T>): Sink<T, StagedRecords> {
  const sink = values('kafka.write', options, (value: T) => format.encode(value))
  const beginning = (inner: Sink<T, StagedRecords>): Sink<T, StagedRecords> =>
    beginsWith(inner, format, options.topic)
  if (!(sink instanceof TransactionSink)) return beginning(sink)
  const within: JoinsTransaction<T>['within'] = (cluster, open) => {
    const inner = sink.within(cluster, open)
    return inner && beginning(inner)
  }
  return Object.assign(beginning(sink), { within })
}

/**
 * Writes values as JSON, exactly once.
 *
 * @example
 * totals.to('totals', kafka.writeJson({ brokers: 'localhost:9092', topic: 'totals', key: (t) => t.key }))
 */
export function writeJson<T>(options: WriteValuesOptions<T>): Sink<T, StagedRecords> {
  return values('kafka.writeJson', options, encodeJson)
}

/**
 * Writes text as UTF-8, exactly once.
 *
 * @example
 * lines.to('log', kafka.writeText({ brokers: 'localhost:9092', topic: 'log' }))
 */
export function writeText(options: WriteValuesOptions<string>): Sink<string, StagedRecords> {
  return values('kafka.writeText', options, (value) => value)
}

/**
 * Writes the record that `record` makes of each value, exactly once: with a key, headers, a partition, a topic of its own,
 * or as a tombstone.
 *
 * @example
 * users.to('users', kafka.writeRecords({
 *   brokers: 'localhost:9092',
 *   topic: 'users',
 *   record: (user) => ({ key: user.id, value: user.isGone ? null : JSON.stringify(user) }),
 * }))
 */
export function writeRecords<T>({ record, ...options }: WriteRecordsOptions<T>): Sink<T, StagedRecords> {
  return sink('kafka.writeRecords', options, record)
}

/** The record with bytes of its own, which may be kept. */
function ownRecord(record: KafkaRecord): KafkaRecord {
  const { key, value, headers } = record
  return {
    ...record,
    key: key?.slice() ?? null,
    value: value?.slice() ?? null,
    headers: headers.map(([name, content]) => [name, content.slice()]),
  }
}

/** `decodeRaw` decodes the value of a dead letter. */
function source<T>(
  what: string,
  options: ReadOptions,
  decode: Decode<T>,
  decodeRaw?: (value: Uint8Array) => T,
): Source<T, KafkaPosition> {
  checkConnection(what, options, readOptions)
  checkReadOptions(what, options)
  return new TopicSource(wireConnect(options), decode, options, decodeRaw)
}

function values<T>(
  what: string,
  { key, headers, ...options }: WriteValuesOptions<T>,
  encode: (value: T) => string | Uint8Array,
): Sink<T, StagedRecords> {
  return sink(what, options, (value: T, carried) => ({
    value: encode(value),
    ...(key !== undefined && { key: key(value) }),
    ...(headers !== undefined && { headers: headers(value, carried) }),
  }))
}

const writeOptions = [
  'topic',
  'guarantee',
  'compression',
  'maxRecordBytes',
  'transactionalIdPrefix',
  'transactionTimeout',
  'ifForgotten',
] as const

function sink<T>(
  what: string,
  options: WriteOptions,
  recordOf: OutgoingOptions<T>['recordOf'],
): Sink<T, StagedRecords> {
  checkConnection(what, options, writeOptions)
  const { topic, guarantee = 'exactly-once', compression = 'lz4', maxRecordBytes = 1_000_000 } = options
  const { transactionalIdPrefix: idPrefix = 'millrace', ifForgotten = 'fail' } = options
  if (typeof topic !== 'string' || topic === '') throw invalid(what, 'topic is no name')
  if (!Number.isSafeInteger(maxRecordBytes) || maxRecordBytes < 1) {
    throw invalid(what, `maxRecordBytes is ${maxRecordBytes}; give a whole number from 1`)
  }
  if (!['fail', 'write', 'skip'].includes(ifForgotten)) {
    throw invalid(what, `ifForgotten is ${String(ifForgotten)}; write fail, write or skip`)
  }
  const transactionTimeoutMs = durationMs(options.transactionTimeout ?? '1m', `${what}: transactionTimeout`)
  const compressor = compressorOf(what, compression)
  const connect = wireConnect(options)
  const outgoing: OutgoingOptions<T> = { topic, recordOf, maxRecordBytes }
  if (guarantee === 'at-least-once') return new PlainSink(connect, outgoing, compressor)
  if (guarantee !== 'exactly-once') {
    throw invalid(what, `guarantee is ${String(guarantee)}; write 'exactly-once' or 'at-least-once'`)
  }
  const address = brokersOf(what, options)
  return new TransactionSink(connect, outgoing, {
    address,
    idPrefix,
    transactionTimeoutMs,
    ifForgotten,
    compressor,
  })
}

function present(value: Uint8Array | null): Uint8Array {
  if (value !== null) return value
  const message = 'the record is a tombstone: it has no value; read such topics with kafka.readRecords'
  throw new MillraceError('DECODE_FAILED', message)
}
