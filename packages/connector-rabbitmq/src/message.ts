import { MillraceError } from '@millrace/core'
import type { ContentProperties, Delivered } from './amqp/content.ts'
import type { RabbitHeaders } from './headers.ts'

/** What a message may say about itself. */
export interface Properties {
  readonly messageId?: string
  readonly contentType?: string
  readonly contentEncoding?: string
  /** From 0 to 255; queues have their own maximum. */
  readonly priority?: number
  readonly correlationId?: string
  readonly replyTo?: string
  /** What kind of message it is. */
  readonly type?: string
  readonly appId?: string
  readonly userId?: string
  /** Milliseconds after which an unread message expires, as text. */
  readonly expiration?: string
  /** Milliseconds since 1970. RabbitMQ keeps whole seconds. */
  readonly timestamp?: number
}

/** A message of RabbitMQ. */
export interface RabbitMessage extends Properties {
  readonly exchange: string
  readonly routingKey: string
  readonly data: Uint8Array
  readonly headers: RabbitHeaders
}

/** A message of a queue. */
export interface QueueMessage extends RabbitMessage {
  readonly queue: string
  /** Whether it was delivered before, here or to another consumer. */
  readonly isRedelivered: boolean
}

/** A message of a stream. */
export interface StreamMessage extends RabbitMessage {
  readonly stream: string
  /** Its place in the stream. */
  readonly offset: number
}

/** Makes a record of what was received from a queue or stream. Throws if it cannot. */
export type Decode<T> = (message: Delivered, from: string) => T

export function queueMessage(message: Delivered, queue: string): QueueMessage {
  return { queue, isRedelivered: message.isRedelivered, ...rabbitMessage(message) }
}

export function streamMessage(message: Delivered, stream: string): StreamMessage {
  return { stream, offset: offsetOf(message)!, ...rabbitMessage(message) }
}

/** The place of a message in its stream; undefined if it comes from a queue. */
export function offsetOf({ properties }: Delivered): number | undefined {
  const offset = properties.headers?.['x-stream-offset']
  return typeof offset === 'number' ? offset : undefined
}

function rabbitMessage({ exchange, routingKey, properties, content }: Delivered): RabbitMessage {
  return {
    exchange,
    routingKey,
    data: content,
    headers: properties.headers ?? noHeaders,
    ...propertiesOf(properties),
  }
}

const noHeaders: RabbitHeaders = Object.freeze({})

function propertiesOf({
  headers: _headers,
  deliveryMode: _mode,
  timestamp,
  ...properties
}: ContentProperties): Properties {
  return timestamp === undefined ? properties : { ...properties, timestamp: timestamp * 1_000 }
}

/** Returns the id of a message. Throws `DECODE_FAILED` if it has none. */
export function requireId(id: unknown): string {
  if (typeof id === 'string' && id !== '') return id
  const problem = 'the message has no id, and deduplicateBy needs one'
  throw new MillraceError('DECODE_FAILED', problem)
}

/** Throws `DECODE_FAILED` for a message that says something about itself which has no meaning. */
export function requireReadable({ problem }: Delivered): void {
  if (problem === undefined) return
  throw new MillraceError('DECODE_FAILED', `the properties of the message cannot be read: ${problem.message}`)
}
