import { MillraceError } from '@millrace/core'
import {
  decodedPoll,
  LatestAnswer,
  type ConnectorContext,
  type Poll,
  type SplitLag,
  type SplitReader,
} from '@millrace/core/connector'
import type { Channel } from './amqp/channel.ts'
import type { Connection } from './amqp/connection.ts'
import type { Delivered } from './amqp/content.ts'
import { unreadable } from './broker-error.ts'
import { carriedHeaders } from './headers.ts'
import { offsetOf, requireReadable, type Decode } from './message.ts'
import {
  consumeStream,
  creditPortion,
  endOf,
  stateOf,
  streamCredit,
  type StreamState,
} from './stream-probe.ts'
import type { Link } from './options.ts'

/** How far a stream was read. */
export interface StreamPosition {
  readonly [name: string]: number
  /** The offset of the next message. */
  readonly next: number
}

/** What a reader needs. */
export interface StreamReaderParts<T> {
  /** "source orders", for messages. */
  readonly what: string
  readonly name: string
  readonly clock: ConnectorContext['clock']
  readonly stream: string
  readonly link: Link
  readonly start: number
  /** In a bounded job: the offset of the last message to read. */
  readonly end: number | undefined
  readonly decode: Decode<T>
  /** The offset to read from. Throws if messages behind it are gone. */
  readonly check: (next: number, state: StreamState) => number
}

/** Reads one stream. What the broker sends ahead is bounded by credit, which `poll` gives back. */
export class StreamReader<T> implements SplitReader<T, StreamPosition> {
  readonly #parts: StreamReaderParts<T>
  #waiting: Delivered[] = []
  /** Messages behind a gap, while nothing says whether there was something in it; undefined otherwise. */
  #held: Delivered[] | undefined
  /** Where to resume after what was handed out, and after what has arrived. */
  #next: number
  #arrivedUpTo: number
  #channel: Channel | undefined
  /** The offset from which the channel has read. What came before cannot be acknowledged on it. */
  #channelStart = 0
  /** How many messages the channel has brought for which no credit was given back. */
  #unacknowledged = 0
  /** The last message of the channel that was handed out. */
  #lastTaken: Delivered | undefined
  #isCaughtUp = false
  #bytesRead = 0
  #isLooking = false
  #state: 'reading' | 'ended' | 'failed' | 'closed' = 'reading'
  #error: unknown
  #fail: (error: unknown) => void = () => {}
  #wakeReader: (() => void)[] = []
  #connection: Connection | undefined
  /** The offset after the newest message. */
  readonly #end: LatestAnswer<number>

  constructor(parts: StreamReaderParts<T>) {
    this.#parts = parts
    this.#end = new LatestAnswer(parts.clock, async () =>
      this.#connection === undefined ? undefined : endOf(this.#connection, parts.stream),
    )
    this.#next = parts.start
    this.#arrivedUpTo = parts.start
    if (parts.end !== undefined && parts.start > parts.end) this.#state = 'ended'
    else void this.#readAll()
  }

  poll(limit: number): Poll<T> {
    const { end = Infinity } = this.#parts
    if (this.#waiting.length > 0) {
      const taken = this.#waiting.splice(0, limit)
      this.#next = offsetOf(taken.at(-1)!)! + 1
      if (this.#next > this.#channelStart) this.#lastTaken = taken.at(-1)!
      this.#giveCredit()
      return this.#decoded(taken)
    }
    if (this.#state === 'failed') throw this.#error
    if (this.#state === 'reading' && this.#next > end) this.#state = 'ended'
    if (this.#state !== 'reading') return { kind: 'end' }
    if (!this.#isCaughtUp) this.#look()
    return { kind: 'pending', isCaughtUp: this.#isCaughtUp }
  }

  async ready(): Promise<void> {
    if (this.#waiting.length > 0 || this.#state !== 'reading') return
    await new Promise<void>((resolve) => this.#wakeReader.push(resolve))
  }

  position(): StreamPosition {
    return { next: this.#next }
  }

  /** The broker's own notes have offsets too, and count. */
  lag(): SplitLag | undefined {
    const { end } = this.#parts
    if (this.#isCaughtUp) return { records: 0 }
    if (end === undefined) this.#end.refresh()
    const next = end === undefined ? this.#end.value : end + 1
    return next === undefined ? undefined : { records: Math.max(next - this.#next, 0) }
  }

  /** The bodies of messages. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  close(): Promise<void> {
    if (this.#state === 'reading') this.#state = 'closed'
    this.#parts.link.close()
    this.#wake()
    return Promise.resolve()
  }

  #decoded(messages: readonly Delivered[]): Poll<T> {
    const { name: source, stream: split, decode } = this.#parts
    for (const { content } of messages) this.#bytesRead += content.length
    return decodedPoll(messages, {
      source,
      split,
      decode: (message) => {
        requireReadable(message)
        return decode(message, split)
      },
      raw: ({ content }) => content,
      place: (message) => `offset ${offsetOf(message)}`,
      headers: carriedHeaders,
    })
  }

  async #readAll(): Promise<void> {
    const { link, what, stream } = this.#parts
    try {
      await link.repeat((connection) => this.#readOver(connection))
    } catch (error) {
      if (this.#state !== 'reading') return
      this.#state = 'failed'
      this.#error = unreadable(what, `stream ${stream}`, link.address, error)
    }
    this.#wake()
  }

  /** Reads over one connection until it fails or the reader has ended. */
  async #readOver(connection: Connection): Promise<void> {
    const { link, stream, check } = this.#parts
    this.#held = undefined
    this.#arrivedUpTo = check(this.#arrivedUpTo, await stateOf(connection, stream))
    const channel = await connection.channel()
    const failed = new Promise<never>((_resolve, reject) => (this.#fail = reject))
    failed.catch(() => {})
    this.#channelStart = this.#arrivedUpTo
    this.#unacknowledged = 0
    this.#lastTaken = undefined
    const take = (message: Delivered | undefined): void => {
      if (message === undefined) this.#fail(new Error('the broker has cancelled the consumer'))
      else this.#take(connection, message)
    }
    await Promise.race([consumeStream(channel, stream, this.#arrivedUpTo, streamCredit, take), failed])
    this.#channel = channel
    this.#connection = connection
    this.#giveCredit()
    link.works()
    this.#wake()
    try {
      const reason = await Promise.race([channel.closed, failed])
      if (this.#state === 'reading') throw reason
    } finally {
      this.#channel = undefined
      this.#connection = undefined
    }
  }

  #take(connection: Connection, message: Delivered): void {
    const offset = offsetOf(message)
    this.#unacknowledged++
    if (offset === undefined) {
      this.#fail(this.#placeless(message))
      return
    }
    if (this.#held !== undefined) this.#held.push(message)
    else if (offset > this.#arrivedUpTo) void this.#takeAfterGap(connection, message)
    else this.#accept(message, offset)
  }

  #placeless({ problem }: Delivered): Error {
    const { what, stream } = this.#parts
    if (problem === undefined) return new Error('the broker has sent a message without an offset')
    // It comes again over the next connection.
    const message = `${what}: the headers of a message after offset ${this.#arrivedUpTo - 1} of stream ${stream} cannot be read: ${problem.message}`
    return new MillraceError('SOURCE_FAILED', message)
  }

  /** Takes a message that does not follow the one before it. The broker's own notes have offsets too. */
  async #takeAfterGap(connection: Connection, message: Delivered): Promise<void> {
    const { stream, check } = this.#parts
    const held = [message]
    this.#held = held
    try {
      const state = await stateOf(connection, stream)
      if (this.#held !== held) return
      check(this.#arrivedUpTo, { ...state, last: Number.MAX_SAFE_INTEGER })
      for (const each of held) {
        const offset = offsetOf(each)!
        // It was there before the broker was asked. A garbled offset would make everything up to it count as read.
        if (offset > this.#arrivedUpTo && offset > state.last) {
          throw new Error(`the broker has sent offset ${offset}, and its newest is ${state.last}`)
        }
        this.#accept(each, offset)
      }
      this.#held = undefined
    } catch (error) {
      this.#fail(error)
    }
  }

  #accept(message: Delivered, offset: number): void {
    const { end = Infinity } = this.#parts
    if (this.#state !== 'reading' || offset < this.#arrivedUpTo || offset > end) return
    this.#waiting.push(message)
    this.#arrivedUpTo = offset + 1
    this.#isCaughtUp = false
    this.#wake()
  }

  /** Asks for an answer: what was there arrives before it. */
  #look(): void {
    const channel = this.#channel
    if (channel === undefined || this.#isLooking || this.#held !== undefined) return
    this.#isLooking = true
    const before = this.#arrivedUpTo
    const looked = (isThere: boolean): void => {
      this.#isLooking = false
      if (isThere && before === this.#arrivedUpTo && this.#held === undefined) this.#isCaughtUp = true
      this.#wake()
    }
    channel.checkQueue(this.#parts.stream).then(
      () => looked(true),
      () => looked(false),
    )
  }

  /** For all messages that were handed out. */
  #giveCredit(): void {
    const channel = this.#channel
    if (channel === undefined || this.#lastTaken === undefined || this.#unacknowledged < creditPortion) return
    this.#unacknowledged = this.#waiting.length + (this.#held?.length ?? 0)
    try {
      channel.acknowledge(this.#lastTaken.tag)
    } catch {
      // The channel is closed.
    }
  }

  #wake(): void {
    if (this.#wakeReader.length === 0) return
    for (const wake of this.#wakeReader.splice(0)) wake()
  }
}
