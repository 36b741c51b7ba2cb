import { MillraceError, noHeaders, type RecordHeaders } from '@millrace/core'
import type { Batch, RejectRecord } from '@millrace/core/connector'
import type { ContentProperties } from './amqp/content.ts'
import { withoutOwn, type HeaderValue, type RabbitHeaders } from './headers.ts'
import type { Properties } from './message.ts'

/** A message to write. */
export interface OutgoingMessage extends Properties {
  readonly data: string | Uint8Array
  /** Default: the exchange of the sink. `''` is the default exchange, whose routing keys are names of queues. */
  readonly exchange?: string
  /** Default: the routing key of the sink. */
  readonly routingKey?: string
  /** Default: the headers that the record has in the stream. `{}`: none. */
  readonly headers?: RabbitHeaders
}

/** A message that was checked, and the place of its record in the batch. */
export interface ReadyMessage {
  readonly index: number
  readonly exchange: string
  readonly routingKey: string
  readonly data: Uint8Array
  readonly properties: ContentProperties & { readonly messageId: string }
}

/** What messages a sink makes of values. */
export interface OutgoingOptions<T> {
  /** For messages that name none. */
  readonly exchange: string
  readonly routingKey: string | undefined
  readonly isPersistent: boolean
  /** How long the broker may confirm nothing before messages are sent again. */
  readonly confirmMs: number
  readonly messageOf: (value: T, headers: RecordHeaders) => OutgoingMessage
}

/** Headers have to fit into a frame. */
const headerBytesMax = 60_000
const headerDepthMax = 20

/** Whether a queue that is durable keeps a message over a restart of the broker. */
const [transient, persistent] = [1, 2] as const

/** Makes messages of the records of a batch, and rejects those that cannot be sent. `idOf` gives one an id that has none. */
export function messagesOf<T>(
  batch: Batch<T>,
  reject: RejectRecord,
  options: OutgoingOptions<T>,
  idOf: () => string,
): ReadyMessage[] {
  const messages: ReadyMessage[] = []
  for (let index = 0; index < batch.length; index++) {
    try {
      messages.push(ready(batch, index, options, idOf))
    } catch (error) {
      reject(index, error)
    }
  }
  return messages
}

function ready<T>(
  batch: Batch<T>,
  index: number,
  sink: OutgoingOptions<T>,
  idOf: () => string,
): ReadyMessage {
  const given = batch.headers?.[index]
  const carried = given === undefined ? noHeaders : withoutOwn(given)
  const made = sink.messageOf(batch.values[index]!, carried)
  const { exchange = sink.exchange, routingKey = sink.routingKey, data } = made
  const headers = headersOf(made.headers ?? carried)
  if (routingKey === undefined) throw unsendable('it has no routing key')
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
    throw unsendable(`its data is ${typeof data}; give text or bytes`)
  }
  shortText('exchange', exchange)
  shortText('routing key', routingKey)
  const properties = propertiesOf(made)
  return {
    index,
    exchange,
    routingKey,
    data: typeof data === 'string' ? Buffer.from(data) : data,
    properties: {
      ...properties,
      messageId: properties.messageId ?? idOf(),
      deliveryMode: sink.isPersistent ? persistent : transient,
      ...(headers !== undefined && { headers }),
    },
  }
}

const texts = [
  'messageId',
  'contentType',
  'contentEncoding',
  'correlationId',
  'replyTo',
  'type',
  'appId',
  'userId',
  'expiration',
] as const

function propertiesOf(made: OutgoingMessage): ContentProperties {
  const { priority, timestamp } = made
  const properties: ContentProperties = {}
  for (const name of texts) {
    const text = made[name]
    if (text !== undefined) properties[name] = shortText(name, text)
  }
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 0 && priority <= 255)) {
    throw unsendable(`its priority is ${String(priority)}; give a whole number from 0 to 255`)
  }
  if (timestamp !== undefined && !(Number.isFinite(timestamp) && timestamp >= 0)) {
    throw unsendable(`its timestamp is ${String(timestamp)}; give milliseconds since 1970`)
  }
  if (priority !== undefined) properties.priority = priority
  if (timestamp !== undefined) properties.timestamp = Math.floor(timestamp / 1_000)
  return properties
}

/** Returns a text for which the protocol has room: 255 bytes. A character of a string has three at most. */
function shortText(name: string, text: unknown): string {
  if (typeof text !== 'string') throw unsendable(`its ${name} is ${typeof text}; give text`)
  if (text.length <= 85 || (text.length <= 255 && Buffer.byteLength(text) <= 255)) return text
  throw unsendable(`its ${name} is longer than 255 bytes`)
}

/** Undefined if there are none. */
function headersOf(given: RabbitHeaders): RabbitHeaders | undefined {
  if (given === noHeaders) return undefined
  if (typeof given !== 'object' || given === null) throw unsendable('its headers are no object')
  // That of a stream says where a message was, and would make a queue look like a stream.
  const { 'x-stream-offset': _, ...headers } = given
  if (sizeOf(headers, 0) > headerBytesMax)
    throw unsendable(`its headers are larger than ${headerBytesMax} bytes`)
  return headers
}

/** An upper bound of the bytes of a header. Throws if it has something that the protocol does not have. */
function sizeOf(value: HeaderValue | undefined, depth: number): number {
  if (depth > headerDepthMax) throw unsendable('its headers are too deep')
  if (typeof value === 'string') return 5 + Buffer.byteLength(value)
  if (value === null || typeof value === 'number' || typeof value === 'boolean' || value === undefined)
    return 9
  if (value instanceof Uint8Array) return 5 + value.length
  if (typeof value !== 'object') throw unsendable(`a header is ${typeof value}`)
  let size = 10
  for (const [name, each] of Object.entries(value)) {
    if (Buffer.byteLength(name) > 255) throw unsendable('the name of a header is longer than 255 bytes')
    size += 1 + Buffer.byteLength(name) + sizeOf(each, depth + 1)
  }
  return size
}

function unsendable(problem: string): MillraceError {
  return new MillraceError('CODEC_FAILED', `the message cannot be sent: ${problem}`)
}
