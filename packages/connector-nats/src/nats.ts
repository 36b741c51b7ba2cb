/** Streams of JetStream, and subjects, of NATS. */
import type { RecordHeaders } from '@millrace/core'
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
import type { IfForgotten } from './committer.ts'
import {
  changeOf,
  KeyLookup,
  streamOptions,
  type KeyChange,
  type LookUpOptions,
  type ReadKeysOptions,
} from './key-value.ts'
import { streamMessage, type StreamMessage, type StreamPosition, type SubjectMessage } from './message.ts'
import { serverOf, invalid, type NatsOptions } from './options.ts'
import type { MadeMessage, OutgoingMessage, OutgoingOptions } from './outgoing.ts'
import { PlainSink } from './plain-sink.ts'
import type { StagedMessages } from './staged-messages.ts'
import { StagedSink } from './staged-sink.ts'
import { isStreamName, StreamSource, type ReadOptions } from './stream-source.ts'
import { SubjectSource, type ReceiveOptions } from './subject-source.ts'
import { isSubject } from './subject.ts'

/** What a record with JSON looks like. */
export interface WithSchema<T> {
  /**
   * The type is inferred from it, and a message that does not fit is a failure of that message. Without it the text is
   * trusted to be what the type says.
   */
  readonly schema?: Schema<T>
}

/** How streams with JSON are read. */
export interface ReadJsonOptions<T> extends ReadOptions, WithSchema<T> {}

/** How subjects with JSON are received. */
export interface ReceiveJsonOptions<T> extends ReceiveOptions, WithSchema<T> {}

/** What a record with bytes looks like. */
export interface WithFormat<T> {
  /** How messages are bytes, such as Avro or Protobuf. One that is not follows the error policy. */
  readonly format: Format<T>
}

/** How a stream is written. */
export interface WriteOptions<T> extends NatsOptions {
  readonly stream: string
  /** The subject of messages, or what makes it of a value. The stream must have it. */
  readonly subject?: string | ((value: T) => string)
  /**
   * `exactly-once`: messages appear when their checkpoint is complete. `at-least-once`: at once; after a restart some are
   * there twice. Default `exactly-once`.
   */
  readonly guarantee?: 'exactly-once' | 'at-least-once'
  /**
   * At least once: the id of a value's message (`Nats-Msg-Id`). The server drops a message whose id came before within the
   * stream's `duplicate_window`. Default: an id of its own for each message.
   */
  readonly messageId?: (value: T) => string
  /**
   * Exactly once: what to do with the messages of the last checkpoint if the stream no longer shows whether they were written,
   * because it has deleted newer messages before the job was started again: `fail`, `write` or `skip` them. Default `fail`.
   */
  readonly ifForgotten?: IfForgotten
}

/** How values are written as JSON or text. */
export interface WriteValuesOptions<T> extends WriteOptions<T> {
  /**
   * The headers of a message. Default: those that its record has in the stream, which its source or `withHeaders` gave it; they are
   * the second argument. Those that NATS gives a meaning, such as `Nats-Msg-Id`, are not among them.
   *
   * @example
   * headers: (order, headers) => ({ ...headers, tenant: order.tenant })
   */
  readonly headers?: (value: T, headers: RecordHeaders) => NonNullable<OutgoingMessage['headers']>
}

/** How messages are written that the program makes itself. */
export interface WriteMessagesOptions<T> extends WriteOptions<T> {
  /** Makes the message of a value, with the headers that its record has. What it throws follows the error policy. */
  readonly message: (value: T, headers: RecordHeaders) => OutgoingMessage
}

/**
 * Reads streams of JetStream whose messages are JSON. One that is not follows the error policy of the source.
 *
 * Each stream is a split, replayable from the sequence in the checkpoint, so results are exactly once. Throws
 * `OPTION_INVALID`. The job fails with `SOURCE_FAILED` if messages that were not read have been deleted.
 *
 * @example
 * p.from('orders', nats.readJson<Order>({ url: 'nats://localhost:4222', stream: 'ORDERS' }))
 */
export function readJson<T>({ schema, ...options }: ReadJsonOptions<T>): Source<T, StreamPosition> {
  const decode = jsonOf(schema)
  return new StreamSource('nats.readJson', ({ data }) => decode(data), options, decode)
}

/**
 * Reads streams of JetStream whose messages are in a format, as `readJson` does.
 *
 * @example
 * p.from('orders', nats.read({ stream: 'ORDERS', format: protobuf.format({ message: OrderSchema }) }))
 */
export function read<T>({ format, ...options }: ReadOptions & WithFormat<T>): Source<T, StreamPosition> {
  return readAs(new StreamSource('nats.read', streamMessage, options), format, ({ data }) => data)
}

/**
 * Reads streams of JetStream whose messages are text in UTF-8.
 *
 * @example
 * p.from('log', nats.readText({ stream: 'LOG', subjects: 'log.error.>' }))
 */
export function readText(options: ReadOptions): Source<string, StreamPosition> {
  return new StreamSource('nats.readText', ({ data }) => decodeText(data), options, decodeText)
}

/**
 * Reads streams of JetStream as messages: subject, data, headers, sequence and timestamp.
 *
 * @example
 * p.from('readings', nats.readMessages({ stream: 'SENSORS', from: { time: Date.parse('2026-01-01') } }))
 *   .map(({ subject, data }) => ({ sensor: subject.split('.')[1], value: Number(new TextDecoder().decode(data)) }))
 */
export function readMessages(options: ReadOptions): Source<StreamMessage, StreamPosition> {
  return new StreamSource('nats.readMessages', streamMessage, options)
}

/**
 * Reads the changes of a bucket of the key-value store, whose values are JSON: first those that the bucket still has, one for
 * each key unless it keeps a history, then all that follow. A value that is not JSON follows the error policy of the source.
 *
 * Replayable, as `readJson`. A bucket whose keys have a time to live needs `ifTrimmed: 'continue'`.
 *
 * @example
 * const sensors = p.from('sensors', nats.readKeys<Sensor>({ bucket: 'sensors' }))
 *   .keyBy((change) => change.key)
 *   .toTable('sensors', { deleteIf: (change): change is KeyDeletion => change.kind === 'deletion' })
 */
export function readKeys<T>({
  schema,
  ...options
}: ReadKeysOptions & WithSchema<T>): Source<KeyChange<T>, StreamPosition> {
  const decode = jsonOf(schema)
  const read = streamOptions('nats.readKeys', options)
  return new StreamSource('nats.readKeys', (message) => changeOf(streamMessage(message), decode), read)
}

/**
 * Returns what `lookup` loads rows with: the values of a bucket of the key-value store, as JSON. Give the lookup a `cache`: each
 * load asks the server.
 *
 * @example
 * readings.lookup('sensor', {
 *   key: (reading) => reading.sensor,
 *   load: nats.loadKeys<Sensor>({ bucket: 'sensors' }),
 *   combine: (reading, sensor) => ({ ...reading, room: sensor?.room }),
 *   cache: { ttl: '1m' },
 * })
 */
export function loadKeys<T>({
  schema,
  ...options
}: LookUpOptions & WithSchema<T>): (
  keys: readonly string[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, T>> {
  const lookup = new KeyLookup('nats.loadKeys', options, jsonOf(schema))
  return (keys, signal) => lookup.load(keys, signal)
}

function jsonOf<T>(schema: Schema<T> | undefined): (data: Uint8Array) => T {
  const parse = parserOf(schema)
  const json = new JsonReader()
  return (data) => parse(json.decode(data))
}

/**
 * Receives messages of subjects with JSON, at most once: the server keeps none, so what is sent while the job is down, or not
 * connected, is lost. A message that is not JSON follows the error policy of the source.
 *
 * @example
 * p.from('readings', nats.receiveJson<Reading>({ subject: 'sensors.*' }))
 */
export function receiveJson<T>({ schema, ...options }: ReceiveJsonOptions<T>): Source<T, null> {
  const decode = jsonOf(schema)
  return new SubjectSource('nats.receiveJson', ({ data }) => decode(data), options, decode)
}

/** Receives messages of subjects in a format, at most once, as `receiveJson` does. */
export function receive<T>({ format, ...options }: ReceiveOptions & WithFormat<T>): Source<T, null> {
  return readAs(new SubjectSource('nats.receive', (message) => message, options), format, ({ data }) => data)
}

/** Receives messages of subjects with text in UTF-8, at most once, as `receiveJson` does. */
export function receiveText(options: ReceiveOptions): Source<string, null> {
  return new SubjectSource('nats.receiveText', ({ data }) => decodeText(data), options, decodeText)
}

/** Receives messages of subjects with subject, data and headers, at most once, as `receiveJson` does. */
export function receiveMessages(options: ReceiveOptions): Source<SubjectMessage, null> {
  return new SubjectSource('nats.receiveMessages', (message) => message, options)
}

/**
 * Writes values as JSON to a stream of JetStream, exactly once.
 *
 * @example
 * alerts.to('alerts', nats.writeJson({ stream: 'ALERTS', subject: (alert) => `alerts.${alert.sensor}` }))
 */
export function writeJson<T>(options: WriteValuesOptions<T>): Sink<T, StagedMessages> {
  return values('nats.writeJson', options, encodeJson)
}

/**
 * Writes values in a format to a stream of JetStream, exactly once. A schema registry knows the schema by the name of the stream.
 *
 * @example
 * orders.to('orders', nats.write({ stream: 'ORDERS', subject: 'orders', format: avro.format({ schema, registry }) }))
 */
export function write<T>({
  format,
  ...options
}: WriteValuesOptions<T> & WithFormat<T>): Sink<T, StagedMessages> {
  return beginsWith(
    values('nats.write', options, (value) => format.encode(value)),
    format,
    options.stream,
  )
}

/**
 * Writes text as UTF-8 to a stream of JetStream, exactly once.
 *
 * @example
 * lines.to('log', nats.writeText({ stream: 'LOG', subject: 'log.results' }))
 */
export function writeText(options: WriteValuesOptions<string>): Sink<string, StagedMessages> {
  return values('nats.writeText', options, (value) => value)
}

/**
 * Writes the message that `message` makes of each value to a stream of JetStream, exactly once: bytes, headers, a subject of
 * its own.
 *
 * @example
 * images.to('images', nats.writeMessages({
 *   stream: 'IMAGES',
 *   message: (image) => ({ subject: `images.${image.id}`, data: image.bytes, headers: { type: image.type } }),
 * }))
 */
export function writeMessages<T>({ message, ...options }: WriteMessagesOptions<T>): Sink<T, StagedMessages> {
  return sink('nats.writeMessages', options, message)
}

function values<T>(
  what: string,
  { headers, ...options }: WriteValuesOptions<T>,
  encode: (value: T) => string | Uint8Array,
): Sink<T, StagedMessages> {
  return sink(what, options, (value: T, carried) => ({
    data: encode(value),
    ...(headers !== undefined && { headers: headers(value, carried) }),
  }))
}

const writeOptions = ['stream', 'subject', 'guarantee', 'messageId', 'ifForgotten'] as const

function sink<T>(
  what: string,
  options: WriteOptions<T>,
  messageOf: (value: T, headers: RecordHeaders) => OutgoingMessage,
): Sink<T, StagedMessages> {
  const server = serverOf(what, options, writeOptions)
  const { stream, subject, guarantee = 'exactly-once', messageId, ifForgotten = 'fail' } = options
  if (!isStreamName(stream)) throw invalid(what, 'stream is no name of a stream')
  const subjectOf = typeof subject === 'function' ? subject : undefined
  if (subject !== undefined && subjectOf === undefined && !isSubject(subject)) {
    throw invalid(what, 'subject is no subject, and no function')
  }
  if (!['fail', 'write', 'skip'].includes(ifForgotten)) {
    throw invalid(what, `ifForgotten is ${String(ifForgotten)}; write fail, write or skip`)
  }
  const outgoing: OutgoingOptions<T> = {
    stream,
    subject: typeof subject === 'string' ? subject : undefined,
    messageOf: (value, headers): MadeMessage => {
      const made = messageOf(value, headers)
      return {
        ...(subjectOf !== undefined && made.subject === undefined && { subject: subjectOf(value) }),
        ...made,
        ...(messageId !== undefined && { id: messageId(value) }),
      }
    },
  }
  if (guarantee === 'at-least-once') return new PlainSink(server, outgoing)
  if (guarantee !== 'exactly-once') {
    throw invalid(what, `guarantee is ${String(guarantee)}; write 'exactly-once' or 'at-least-once'`)
  }
  if (messageId !== undefined) {
    throw invalid(
      what,
      "messageId needs guarantee: 'at-least-once'; exactly once, messages have ids of the sink",
    )
  }
  return new StagedSink(server, outgoing, ifForgotten)
}
