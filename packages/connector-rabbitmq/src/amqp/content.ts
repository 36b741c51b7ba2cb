/** Messages: what they say about themselves, and how one is put together from its frames. */
import { AmqpError } from './amqp-error.ts'
import type { Cursor } from './cursor.ts'
import type { FrameWriter } from './frame-writer.ts'
import { readTable, writeTable, type Table } from './table.ts'

/** What a message says about itself. Times are seconds since 1970. */
export interface ContentProperties {
  contentType?: string
  contentEncoding?: string
  headers?: Table
  deliveryMode?: number
  priority?: number
  correlationId?: string
  replyTo?: string
  expiration?: string
  messageId?: string
  timestamp?: number
  type?: string
  userId?: string
  appId?: string
}

/** Where a message was sent to. */
export interface Envelope {
  readonly exchange: string
  readonly routingKey: string
}

/** A message that has arrived. */
export interface Delivered extends Envelope {
  /** The number of the message on its channel; 0 for one that the broker returned. */
  readonly tag: number
  readonly isRedelivered: boolean
  readonly properties: ContentProperties
  readonly content: Buffer
  /** Why its properties cannot be read; undefined if they can. Those before the unreadable one are there. */
  readonly problem: AmqpError | undefined
}

/** A larger message is none: RabbitMQ takes none of more than 512 MiB. */
const messageBytesMax = 2 ** 29

const contentClass = 60

/** The properties in the order of their flags, which begin with the highest bit. */
const order = [
  'contentType',
  'contentEncoding',
  'headers',
  'deliveryMode',
  'priority',
  'correlationId',
  'replyTo',
  'expiration',
  'messageId',
  'timestamp',
  'type',
  'userId',
  'appId',
] as const satisfies readonly (keyof ContentProperties)[]

const highest = 2 ** 15

/** Reads properties into an object. Throws an `AmqpError`. */
function readProperties(cursor: Cursor, properties: ContentProperties): void {
  const flags = cursor.uint16()
  if (flags === 0) return
  for (let at = 0, flag = highest; at < order.length; at++, flag >>= 1) {
    if ((flags & flag) === 0) continue
    const name = order[at]!
    if (name === 'headers') properties.headers = readTable(cursor)
    else if (name === 'deliveryMode' || name === 'priority') properties[name] = cursor.uint8()
    else if (name === 'timestamp') properties.timestamp = cursor.int64()
    else properties[name] = cursor.shortText()
  }
}

/** Writes the payload of a frame with the size and the properties of a message. */
export function writeHead(out: FrameWriter, size: number, properties: ContentProperties): void {
  out.uint16(contentClass)
  out.uint16(0)
  out.uint32(Math.floor(size / 2 ** 32))
  out.uint32(size % 2 ** 32)
  let flags = 0
  for (let at = 0, flag = highest; at < order.length; at++, flag >>= 1) {
    if (properties[order[at]!] !== undefined) flags |= flag
  }
  out.uint16(flags)
  for (const name of order) {
    const value = properties[name]
    if (value === undefined) continue
    if (name === 'headers') writeTable(out, value as Table)
    else if (name === 'deliveryMode' || name === 'priority') out.uint8(value as number)
    else if (name === 'timestamp') out.int64(value as number)
    else out.shortText(value as string)
  }
}

const noBytes = Buffer.alloc(0)

/** Puts one message after the other together: a method, a head with its size, and frames with its bytes. */
export class Assembly {
  #begun: { readonly envelope: Envelope; readonly tag: number; readonly isRedelivered: boolean } | undefined
  #properties: ContentProperties | undefined
  #problem: AmqpError | undefined
  #size = 0
  #have = 0
  /** Grows with what comes, and not with what is promised. */
  #content = noBytes

  /** Begins a message. Throws an `AmqpError` if another one is not complete. */
  begin(envelope: Envelope, tag: number, isRedelivered: boolean): void {
    if (this.#begun !== undefined) throw new AmqpError('a message begins before the one before it has ended')
    this.#begun = { envelope, tag, isRedelivered }
  }

  /** Whether a message has begun that is not complete. */
  get isInside(): boolean {
    return this.#begun !== undefined
  }

  /** Returns the message if it has no bytes. Throws an `AmqpError`. */
  head(cursor: Cursor): Delivered | undefined {
    if (this.#begun === undefined || this.#properties !== undefined)
      throw new AmqpError('the head of a message comes without a message')
    if (cursor.uint16() !== contentClass) throw new AmqpError('the head of a message has an unknown class')
    cursor.uint16()
    const size = cursor.uint64()
    if (size > messageBytesMax) throw new AmqpError(`a message of ${size} bytes is larger than any`)
    const properties: ContentProperties = {}
    try {
      readProperties(cursor, properties)
    } catch (error) {
      // The message is whole, and it comes again and again until someone takes it.
      if (!(error instanceof AmqpError)) throw error
      this.#problem = error
    }
    this.#properties = properties
    this.#size = size
    return size === 0 ? this.#finish(noBytes) : undefined
  }

  /** Returns the message if it is complete. Throws an `AmqpError`. */
  body(cursor: Cursor): Delivered | undefined {
    const count = cursor.left
    if (this.#properties === undefined || count === 0)
      throw new AmqpError('bytes of a message come without a message, or none of one')
    const have = this.#have + count
    if (have > this.#size) throw new AmqpError('a message has more bytes than it says')
    if (count === this.#size) return this.#finish(cursor.bytes(count))
    if (have > this.#content.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#size, have * 2))
      this.#content.copy(larger, 0, 0, this.#have)
      this.#content = larger
    }
    cursor.copy(this.#content, this.#have)
    this.#have = have
    return have === this.#size ? this.#finish(this.#content) : undefined
  }

  #finish(content: Buffer): Delivered {
    const { envelope, tag, isRedelivered } = this.#begun!
    const message = {
      exchange: envelope.exchange,
      routingKey: envelope.routingKey,
      tag,
      isRedelivered,
      properties: this.#properties!,
      content,
      problem: this.#problem,
    }
    this.#begun = undefined
    this.#properties = undefined
    this.#problem = undefined
    this.#have = 0
    this.#content = noBytes
    return message
  }
}
