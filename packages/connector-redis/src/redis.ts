/** Streams, hashes and sorted sets of a Redis server. */
import { MillraceError, requireKnown, type Change, type Key } from '@millrace/core'
import {
  beginsWith,
  parseJson,
  parserOf,
  readAs,
  type ChangeSink,
  type Format,
  type Schema,
  type Sink,
  type Source,
} from '@millrace/core/connector'
import type { Redis } from 'ioredis'
import type { RedisCommand } from './command-script.ts'
import { CallConnection } from './call-connection.ts'
import { CommandSink, type StagedCommands } from './command-sink.ts'
import type { RedisOptions } from './connection.ts'
import type { GroupPosition } from './group-reader.ts'
import { GroupSource, type ReceiveOptions } from './group-source.ts'
import { KeyRateLimit, type RateLimitOptions, type SharedRateLimit } from './rate-limit.ts'
import { StreamSource, type ReadOptions } from './stream-source.ts'
import {
  fieldOf,
  fieldsFrom,
  textValue,
  type RedisEntry,
  type StreamEntry,
  type StreamPosition,
} from './stream.ts'

/** How JSON is kept in an entry. */
export interface JsonField {
  /** The field of an entry that holds the JSON text. Default `data`. */
  readonly field?: string
}

/** How records in a format are kept in an entry. */
export interface WithFormat<T> {
  /** How values are bytes: of `@millrace/format-avro`, `@millrace/format-protobuf`, or your own. */
  readonly format: Format<T>
  /** The field of an entry that holds the bytes. Default `data`. */
  readonly field?: string
}

type BytesEntry = StreamEntry<Uint8Array>
const bytesReading = { valueOf: (bytes: Buffer): Uint8Array => bytes, decode: (entry: BytesEntry) => entry }

/** How entries with JSON are read. */
export interface ReadJsonOptions<T> extends ReadOptions, JsonField {
  /**
   * What a record looks like: the type is inferred from it, and an entry that does not fit is a failure of that record.
   * Without it the text is trusted to be what the type says.
   */
  readonly schema?: Schema<T>
}

/** What a record in JSON looks like. */
export interface ReceiveJsonOptions<T> extends ReceiveOptions, JsonField {
  /** As for `readJson`. */
  readonly schema?: Schema<T>
}

/** Where rows are, and what they look like. */
export interface LoadOptions<T> extends RedisOptions {
  /** As for `readJson`. */
  readonly schema?: Schema<T>
}

/** A key of rows. */
export type RowKey = string | number | bigint

/** What `lookup` loads rows with. */
export type LoadRows<T, K> = (keys: readonly K[], signal: AbortSignal) => Promise<ReadonlyMap<K, T>>

/** How a stream is written. */
export interface WriteStreamOptions extends RedisOptions {
  /** About how many entries the stream keeps (`MAXLEN ~`). Default: all. */
  readonly maxLength?: number
}

/** How a table is written. */
export interface WriteTableOptions<T, K> extends RedisOptions {
  /** The field of the hash for a key. Default: a string as it is, any other key as JSON. */
  readonly fieldOf?: (key: K) => string
  /** The text for a row. Default: JSON. */
  readonly textOf?: (row: T) => string
}

/** Decodes the JSON in a field of an entry. */
function jsonIn<T>(field: string, schema: Schema<T> | undefined): (entry: Pick<RedisEntry, 'fields'>) => T {
  const parse = parserOf(schema)
  return (entry) => parse(parseJson(fieldOf(entry, field)))
}

/**
 * Reads streams, each entry with its id and fields. Each stream is a split, replayable from the id in the checkpoint, so
 * results are exactly once as long as entries are not trimmed before they are read.
 *
 * Throws `OPTION_INVALID`. The job fails with `SOURCE_FAILED` if entries that were not read have been trimmed.
 *
 * @example
 * p.from('clicks', redis.readEntries('clicks', { url: 'redis://localhost:6379' }))
 */
export function readEntries(
  streams: string | readonly string[],
  options: ReadOptions = {},
): Source<RedisEntry, StreamPosition> {
  return new StreamSource(streams, { valueOf: textValue, decode: (entry) => entry }, options)
}

/**
 * Reads streams whose entries hold JSON in one field. An entry without the field, or with other text, follows the error
 * policy of the source.
 *
 * @example
 * p.from('orders', redis.readJson<Order>('orders', { field: 'order' }))
 */
export function readJson<T>(
  streams: string | readonly string[],
  { field = 'data', schema, ...options }: ReadJsonOptions<T> = {},
): Source<T, StreamPosition> {
  const decode = jsonIn(field, schema)
  return new StreamSource(streams, { valueOf: textValue, decode }, options, (raw) => decode(fieldsFrom(raw)))
}

/**
 * Reads streams whose entries hold a record in a format in one field, as `readJson` does.
 *
 * @example
 * p.from('orders', redis.read('orders', { format: protobuf.format({ message: OrderSchema }) }))
 */
export function read<T>(
  streams: string | readonly string[],
  { field = 'data', format, ...options }: ReadOptions & WithFormat<T>,
): Source<T, StreamPosition> {
  return readAs(new StreamSource(streams, bytesReading, options), format, (entry) => fieldOf(entry, field))
}

/**
 * Reads streams as one consumer of a group, each entry with its id and fields. Entries are shared among the consumers of the
 * group, and acknowledged once a checkpoint has their records: at least once. For exactly once use `readEntries`.
 *
 * @example
 * p.from('tasks', redis.receiveEntries('tasks', { group: 'workers' }))
 */
export function receiveEntries(
  streams: string | readonly string[],
  options: ReceiveOptions,
): Source<RedisEntry, GroupPosition> {
  return new GroupSource(streams, { valueOf: textValue, decode: (entry) => entry }, options)
}

/**
 * Reads streams whose entries hold JSON in one field, as one consumer of a group: at least once.
 *
 * @example
 * p.from('tasks', redis.receiveJson<Task>('tasks', { group: 'workers' }))
 */
export function receiveJson<T>(
  streams: string | readonly string[],
  { field = 'data', schema, ...options }: ReceiveJsonOptions<T>,
): Source<T, GroupPosition> {
  const decode = jsonIn(field, schema)
  return new GroupSource(streams, { valueOf: textValue, decode }, options, (raw) => decode(fieldsFrom(raw)))
}

/**
 * Reads streams whose entries hold a record in a format in one field, as one consumer of a group: at least once.
 *
 * @example
 * p.from('tasks', redis.receive('tasks', { group: 'workers', format: avro.format({ schema }) }))
 */
export function receive<T>(
  streams: string | readonly string[],
  { field = 'data', format, ...options }: ReceiveOptions & WithFormat<T>,
): Source<T, GroupPosition> {
  return readAs(new GroupSource(streams, bytesReading, options), format, (entry) => fieldOf(entry, field))
}

/**
 * Returns what `lookup` loads rows with: the fields of a hash, as JSON. Give the lookup a `cache`: each load asks the server.
 *
 * @example
 * orders.lookup('shop', {
 *   key: (order) => order.shop,
 *   load: redis.loadFields<Shop>('shops'),
 *   combine: (order, shop) => ({ ...order, city: shop?.city }),
 *   cache: { ttl: '1m' },
 * })
 */
export function loadFields<T, K extends RowKey = string>(
  hash: string,
  options: LoadOptions<T> = {},
): LoadRows<T, K> {
  return rowsOf(`redis.loadFields of ${hash}`, options, (client, fields) => client.hmget(hash, ...fields))
}

/**
 * Returns what `lookup` loads rows with: keys whose names begin with `prefix`, as JSON. In a cluster all of them must be in one
 * hash slot.
 *
 * @example
 * orders.lookup('shop', { key: (o) => o.shop, load: redis.loadKeys<Shop>('shop:'), combine: (o, shop) => ({ ...o, shop }) })
 */
export function loadKeys<T, K extends RowKey = string>(
  prefix: string,
  options: LoadOptions<T> = {},
): LoadRows<T, K> {
  return rowsOf(`redis.loadKeys of ${prefix}`, options, (client, keys) =>
    client.mget(...keys.map((key) => prefix + key)),
  )
}

/**
 * Limits calls over all processes that use the same key: a token bucket on the server, by the clock of the server. A limit of
 * the operator itself (`rate`) holds for one job only.
 *
 * Throws `OPTION_INVALID`.
 *
 * @example
 * const limit = redis.rateLimit('limit:pager', { calls: 100, per: '1s' })
 * alerts.mapAsync('page', async (alert, signal) => {
 *   await limit.take(signal)
 *   return page(alert, signal)
 * }, { retry: {} })
 */
export function rateLimit(key: string, options: RateLimitOptions): SharedRateLimit {
  return new KeyRateLimit(`redis.rateLimit of ${key}`, key, options)
}

/**
 * Adds an entry with the fields that `fieldsOf` returns to a stream, exactly once: entries appear when their checkpoint is
 * complete.
 *
 * @example
 * alerts.to('alerts', redis.writeEntries('alerts', (alert) => ({ card: alert.card, total: String(alert.total) })))
 */
export function writeEntries<T>(
  stream: string,
  fieldsOf: (value: T) => Readonly<Record<string, string | Uint8Array>>,
  options: WriteStreamOptions = {},
): Sink<T, StagedCommands> {
  const { maxLength, ...connection } = options
  if (maxLength !== undefined && (!Number.isSafeInteger(maxLength) || maxLength < 1)) {
    const message = `redis.writeEntries: maxLength is ${maxLength}; give a whole number from 1`
    throw new MillraceError('OPTION_INVALID', message)
  }
  const trim = maxLength === undefined ? [] : ['MAXLEN', '~', String(maxLength)]
  const entry = (value: T): RedisCommand => [
    'XADD',
    stream,
    ...trim,
    '*',
    ...Object.entries(fieldsOf(value)).flat(),
  ]
  return new CommandSink(stream, (value) => [entry(value)], connection)
}

/**
 * Adds each record as JSON to a stream, exactly once.
 *
 * @example
 * alerts.to('alerts', redis.writeJson('alerts', { maxLength: 100_000 }))
 */
export function writeJson<T>(
  stream: string,
  { field = 'data', ...options }: WriteStreamOptions & JsonField = {},
): Sink<T, StagedCommands> {
  return writeEntries(stream, (value) => ({ [field]: jsonOf(value) }), options)
}

/**
 * Adds each record in a format to a stream, exactly once. A schema registry knows the schema by the name of the stream.
 *
 * @example
 * orders.to('orders', redis.write('orders', { format: avro.format({ schema, registry }) }))
 */
export function write<T>(
  stream: string,
  { field = 'data', format, ...options }: WriteStreamOptions & WithFormat<T>,
): Sink<T, StagedCommands> {
  const sink = writeEntries<T>(stream, (value) => ({ [field]: format.encode(value) }), options)
  return beginsWith(sink, format, stream)
}

/**
 * Sets a field of a hash for each record, exactly once: a table of the newest value of each key that other programs look
 * up (`HGET totals card-7`). `undefined` as the value removes the field.
 *
 * @example
 * totals.to('totals', redis.writeHash('totals', (t) => t.key, (t) => String(t.total)))
 */
export function writeHash<T>(
  key: string,
  fieldOf: (value: T) => string,
  valueOf: (value: T) => string | undefined = jsonOf,
  options: RedisOptions = {},
): Sink<T, StagedCommands> {
  const command = (value: T): RedisCommand => {
    const text = valueOf(value)
    return text === undefined ? ['HDEL', key, fieldOf(value)] : ['HSET', key, fieldOf(value), text]
  }
  return new CommandSink(key, (value) => [command(value)], options)
}

/**
 * Keeps a hash equal to a table, exactly once: a field for each row, which is removed when the row is deleted.
 *
 * @example
 * orders.to('orders', redis.writeTable<Order, string>('orders'))
 */
export function writeTable<T, K extends Key = Key>(
  hash: string,
  { fieldOf = fieldText, textOf = jsonOf, ...options }: WriteTableOptions<T, K> = {},
): ChangeSink<T, K, StagedCommands> {
  const commandsOf = ({ kind, key, value }: Change<T, K>): readonly RedisCommand[] => {
    // The new row follows, and replaces the old one.
    if (kind === 'updateBefore') return []
    return [kind === 'delete' ? ['HDEL', hash, fieldOf(key)] : ['HSET', hash, fieldOf(key), textOf(value)]]
  }
  return Object.assign(new CommandSink(hash, commandsOf, options), { applies: 'changes' } as const)
}

/**
 * Sets the score of a member of a sorted set for each record, exactly once: a ranking that other programs read
 * (`ZREVRANGE top 0 9 WITHSCORES`).
 *
 * @example
 * counts.to('top', redis.writeSortedSet('top', (c) => c.key, (c) => c.n))
 */
export function writeSortedSet<T>(
  key: string,
  memberOf: (value: T) => string,
  scoreOf: (value: T) => number,
  options: RedisOptions = {},
): Sink<T, StagedCommands> {
  return new CommandSink(key, (value) => [['ZADD', key, scoreText(scoreOf(value)), memberOf(value)]], options)
}

/**
 * Runs commands for each record, exactly once: also those that must not run twice, such as `INCRBY`. They run in the order
 * of the records of a subtask, when the checkpoint is complete.
 *
 * In a cluster all keys must be in the hash slot of `key`.
 *
 * @example
 * orders.to('stock', redis.writeCommands('stock', (o) => [['HINCRBY', 'stock', o.item, String(-o.count)]]))
 */
export function writeCommands<T>(
  key: string,
  commandsOf: (value: T) => readonly RedisCommand[],
  options: RedisOptions = {},
): Sink<T, StagedCommands> {
  return new CommandSink(key, commandsOf, options)
}

/** Rows of texts that a server has; a key without one has no row. */
function rowsOf<T, K extends RowKey>(
  what: string,
  { schema, ...options }: LoadOptions<T>,
  ask: (client: Redis, keys: readonly string[]) => Promise<readonly (string | null)[]>,
): LoadRows<T, K> {
  requireKnown(what, options, ['url', 'tls', 'connectTimeout', 'requestTimeout'])
  const parse = parserOf(schema)
  const connection = new CallConnection(what, options)
  return async (keys, signal) => {
    const texts = await connection.call((client) => ask(client, keys.map(String)), signal)
    const rows = keys.flatMap((key, at) => {
      const text = texts[at] ?? null
      return text === null ? [] : [[key, parse(parseJson(text))] as const]
    })
    return new Map(rows)
  }
}

function jsonOf(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new MillraceError('CODEC_FAILED', `${typeof value} is not JSON`)
  return text
}

function fieldText(key: Key): string {
  return typeof key === 'string' ? key : jsonOf(key)
}

function scoreText(score: number): string {
  if (Number.isNaN(score)) throw new MillraceError('CODEC_FAILED', 'the score is NaN')
  if (Number.isFinite(score)) return String(score)
  return score > 0 ? '+inf' : '-inf'
}
