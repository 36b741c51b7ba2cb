/** The methods of the protocol that this client speaks: their numbers, what it writes, and what it reads. */
import { BrokerError } from './amqp-error.ts'
import type { Cursor } from './cursor.ts'
import type { FrameWriter } from './frame-writer.ts'
import { frameTypes } from './frames.ts'
import { readTable, writeTable, type Table } from './table.ts'

/** The class of a method, and its number in that. */
export const methods = {
  start: 0x0a_000a,
  startOk: 0x0a_000b,
  secure: 0x0a_0014,
  tune: 0x0a_001e,
  tuneOk: 0x0a_001f,
  open: 0x0a_0028,
  openOk: 0x0a_0029,
  close: 0x0a_0032,
  closeOk: 0x0a_0033,
  blocked: 0x0a_003c,
  unblocked: 0x0a_003d,
  channelOpen: 0x14_000a,
  channelOpenOk: 0x14_000b,
  channelClose: 0x14_0028,
  channelCloseOk: 0x14_0029,
  exchangeDeclare: 0x28_000a,
  exchangeDeclareOk: 0x28_000b,
  queueDeclare: 0x32_000a,
  queueDeclareOk: 0x32_000b,
  qos: 0x3c_000a,
  qosOk: 0x3c_000b,
  consume: 0x3c_0014,
  consumeOk: 0x3c_0015,
  cancel: 0x3c_001e,
  publish: 0x3c_0028,
  return: 0x3c_0032,
  deliver: 0x3c_003c,
  ack: 0x3c_0050,
  reject: 0x3c_005a,
  nack: 0x3c_0078,
  confirmSelect: 0x55_000a,
  confirmSelectOk: 0x55_000b,
} as const

const names = new Map<number, string>(
  Object.entries(methods).map(([name, id]) => [
    id,
    name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  ]),
)

/** The name of a method, for messages. */
export function nameOf(id: number): string {
  return names.get(id) ?? `method ${Math.floor(id / 2 ** 16)}.${id % 2 ** 16}`
}

/** Writes a method of a channel as a frame. */
export function writeMethod(
  out: FrameWriter,
  channel: number,
  id: number,
  write: (out: FrameWriter) => void = () => {},
): void {
  out.begin(frameTypes.method, channel)
  out.uint32(id)
  write(out)
  out.end()
}

/** A question about a channel or something behind it, and how its answer is read. */
export interface Question<T> {
  readonly id: number
  readonly answer: number
  /** What it is about, for messages. */
  readonly about?: string
  readonly write: (out: FrameWriter) => void
  readonly read: (cursor: Cursor) => T
}

const nothing = (): void => {}

export const openQuestion: Question<void> = {
  id: methods.channelOpen,
  answer: methods.channelOpenOk,
  write: (out) => out.shortText(''),
  read: nothing,
}

export const closeQuestion: Question<void> = {
  id: methods.channelClose,
  answer: methods.channelCloseOk,
  write: (out) => writeClose(out, 'done'),
  read: nothing,
}

export const confirmQuestion: Question<void> = {
  id: methods.confirmSelect,
  answer: methods.confirmSelectOk,
  write: (out) => out.uint8(0),
  read: nothing,
}

/** Limits how many messages of each consumer may be here and not acknowledged. */
export function prefetchQuestion(count: number): Question<void> {
  return {
    id: methods.qos,
    answer: methods.qosOk,
    write: (out) => {
      out.uint32(0)
      out.uint16(count)
      out.uint8(0)
    },
    read: nothing,
  }
}

/** How many messages of a queue are ready, and how many consumers it has. */
export interface QueueFacts {
  readonly messageCount: number
  readonly consumerCount: number
}

const passive = 1

/** Asks about a queue that must exist. */
export function queueQuestion(queue: string): Question<QueueFacts> {
  return {
    id: methods.queueDeclare,
    answer: methods.queueDeclareOk,
    about: queue,
    write: (out) => {
      out.uint16(0)
      out.shortText(queue)
      out.uint8(passive)
      writeTable(out, {})
    },
    read: (cursor) => {
      cursor.shortText()
      return { messageCount: cursor.uint32(), consumerCount: cursor.uint32() }
    },
  }
}

/** Asks about an exchange that must exist. */
export function exchangeQuestion(exchange: string): Question<void> {
  return {
    id: methods.exchangeDeclare,
    answer: methods.exchangeDeclareOk,
    about: exchange,
    write: (out) => {
      out.uint16(0)
      out.shortText(exchange)
      // Its type is not compared.
      out.shortText('')
      out.uint8(passive)
      writeTable(out, {})
    },
    read: nothing,
  }
}

export function consumeQuestion(queue: string, tag: string, args: Table): Question<void> {
  return {
    id: methods.consume,
    answer: methods.consumeOk,
    about: queue,
    write: (out) => {
      out.uint16(0)
      out.shortText(queue)
      out.shortText(tag)
      // Messages of this connection too, with acknowledgements, for others as well, and with an answer.
      out.uint8(0)
      writeTable(out, args)
    },
    read: nothing,
  }
}

/** Writes why a channel or a connection is closed by this side. */
export function writeClose(out: FrameWriter, reason: string): void {
  const success = 200
  out.uint16(success)
  out.shortText(reason)
  out.uint32(0)
}

/** Reads why a broker closes a channel or a connection. */
export function readClose(cursor: Cursor, isAboutHost = false): BrokerError {
  return new BrokerError(cursor.uint16(), cursor.shortText(), isAboutHost)
}

/** What a broker begins with. */
export interface Greeting {
  readonly version: string
  readonly mechanisms: readonly string[]
}

export function readGreeting(cursor: Cursor): Greeting {
  const version = `${cursor.uint8()}.${cursor.uint8()}`
  readTable(cursor)
  return { version, mechanisms: cursor.longText().split(' ') }
}

/** The limits of a connection; 0 for none. */
export interface Limits {
  readonly channelMax: number
  readonly frameMax: number
  readonly heartbeatSeconds: number
}

export function readLimits(cursor: Cursor): Limits {
  return { channelMax: cursor.uint16(), frameMax: cursor.uint32(), heartbeatSeconds: cursor.uint16() }
}

export function writeLimits(out: FrameWriter, { channelMax, frameMax, heartbeatSeconds }: Limits): void {
  out.uint16(channelMax)
  out.uint32(frameMax)
  out.uint16(heartbeatSeconds)
}
