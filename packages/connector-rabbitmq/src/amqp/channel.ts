import { AmqpError, BrokerError } from './amqp-error.ts'
import { Confirms, type Confirmed } from './confirms.ts'
import { Assembly, writeHead, type ContentProperties, type Delivered, type Envelope } from './content.ts'
import type { Cursor } from './cursor.ts'
import type { FrameWriter } from './frame-writer.ts'
import { frameHeadBytes, frameTypes } from './frames.ts'
import {
  closeQuestion,
  confirmQuestion,
  consumeQuestion,
  exchangeQuestion,
  methods,
  nameOf,
  openQuestion,
  prefetchQuestion,
  queueQuestion,
  readClose,
  writeMethod,
  type Question,
  type QueueFacts,
} from './methods.ts'
import type { Table } from './table.ts'

/** What a channel needs of its connection. */
export interface ChannelSurroundings {
  readonly number: number
  readonly frameMax: number
  /** Writes frames, which are sent soon. */
  readonly send: (write: (out: FrameWriter) => void) => void
  /** Called when the channel is closed by both sides. */
  readonly closed: () => void
}

/** A question that waits for its turn or its answer. */
interface Asked {
  readonly question: Question<unknown>
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
  /** How often the connection has looked whether the answer is there. */
  looks: number
}

/** Gets the messages of a queue or a stream; undefined when the broker has cancelled the consumer. */
export type Consumer = (message: Delivered | undefined) => void

const consumerTag = 'millrace'
const mandatory = 1

/** A channel. It has one consumer at most, and one question is asked at a time. */
export class Channel {
  /** Resolves when it is closed, by whatever. */
  readonly closed: Promise<Error>
  /** Called for a message that no queue has taken. */
  returned: (message: Delivered) => void = () => {}
  readonly #around: ChannelSurroundings
  readonly #assembly = new Assembly()
  readonly #confirms = new Confirms()
  #asked: Asked[] = []
  #consumer: Consumer | undefined
  #delivered = 0
  #state: 'open' | 'closing' | 'closed' = 'open'
  #end!: (reason: Error) => void

  constructor(around: ChannelSurroundings) {
    this.#around = around
    this.closed = new Promise((resolve) => (this.#end = resolve))
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  open(): Promise<void> {
    return this.#ask(openQuestion)
  }

  /** From now on the broker confirms what is published. */
  confirm(): Promise<void> {
    return this.#ask(confirmQuestion)
  }

  prefetch(count: number): Promise<void> {
    return this.#ask(prefetchQuestion(count))
  }

  checkQueue(queue: string): Promise<QueueFacts> {
    return this.#ask(queueQuestion(queue))
  }

  checkExchange(exchange: string): Promise<void> {
    return this.#ask(exchangeQuestion(exchange))
  }

  consume(queue: string, consumer: Consumer, args: Table = {}): Promise<void> {
    this.#consumer = consumer
    return this.#ask(consumeQuestion(queue, consumerTag, args))
  }

  /** Acknowledges the message with a tag and those before it. */
  acknowledge(tag: number): void {
    this.#write(methods.ack, (out) => {
      out.int64(tag)
      out.uint8(1)
    })
  }

  /** The broker dead-letters the message with a tag, or drops it. */
  reject(tag: number): void {
    this.#write(methods.reject, (out) => {
      out.int64(tag)
      out.uint8(0)
    })
  }

  /** Throws for what cannot be written. `confirmed` is not called once the channel is closed. */
  publish(
    { exchange, routingKey }: Envelope,
    content: Uint8Array,
    properties: ContentProperties,
    confirmed: Confirmed,
  ): void {
    if (this.#state !== 'open') throw new Error('the channel is closed')
    const { number, frameMax, send } = this.#around
    send((out) => {
      writeMethod(out, number, methods.publish, () => {
        out.uint16(0)
        out.shortText(exchange)
        out.shortText(routingKey)
        out.uint8(mandatory)
      })
      out.begin(frameTypes.header, number)
      writeHead(out, content.length, properties)
      out.end()
      const most = frameMax - frameHeadBytes - 1
      for (let at = 0; at < content.length; at += most) {
        out.begin(frameTypes.body, number)
        out.bytes(content.length <= most ? content : content.subarray(at, at + most))
        out.end()
      }
    })
    this.#confirms.add(confirmed)
  }

  /** Resolves when the broker knows, too. */
  async close(): Promise<void> {
    if (this.#state !== 'open') return
    const answer = this.#ask(closeQuestion)
    this.#state = 'closing'
    await answer
    this.#closedBy(new Error('the channel is closed'))
    this.#around.closed()
  }

  /** Handles a method of the broker. Throws an `AmqpError` for one that nothing has asked for. */
  method(id: number, cursor: Cursor): void {
    if (this.#assembly.isInside) throw new AmqpError(`${nameOf(id)} comes in the middle of a message`)
    const isAnswer = id === this.#asked[0]?.question.answer
    if (id === methods.channelClose) this.#refused(readClose(cursor))
    else if (isAnswer) this.#answer(cursor)
    else if (id === methods.deliver) this.#deliver(cursor)
    else if (id === methods.return) this.#return(cursor)
    else if (this.#state === 'closing') return
    else if (id === methods.ack || id === methods.nack)
      this.#confirms.settle(cursor.uint64(), (cursor.uint8() & 1) === 1, id === methods.ack)
    else if (id === methods.cancel) this.#consumer?.(undefined)
    else throw new AmqpError(`the broker sends ${nameOf(id)}, which nothing has asked for`)
  }

  head(cursor: Cursor): void {
    this.#take(this.#assembly.head(cursor))
  }

  body(cursor: Cursor): void {
    this.#take(this.#assembly.body(cursor))
  }

  /** The connection is lost. */
  lose(error: Error): void {
    this.#closedBy(error)
  }

  /** Whether the question that was asked first has had no answer at so many looks. */
  hasWaited(looks: number): string | undefined {
    const [first] = this.#asked
    if (first === undefined || ++first.looks <= looks) return undefined
    const { id, about } = first.question
    return about === undefined ? nameOf(id) : `${nameOf(id)} of ${about}`
  }

  #ask<T>(question: Question<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#state !== 'open') {
        reject(new Error('the channel is closed'))
        return
      }
      this.#asked.push({ question, resolve: resolve as (answer: unknown) => void, reject, looks: 0 })
      if (this.#asked.length === 1) this.#askFirst()
    })
  }

  #askFirst(): void {
    const [first] = this.#asked
    if (first === undefined) return
    const { id, write } = first.question
    this.#around.send((out) => writeMethod(out, this.#around.number, id, write))
  }

  #answer(cursor: Cursor): void {
    const first = this.#asked[0]!
    const answer = first.question.read(cursor)
    this.#asked.shift()
    this.#askFirst()
    first.resolve(answer)
  }

  #write(id: number, write: (out: FrameWriter) => void): void {
    if (this.#state !== 'open') throw new Error('the channel is closed')
    this.#around.send((out) => writeMethod(out, this.#around.number, id, write))
  }

  #deliver(cursor: Cursor): void {
    const consumer = cursor.shortText()
    const tag = cursor.uint64()
    const isRedelivered = (cursor.uint8() & 1) === 1
    const envelope = { exchange: cursor.shortText(), routingKey: cursor.shortText() }
    // One that was lost on the way would be acknowledged with those behind it.
    if (consumer !== consumerTag || tag !== this.#delivered + 1)
      throw new AmqpError(`the broker delivers message ${tag} after message ${this.#delivered}`)
    this.#delivered = tag
    this.#assembly.begin(envelope, tag, isRedelivered)
  }

  #return(cursor: Cursor): void {
    cursor.uint16()
    cursor.shortText()
    this.#assembly.begin({ exchange: cursor.shortText(), routingKey: cursor.shortText() }, 0, false)
  }

  #take(message: Delivered | undefined): void {
    // While this side closes it the broker may still send messages.
    if (message === undefined || this.#state !== 'open') return
    if (message.tag === 0) this.returned(message)
    else this.#consumer?.(message)
  }

  /** The broker has closed the channel. */
  #refused(error: BrokerError): void {
    const { number, send, closed } = this.#around
    send((out) => writeMethod(out, number, methods.channelCloseOk))
    // Where both sides close it, the answer to this side comes too.
    if (this.#state === 'closing') return
    this.#closedBy(error)
    closed()
  }

  #closedBy(error: Error): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#end(error)
    for (const { reject } of this.#asked.splice(0)) reject(error)
  }
}
