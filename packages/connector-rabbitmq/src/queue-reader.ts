import { MillraceError } from '@millrace/core'
import {
  headerColumn,
  LatestAnswer,
  type ConnectorContext,
  type DecodeFailure,
  type Poll,
  type SplitLag,
  type SplitReader,
} from '@millrace/core/connector'
import type { Channel } from './amqp/channel.ts'
import type { Connection } from './amqp/connection.ts'
import type { Delivered } from './amqp/content.ts'
import { placeOf, type Arrived } from './arrived.ts'
import { isAcknowledgementLate, reasonOf, unreadable } from './broker-error.ts'
import { DeliveryCount } from './delivery-count.ts'
import { KnownIds } from './known-ids.ts'
import { carriedHeaders } from './headers.ts'
import { offsetOf, requireId, requireReadable, type Decode } from './message.ts'
import type { Link } from './options.ts'

/** How far a queue was read. */
export interface QueuePosition {
  readonly [name: string]: string | number | readonly string[]
  /** The reader that has counted `taken`. */
  readonly reader: string
  /** How many messages it has handed out. */
  readonly taken: number
  /** The ids of the newest of them; none if messages that come again are not dropped. */
  readonly ids: readonly string[]
}

/** What a reader needs. */
export interface QueueReaderParts<T> {
  /** "source orders", for messages. */
  readonly what: string
  readonly queue: string
  readonly link: Link
  readonly from: QueuePosition | undefined
  readonly context: ConnectorContext
  /** How many messages are read at most. */
  readonly limit: number
  readonly prefetch: number
  readonly decode: Decode<T>
  /** The id by which a message that comes again is recognised; undefined if none is dropped. */
  readonly idOf: Decode<unknown> | undefined
  readonly rememberIds: number
  /** Whether messages that cannot be decoded are rejected. */
  readonly rejects: boolean
}

/** While messages come, the queue is not empty: it is asked for only after a pause. */
const lullMs = 5
/** How often it is asked at once whether a queue is empty, before it is asked with pauses. */
const quickLooks = 20
const longestLookMs = 1_000

/**
 * Reads one queue. Messages are numbered as they come. All deliveries of a channel follow one another, so the number of the last
 * message in a checkpoint says which of them are acknowledged.
 */
export class QueueReader<T> implements SplitReader<T, QueuePosition> {
  readonly mustStayOpen = true
  readonly acknowledgesLast = true
  readonly #parts: QueueReaderParts<T>
  readonly #reader: string
  readonly #known: KnownIds
  #waiting: Arrived[] = []
  #arrived = 0
  /** The number of the last one that was handed out, and how many were, without those that come again. */
  #taken = 0
  #read = 0
  #bytesRead = 0
  #channel: Channel | undefined
  /** How many messages had arrived before the first one of this channel. */
  #before = 0
  #acknowledged = 0
  /** Resolves when the broker has what was acknowledged. */
  #flushed: Promise<unknown> | undefined
  /** The numbers of messages to reject, once a checkpoint is after them. */
  #refused: number[] = []
  #isCaughtUp = false
  #looks = 0
  #isLooking = false
  /** How many messages had arrived when it was last asked whether the queue is empty. */
  #arrivedAtLook = 0
  #isHeldBack = false
  #rejected = 0
  readonly #deliveries: DeliveryCount
  #state: 'reading' | 'ended' | 'failed' | 'closed' = 'reading'
  #error: unknown
  #wakeReader: (() => void)[] = []
  /** How many messages no consumer of the queue was sent. */
  readonly #ready: LatestAnswer<number>
  readonly #onAbort = (): void => this.#wake()

  constructor(parts: QueueReaderParts<T>) {
    const { context, from, rememberIds, limit } = parts
    this.#parts = parts
    this.#reader = `${context.owner.epoch}-${context.random.int(2 ** 48).toString(36)}`
    this.#known = new KnownIds(rememberIds, from?.ids ?? [])
    this.#deliveries = new DeliveryCount(parts.what, parts.queue, (message) => context.warn(message))
    this.#ready = new LatestAnswer(context.clock, async () => {
      return (await this.#channel?.checkQueue(parts.queue))?.messageCount
    })
    parts.link.staysConnected = true
    context.signal.addEventListener('abort', this.#onAbort)
    if (limit === 0) this.#state = 'ended'
    else void this.#receiveAll()
  }

  poll(limit: number): Poll<T> {
    while (this.#state === 'reading' && this.#waiting.length > 0) {
      const wanted = Math.min(limit, this.#parts.limit - this.#read)
      const poll = this.#decoded(this.#waiting.splice(0, wanted))
      if (this.#read >= this.#parts.limit) this.#state = 'ended'
      if (poll !== undefined) return poll
    }
    if (this.#state === 'failed') throw this.#error
    if (this.#state !== 'reading') return { kind: 'end' }
    if (!this.#isCaughtUp) this.#look()
    return { kind: 'pending', isCaughtUp: this.#isCaughtUp }
  }

  async ready(): Promise<void> {
    const { signal } = this.#parts.context
    if (this.#waiting.length > 0 || this.#state !== 'reading' || signal.aborted) return
    await new Promise<void>((resolve) => this.#wakeReader.push(resolve))
  }

  position(): QueuePosition {
    return {
      reader: this.#reader,
      taken: this.#taken,
      ids: this.#parts.idOf === undefined ? [] : this.#known.list(),
    }
  }

  /** What no consumer of the queue was sent, and what waits here. */
  lag(): SplitLag | undefined {
    // A question about a queue that was deleted closes the channel, so none is asked where the answer is known.
    if (!this.#isCaughtUp) this.#ready.refresh()
    const ready = this.#isCaughtUp ? 0 : this.#ready.value
    if (ready === undefined) return undefined
    return { records: Math.min(ready + this.#waiting.length, this.#parts.limit - this.#read) }
  }

  /** The bodies of messages, also of those that have come again. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  /** Messages of an earlier connection are not acknowledged: the broker delivers them again. */
  acknowledge({ reader, taken }: QueuePosition): Promise<void> {
    const from = Math.max(this.#acknowledged, this.#before)
    if (reader !== this.#reader || taken <= from || this.#channel === undefined) return Promise.resolve()
    this.#acknowledged = taken
    this.#isHeldBack = false
    try {
      this.#settle(this.#channel, from, taken)
      // The answer comes after it. A connection that is closed before loses it.
      this.#flushed = this.#channel.checkQueue(this.#parts.queue).catch(() => {})
    } catch {
      // The channel is closed, so the messages come again.
    }
    this.#wake()
    return Promise.resolve()
  }

  async close(): Promise<void> {
    if (this.#state !== 'failed') this.#state = 'closed'
    this.#wake()
    await this.#flushed
    this.#parts.context.signal.removeEventListener('abort', this.#onAbort)
    this.#channel = undefined
    this.#parts.link.close()
  }

  /** Rejects and acknowledges the messages after `from`, up to `to`. */
  #settle(channel: Channel, from: number, to: number): void {
    const refused = new Set(this.#refused.filter((number) => number <= to))
    this.#refused = this.#refused.filter((number) => number > to)
    for (const number of refused) channel.reject(number - this.#before)
    // One that was rejected must not be named again: the broker would take it for a mistake, and acknowledge all.
    let last = to
    while (last > from && refused.has(last)) last--
    if (last > from) channel.acknowledge(last - this.#before)
  }

  /** Undefined if nothing is left of the messages. */
  #decoded(arrived: readonly Arrived[]): Poll<T> | undefined {
    const { queue, context, idOf } = this.#parts
    const values: T[] = []
    const read: Arrived[] = []
    const failures: DecodeFailure[] = []
    for (const each of arrived) {
      const { number, message } = each
      this.#taken = number
      this.#read++
      this.#bytesRead += message.content.length
      try {
        requireReadable(message)
        if (idOf !== undefined && this.#known.note(requireId(idOf(message, queue)))) continue
        values.push(this.#parts.decode(message, queue))
        read.push(each)
      } catch (error) {
        if (this.#parts.rejects) this.#reject(number, error)
        else
          failures.push({
            index: values.length,
            error,
            raw: message.content,
            place: placeOf(each),
            headers: carriedHeaders(message),
          })
      }
    }
    if (values.length === 0 && failures.length === 0) return undefined
    const origin = {
      source: context.name,
      split: queue,
      place: (index: number) => placeOf(read[index]!),
      raw: (index: number) => read[index]!.message.content,
    }
    const headers = headerColumn(read, (each) => carriedHeaders(each.message))
    return { kind: 'records', values, headers, origin, failures }
  }

  #reject(number: number, error: unknown): void {
    const { what, queue, context } = this.#parts
    this.#refused.push(number)
    // Once for each power of two.
    if ((++this.#rejected & (this.#rejected - 1)) !== 0) return
    context.warn(
      `${what} has rejected ${this.#rejected} ${this.#rejected === 1 ? 'message' : 'messages'} of queue ${queue} that cannot be decoded; the last: ${reasonOf(error)}`,
    )
  }

  async #receiveAll(): Promise<void> {
    const { link, what, queue } = this.#parts
    try {
      await link.repeat((connection) => this.#receive(connection))
    } catch (error) {
      if (this.#state !== 'reading') return
      this.#state = 'failed'
      this.#error = unreadable(what, `queue ${queue}`, link.address, error)
    }
    this.#wake()
  }

  /** Receives over one connection until it fails or the reader is closed. */
  async #receive(connection: Connection): Promise<void> {
    const { link, prefetch } = this.#parts
    while (!connection.isClosed && !this.#isClosed()) {
      const channel = await connection.channel()
      // What is here of an earlier channel cannot be acknowledged, and comes again.
      this.#waiting = []
      this.#refused = []
      this.#read -= Math.max(0, this.#taken - Math.max(this.#acknowledged, this.#before))
      this.#before = this.#arrived
      this.#looks = 0
      this.#isCaughtUp = false
      this.#isHeldBack = false
      await channel.prefetch(prefetch)
      const cancelled = this.#consume(channel)
      await cancelled.begun
      this.#channel = channel
      link.works()
      this.#wake()
      const reason = await Promise.race([channel.closed, cancelled.ended])
      this.#channel = undefined
      if (this.#isClosed()) return
      this.#explain(reason)
    }
    if (!this.#isClosed()) throw new Error('the connection is closed')
  }

  /** `ended` resolves when the broker cancels the consumer, because the queue was deleted or has moved. */
  #consume(channel: Channel): { begun: Promise<unknown>; ended: Promise<undefined> } {
    const { queue } = this.#parts
    let cancel: (nothing: undefined) => void
    const ended = new Promise<undefined>((resolve) => (cancel = resolve))
    const begun = channel.consume(queue, (message) => {
      if (message === undefined) {
        channel.close().catch(() => {})
        cancel(undefined)
      } else this.#take(message)
    })
    return { begun, ended }
  }

  #take(message: Delivered): void {
    const { what, queue } = this.#parts
    if (this.#state !== 'reading') return
    if (this.#arrived === this.#before && offsetOf(message) !== undefined) {
      const text = `${what}: ${queue} is a stream; read it with rabbitmq.readJson, readText or readMessages. If it is none, its messages come from one: write them without the header x-stream-offset`
      this.#error = new MillraceError('OPTION_INVALID', text, { isFinal: true })
      this.#state = 'failed'
    } else {
      this.#deliveries.note(message)
      this.#waiting.push({ number: ++this.#arrived, message })
      this.#isCaughtUp = false
      this.#looks = 0
    }
    this.#wake()
  }

  /** Why the channel was closed, where that needs someone to do something. Throws what is final. */
  #explain(reason: Error | undefined): void {
    const { what, queue, context } = this.#parts
    if (reason === undefined) {
      context.warn(
        `${what}: the broker has cancelled the consumer of queue ${queue}, because the queue was deleted or has moved; it is read again if it is there`,
      )
    } else if (isAcknowledgementLate(reason)) {
      context.warn(
        `${what}: the broker has closed the channel of queue ${queue}, because a message was not acknowledged in time; its messages come again. Make checkpoints more often, or raise consumer_timeout of the broker: ${reasonOf(reason)}`,
      )
    } else {
      throw reason
    }
  }

  /** Asks whether the queue is empty, and everything that was in it is here. */
  #look(): void {
    const channel = this.#channel
    if (channel === undefined || this.#isLooking || this.#isFull()) return
    this.#isLooking = true
    const look = (): void => {
      void this.#lookAt(channel).then(
        (isEmpty) => this.#looked(isEmpty),
        () => this.#looked(false),
      )
    }
    if (this.#arrivedAtLook === this.#arrived) return look()
    this.#arrivedAtLook = this.#arrived
    this.#parts.link.timer(lullMs, () => {
      if (this.#arrivedAtLook === this.#arrived) return look()
      this.#isLooking = false
      this.#wake()
    })
  }

  async #lookAt(channel: Channel): Promise<boolean> {
    const arrived = this.#arrived
    const { messageCount } = await channel.checkQueue(this.#parts.queue)
    return messageCount === 0 && this.#arrived === arrived
  }

  #looked(isEmpty: boolean): void {
    this.#isLooking = false
    if (this.#state !== 'reading') return
    this.#looks++
    // A message may be on its way between queue and channel, so one look is not enough.
    if (isEmpty && this.#looks > 1) {
      this.#isCaughtUp = true
      if (this.#parts.limit !== Infinity) this.#state = 'ended'
      this.#wake()
    } else if (this.#looks < quickLooks) {
      this.#wake()
    } else {
      // Another consumer has what is there.
      const { clock, signal } = this.#parts.context
      const ms = Math.min(2 ** (this.#looks - quickLooks), longestLookMs)
      const end = (): void => {
        timer[Symbol.dispose]()
        signal.removeEventListener('abort', end)
        this.#wake()
      }
      const timer = clock.schedule(ms, end)
      signal.addEventListener('abort', end, { once: true })
      this.#wakeReader.push(end)
    }
  }

  /** Whether the broker sends nothing before something is acknowledged. */
  #isFull(): boolean {
    const { prefetch, what, context, queue } = this.#parts
    const isFull = this.#arrived - Math.max(this.#acknowledged, this.#before) >= prefetch
    if (isFull && !this.#isHeldBack) {
      this.#isHeldBack = true
      context.warn(
        `${what} waits for a checkpoint: ${prefetch} messages of queue ${queue} are not acknowledged (prefetch); raise prefetch, or make checkpoints more often`,
      )
    }
    return isFull
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  #wake(): void {
    if (this.#wakeReader.length === 0) return
    for (const wake of this.#wakeReader.splice(0)) wake()
  }
}
