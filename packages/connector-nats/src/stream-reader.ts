import { describeError, MillraceError } from '@millrace/core'
import {
  decodedPoll,
  LatestAnswer,
  type ConnectorContext,
  type Poll,
  type SplitLag,
  type SplitReader,
} from '@millrace/core/connector'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { Decode, StreamPosition } from './message.ts'
import { carriedHeaders } from './headers.ts'
import { placeOf, type Place } from './place.ts'
import { keepsNewest, MessageFetcher, stateOf, type StreamState } from './stream.ts'
import type { Link } from './options.ts'

/** What a reader needs. */
export interface StreamReaderParts<T> {
  /** "source orders", for messages. */
  readonly what: string
  readonly name: string
  readonly clock: ConnectorContext['clock']
  readonly stream: string
  readonly subjects: readonly string[]
  readonly link: Link
  readonly start: StreamPosition
  /** In a bounded job: the sequence of the last message to read. */
  readonly end: number | undefined
  readonly decode: Decode<Msg, T>
  /** The position to read from. Throws if messages behind it are gone. */
  readonly check: (position: StreamPosition, state: StreamState) => StreamPosition
}

/** How many messages are asked for at a time, and how many are fetched ahead at most. */
const COUNT = 1_000
const AHEAD = 4_000

/** Reads one stream, and fetches ahead. */
export class StreamReader<T> implements SplitReader<T, StreamPosition> {
  readonly #parts: StreamReaderParts<T>
  readonly #waiting: Msg[] = []
  /** Where to resume after what was handed out, and after what was fetched. */
  #position: StreamPosition
  #fetchedUpTo: StreamPosition
  #isCaughtUp = false
  #bytesRead = 0
  #state: 'reading' | 'ended' | 'failed' | 'closed' = 'reading'
  #error: unknown
  #wakeReader: (() => void)[] = []
  #wakeFetcher: (() => void) | undefined
  #fetcher: MessageFetcher | undefined
  /** Each message says how many are after it, so it is asked only while none is fetched. */
  readonly #look: LatestAnswer<number>

  constructor(parts: StreamReaderParts<T>) {
    this.#parts = parts
    this.#look = new LatestAnswer(parts.clock, async () => this.#fetcher?.look())
    this.#position = parts.start
    this.#fetchedUpTo = parts.start
    void this.#fetchAll()
  }

  poll(limit: number): Poll<T> {
    if (this.#waiting.length === 0) {
      if (this.#state === 'failed') throw this.#error
      this.#position = this.#fetchedUpTo
      if (this.#state !== 'reading') return { kind: 'end' }
      return { kind: 'pending', isCaughtUp: this.#isCaughtUp }
    }
    const taken = this.#waiting.splice(0, limit)
    this.#position =
      this.#waiting.length === 0
        ? this.#fetchedUpTo
        : { next: placeOf(taken.at(-1)!).sequence + 1, created: this.#fetchedUpTo.created }
    if (this.#waiting.length < AHEAD) this.#wakeFetcher?.()
    return this.#decoded(taken)
  }

  async ready(): Promise<void> {
    if (this.#waiting.length > 0 || this.#state !== 'reading') return
    await new Promise<void>((resolve) => this.#wakeReader.push(resolve))
  }

  position(): StreamPosition {
    return this.#position
  }

  /** Only messages with the wanted subjects count. */
  lag(): SplitLag | undefined {
    if (this.#fetcher === undefined) return undefined
    if (this.#waiting.length >= AHEAD) this.#look.refresh()
    const { end = Infinity } = this.#parts
    const records = this.#waiting.length + this.#fetcher.behind
    return { records: Math.max(0, Math.min(records, end + 1 - this.#position.next)) }
  }

  /** The data of messages, without subjects and headers. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  close(): Promise<void> {
    if (this.#state === 'reading') this.#state = 'closed'
    this.#parts.link.close()
    this.#wakeFetcher?.()
    this.#wake()
    return Promise.resolve()
  }

  #decoded(messages: readonly Msg[]): Poll<T> {
    const { name: source, stream: split, decode } = this.#parts
    for (const { data } of messages) this.#bytesRead += data.length
    return decodedPoll(messages, {
      source,
      split,
      decode,
      raw: ({ data }) => data,
      place: (message) => `sequence ${placeOf(message).sequence}`,
      headers: carriedHeaders,
    })
  }

  async #fetchAll(): Promise<void> {
    const { link, what, stream } = this.#parts
    try {
      await link.repeat((nc) => this.#fetchWith(nc))
    } catch (error) {
      if (this.#state !== 'reading') return
      this.#state = 'failed'
      this.#error =
        error instanceof MillraceError
          ? error
          : new MillraceError(
              'SOURCE_FAILED',
              `${what}: stream ${stream} on ${link.address} cannot be read: ${describeError(error)}`,
              { cause: error },
            )
    }
    this.#wake()
  }

  /** Fetches over one connection until it fails or the reader has ended. */
  async #fetchWith(nc: NatsConnection): Promise<void> {
    const { link, what, stream, subjects } = this.#parts
    const state = await stateOf(nc, what, stream)
    this.#fetchedUpTo = this.#parts.check(this.#fetchedUpTo, state)
    const from = { sequence: this.#fetchedUpTo.next }
    const fetcher = await MessageFetcher.open(nc, link, { stream, from, subjects })
    this.#fetcher = fetcher
    link.works()
    if (fetcher.pending === 0) this.#caughtUp(state.last)
    const findsGaps = subjects.length === 0 && !keepsNewest(state.config)
    try {
      while (this.#state === 'reading') {
        if (this.#waiting.length >= AHEAD) {
          await new Promise<void>((resolve) => (this.#wakeFetcher = resolve))
          continue
        }
        const count = await fetcher.fetch(COUNT, (message, place) =>
          findsGaps && place.sequence > this.#fetchedUpTo.next
            ? this.#takeAfterGap(nc, message, place)
            : this.#take(message, place),
        )
        link.works()
        if (count === 0) await this.#skipOthers(nc, fetcher)
      }
    } finally {
      await fetcher.close()
    }
  }

  /** Takes a message that does not follow the one before it. Messages between them may have been deleted on purpose. */
  async #takeAfterGap(nc: NatsConnection, message: Msg, place: Place): Promise<boolean> {
    const { what, stream, check } = this.#parts
    check(this.#fetchedUpTo, await stateOf(nc, what, stream))
    return this.#take(message, place)
  }

  /** Whether more is wanted. */
  #take(message: Msg, { sequence, pending }: Place): boolean {
    const { end = Infinity } = this.#parts
    if (this.#state !== 'reading') return false
    if (sequence <= end) {
      this.#waiting.push(message)
      this.#fetchedUpTo = { next: sequence + 1, created: this.#fetchedUpTo.created }
    }
    this.#isCaughtUp = false
    // Nothing else that is wanted was there, so in a bounded job nothing up to its end.
    if (pending === 0 || sequence >= end) {
      this.#caughtUp(end === Infinity ? sequence : end)
    }
    this.#wake()
    return this.#state === 'reading'
  }

  /** While nothing comes: messages with other subjects count as read, so that nothing is missed when they are deleted. */
  async #skipOthers(nc: NatsConnection, fetcher: MessageFetcher): Promise<void> {
    const { what, stream } = this.#parts
    const { last } = await stateOf(nc, what, stream)
    if (last >= this.#fetchedUpTo.next && (await fetcher.isDrained())) this.#caughtUp(last)
  }

  /** Everything up to a sequence was fetched. */
  #caughtUp(last: number): void {
    const { end } = this.#parts
    const next = Math.min(last, end ?? Infinity) + 1
    if (next > this.#fetchedUpTo.next) this.#fetchedUpTo = { ...this.#fetchedUpTo, next }
    this.#isCaughtUp = true
    if (end !== undefined && this.#state === 'reading') this.#state = 'ended'
    this.#wake()
  }

  #wake(): void {
    if (this.#wakeReader.length === 0) return
    for (const wake of this.#wakeReader.splice(0)) wake()
  }
}
