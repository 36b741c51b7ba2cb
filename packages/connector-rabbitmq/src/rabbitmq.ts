/** Queues, streams and exchanges of RabbitMQ. */
import { positiveDurationMs, type Duration, type RecordHeaders } from '@millrace/core'
import {
  beginsWith,
  decodeJson,
  decodeText,
  encodeJson,
  parserOf,
  readAs,
  type Format,
  type Schema,
  type Sink,
  type Source,
} from '@millrace/core/connector'
import type { RabbitHeaders } from './headers.ts'
import { queueMessage, streamMessage, type QueueMessage, type StreamMessage } from './message.ts'
import { serverOf, invalid, type RabbitOptions } from './options.ts'
import type { OutgoingMessage, OutgoingOptions } from './outgoing.ts'
import type { QueuePosition } from './queue-reader.ts'
import { QueueSink } from './queue-sink.ts'
import { isName, QueueSource, type ReceiveOptions } from './queue-source.ts'
import type { StreamPosition } from './stream-reader.ts'
import { StreamSource, type ReadOptions } from './stream-source.ts'

/** What a record with JSON looks like. */
export interface WithSchema<T> {
  /**
   * The type is inferred from it, and a message that does not fit is a failure of that message. Without it the text is
   * trusted to be what the type says.
   */
  readonly schema?: Schema<T>
}

/** How queues with JSON are read. */
export interface ReceiveJsonOptions<T> extends ReceiveOptions, WithSchema<T> {}

/** How streams with JSON are read. */
export interface ReadJsonOptions<T> extends ReadOptions, WithSchema<T> {}

/** What a record with bytes looks like. */
export interface WithFormat<T> {
  /** How messages are bytes, such as Avro or Protobuf. One that is not follows the error policy. */
  readonly format: Format<T>
}

/** Where messages are written. */
export interface WriteOptions<T> extends RabbitOptions {
  /** A queue or stream: messages go to the default exchange with its name as the routing key. */
  readonly queue?: string
  /** An exchange. It must exist. */
  readonly exchange?: string
  /** The routing key, or what makes it of a value. It needs `exchange`. */
  readonly routingKey?: string | ((value: T) => string)
  /**
   * The id of a value's message. If equal values have equal ids, a consumer can drop what comes twice after a restart. Default:
   * an id of its own for each message.
   */
  readonly messageId?: (value: T) => string
  /**
   * How long the broker may confirm nothing of what was sent, while it does not say that it is out of memory or disk space. Then
   * messages are sent again over another connection, so some may come twice. Default `'30s'`.
   */
  readonly confirmTimeout?: Duration
  /** Whether durable queues keep messages over a restart of the broker. Default true. */
  readonly persistent?: boolean
}

/** How values are written as JSON or text. */
export interface WriteValuesOptions<T> extends WriteOptions<T> {
  /**
   * The headers of a message. Default: those that its record has in the stream, which its source or `withHeaders` gave it; they are
   * the second argument. Those of a broker, such as `x-death`, are not among them.
   *
   * @example
   * headers: (order, headers) => ({ ...headers, tenant: order.tenant })
   */
  readonly headers?: (value: T, headers: RecordHeaders) => RabbitHeaders
  readonly priority?: (value: T) => number
}

/** How messages are written that the program makes itself. */
export interface WriteMessagesOptions<T> extends WriteOptions<T> {
  /** Makes the message of a value, with the headers that its record has. What it throws follows the error policy. */
  readonly message: (value: T, headers: RecordHeaders) => OutgoingMessage
}

/**
 * Receives the messages of queues as JSON, at least once: a message is acknowledged when a checkpoint has its record.
 * `deduplicateBy` makes it exactly once. A message that is not JSON follows the error policy of the source.
 *
 * Throws `OPTION_INVALID`.
 *
 * @example
 * p.from('tasks', rabbitmq.receiveJson<Task>({ url: 'amqp://localhost', queue: 'tasks', deduplicateBy: 'messageId' }))
 */
export function receiveJson<T>({ schema, ...options }: ReceiveJsonOptions<T>): Source<T, QueuePosition> {
  const decode = jsonOf(schema)
  return new QueueSource('rabbitmq.receiveJson', ({ content }) => decode(content), options, decode)
}

/**
 * Receives the messages of queues in a format, as `receiveJson` does.
 *
 * @example
 * p.from('tasks', rabbitmq.receive({ queue: 'tasks', format: protobuf.format({ message: TaskSchema }) }))
 */
export function receive<T>({ format, ...options }: ReceiveOptions & WithFormat<T>): Source<T, QueuePosition> {
  return readAs(new QueueSource('rabbitmq.receive', queueMessage, options), format, ({ data }) => data)
}

/** Receives the messages of queues as text in UTF-8, as `receiveJson` does. */
export function receiveText(options: ReceiveOptions): Source<string, QueuePosition> {
  return new QueueSource('rabbitmq.receiveText', ({ content }) => decodeText(content), options, decodeText)
}

/**
 * Receives the messages of queues with their data, headers and properties, as `receiveJson` does.
 *
 * @example
 * p.from('urgent', rabbitmq.receiveMessages({ queue: 'tasks' })).filter(({ priority = 0 }) => priority > 5)
 */
export function receiveMessages(options: ReceiveOptions): Source<QueueMessage, QueuePosition> {
  return new QueueSource('rabbitmq.receiveMessages', queueMessage, options)
}

/**
 * Reads streams whose messages are JSON. One that is not follows the error policy of the source.
 *
 * Each stream is a split, replayable from the offset in the checkpoint, so results are exactly once. Throws `OPTION_INVALID`. The
 * job fails with `SOURCE_FAILED` if messages that were not read have been deleted.
 *
 * @example
 * p.from('orders', rabbitmq.readJson<Order>({ url: 'amqp://localhost', stream: 'orders' }))
 */
export function readJson<T>({ schema, ...options }: ReadJsonOptions<T>): Source<T, StreamPosition> {
  const decode = jsonOf(schema)
  return new StreamSource('rabbitmq.readJson', ({ content }) => decode(content), options, decode)
}

/** Reads streams whose messages are in a format, as `readJson` does. */
export function read<T>({ format, ...options }: ReadOptions & WithFormat<T>): Source<T, StreamPosition> {
  return readAs(new StreamSource('rabbitmq.read', streamMessage, options), format, ({ data }) => data)
}

/** Reads streams whose messages are text in UTF-8, as `readJson` does. */
export function readText(options: ReadOptions): Source<string, StreamPosition> {
  return new StreamSource('rabbitmq.readText', ({ content }) => decodeText(content), options, decodeText)
}

/**
 * Reads streams as messages with their data, offset, headers and properties, as `readJson` does.
 *
 * @example
 * p.from('log', rabbitmq.readMessages({ stream: 'log', from: { time: Date.parse('2026-01-01') } }))
 */
export function readMessages(options: ReadOptions): Source<StreamMessage, StreamPosition> {
  return new StreamSource('rabbitmq.readMessages', streamMessage, options)
}

/**
 * Writes values as JSON to a queue, a stream or an exchange, at least once: the broker confirms each message. One that no queue
 * takes follows the error policy.
 *
 * @example
 * results.to('results', rabbitmq.writeJson({ exchange: 'results', routingKey: (r) => r.kind, messageId: (r) => r.id }))
 */
export function writeJson<T>(options: WriteValuesOptions<T>): Sink<T, never> {
  return values('rabbitmq.writeJson', options, 'application/json', encodeJson)
}

/**
 * Writes values in a format, as `writeJson` does. A schema registry knows the schema by the name of the queue or exchange.
 *
 * @example
 * orders.to('orders', rabbitmq.write({ queue: 'orders', format: avro.format({ schema, registry }) }))
 */
export function write<T>({ format, ...options }: WriteValuesOptions<T> & WithFormat<T>): Sink<T, never> {
  return beginsWith(
    values('rabbitmq.write', options, format.contentType, (value) => format.encode(value)),
    format,
    options.queue ?? options.exchange ?? '',
  )
}

/** Writes text as UTF-8, as `writeJson` does. */
export function writeText(options: WriteValuesOptions<string>): Sink<string, never> {
  return values('rabbitmq.writeText', options, 'text/plain; charset=utf-8', (value) => value)
}

/**
 * Writes the message that `message` makes of each value, as `writeJson` does: bytes, headers, properties, an exchange of its own.
 *
 * @example
 * images.to('images', rabbitmq.writeMessages({
 *   exchange: 'images',
 *   message: (image) => ({ routingKey: image.type, data: image.bytes, contentType: image.type, priority: 5 }),
 * }))
 */
export function writeMessages<T>({ message, ...options }: WriteMessagesOptions<T>): Sink<T, never> {
  return sink('rabbitmq.writeMessages', options, message)
}

function jsonOf<T>(schema: Schema<T> | undefined): (data: Uint8Array) => T {
  const parse = parserOf(schema)
  return (data) => parse(decodeJson(data))
}

function values<T>(
  what: string,
  { headers, priority, ...options }: WriteValuesOptions<T>,
  contentType: string,
  encode: (value: T) => string | Uint8Array,
): Sink<T, never> {
  return sink(what, options, (value: T, carried) => ({
    data: encode(value),
    contentType,
    ...(headers !== undefined && { headers: headers(value, carried) }),
    ...(priority !== undefined && { priority: priority(value) }),
  }))
}

const writeOptions = ['queue', 'exchange', 'routingKey', 'messageId', 'persistent', 'confirmTimeout'] as const

function sink<T>(
  what: string,
  options: WriteOptions<T>,
  messageOf: (value: T, headers: RecordHeaders) => OutgoingMessage,
): Sink<T, never> {
  const server = serverOf(what, options, writeOptions)
  const { queue, exchange, routingKey, messageId, persistent = true, confirmTimeout = '30s' } = options
  if ((queue === undefined) === (exchange === undefined)) {
    throw invalid(what, 'give a queue, or an exchange')
  }
  if (!isName(queue ?? exchange)) throw invalid(what, 'queue or exchange is no name')
  if (queue !== undefined && routingKey !== undefined) throw invalid(what, 'routingKey needs an exchange')
  const keyOf = typeof routingKey === 'function' ? routingKey : undefined
  const outgoing: OutgoingOptions<T> = {
    exchange: exchange ?? '',
    routingKey: queue ?? (typeof routingKey === 'string' ? routingKey : undefined),
    isPersistent: persistent,
    confirmMs: positiveDurationMs(confirmTimeout, `${what}: confirmTimeout`),
    messageOf: (value, headers) => ({
      ...(keyOf !== undefined && { routingKey: keyOf(value) }),
      ...(messageId !== undefined && { messageId: messageId(value) }),
      ...messageOf(value, headers),
    }),
  }
  return new QueueSink(server, outgoing)
}
