import type {
  Feed,
  FeedListener,
  KafkaPort,
  KafkaRecord,
  TopicPartition,
} from '@millrace/connector-kafka/port'
import { describeError, MillraceError, type EventTime, type Json } from '@millrace/core'
import type { Batch, Poll, SplitLag, SplitReader } from '@millrace/core/connector'
import { FirstWords } from './first-words.ts'
import type { Purge } from './purge.ts'
import type { SavedSenders, Senders } from './senders.ts'
import { readMessage, readRecords } from './shuffle-message.ts'

/** Where to read on in a partition of a shuffle, and how far its senders are. */
export interface ShufflePosition {
  readonly [name: string]: Json
  /** The offset of the next message. */
  readonly offset: number
  /** How many of its records were read. */
  readonly index: number
  readonly senders: SavedSenders
}

export interface ShuffleReaderParts {
  /** For messages: "source totals (shuffle in)". */
  readonly what: string
  readonly split: string
  readonly of: TopicPartition
  readonly port: Pick<KafkaPort, 'feed'>
  readonly senders: Senders
  /** Whether records have event times. */
  readonly isTimed: boolean
  readonly purge: Purge
  /** When it aborts, nothing is waited for any longer. */
  readonly signal: AbortSignal
}

/** The records of a message that is being handed out. */
interface OpenMessage {
  readonly sender: number
  readonly batch: Batch
}

/** So many messages may wait before the delivery is paused, or so many bytes of them. It is resumed at a quarter of both. */
const manyMessages = 4_000
const manyBytes = 4 * 2 ** 20

/** Reads one partition of a shuffle. Messages wait here, and the partition is paused when there are many. */
export class ShuffleReader implements SplitReader<unknown, ShufflePosition>, FeedListener {
  readonly #parts: ShuffleReaderParts
  #feed: Feed | undefined
  /** Messages from `#at` on wait. */
  #waiting: KafkaRecord[] = []
  #at = 0
  #waitingBytes = 0
  #open: OpenMessage | undefined
  /** How many records of the open message, or of the first one that waits, were handed out. */
  #index: number
  #deliveredUpTo: number
  #isPaused = false
  #isCaughtUp = false
  #state: 'reading' | 'failed' | 'closed' = 'reading'
  #error: unknown
  /** Whether something has happened since the last poll. */
  #hasNews = false
  #wakeReader: (() => void)[] = []
  /** What the engine knows of event time. */
  #reported: { readonly watermark: EventTime; readonly isIdle: boolean } | undefined
  readonly #onAbort = (): void => this.#wake()

  constructor(parts: ShuffleReaderParts, from: { readonly offset: number; readonly index: number }) {
    this.#parts = parts
    this.#deliveredUpTo = from.offset
    this.#index = from.index
    parts.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Begins to read. */
  async start(): Promise<void> {
    const { port, of, senders, isTimed } = this.#parts
    if (!isTimed || senders.silent.length === 0) return this.#readOn()
    const words = new FirstWords(senders, (error) => {
      this.#feed?.close()
      if (error === undefined) this.#readOn().catch((failure: unknown) => this.failed(failure))
      else this.failed(error)
    })
    this.#delivers(await port.feed(of, this.#deliveredUpTo, words), () => words.isOver)
  }

  records(records: readonly KafkaRecord[], next: number): void {
    if (this.#state !== 'reading') return
    for (const record of records) {
      if (record.offset < this.#deliveredUpTo) continue
      this.#waiting.push(record)
      this.#waitingBytes += record.value?.length ?? 0
    }
    this.#deliveredUpTo = Math.max(this.#deliveredUpTo, next)
    this.#isCaughtUp = false
    if (!this.#isPaused && this.#holdsMore(1)) {
      this.#isPaused = true
      this.#feed?.pause()
    }
    this.#wake()
  }

  caughtUp(offset: number): void {
    if (this.#state !== 'reading') return
    // The marks of transactions have offsets too.
    this.#deliveredUpTo = Math.max(this.#deliveredUpTo, offset)
    this.#isCaughtUp = true
    this.#wake()
  }

  failed(error: unknown): void {
    if (this.#state !== 'reading') return
    this.#state = 'failed'
    const message = `${this.#parts.what} cannot be read: ${describeError(error)}`
    this.#error =
      error instanceof MillraceError ? error : new MillraceError('SOURCE_FAILED', message, { cause: error })
    this.#wake()
  }

  poll(limit: number): Poll<unknown> {
    this.#hasNews = false
    const open = this.#next()
    if (open !== undefined) return this.#some(open, limit)
    if (this.#state === 'failed') throw this.#error
    const { senders } = this.#parts
    const isCaughtUp = this.#isCaughtUp
    if (senders.haveEnded && isCaughtUp) return { kind: 'end' }
    const progress = { watermark: senders.current, isIdle: senders.areIdle }
    const isNew =
      progress.watermark !== this.#reported?.watermark || progress.isIdle !== this.#reported.isIdle
    this.#reported = progress
    return { kind: 'pending', isCaughtUp, ...(isNew && { progress }) }
  }

  async ready(): Promise<void> {
    const isOver = this.#state !== 'reading' || this.#parts.signal.aborted
    if (isOver || this.#hasNews || this.#open !== undefined || this.#at < this.#waiting.length) return
    await new Promise<void>((resolve) => this.#wakeReader.push(resolve))
  }

  position(): ShufflePosition {
    const offset = this.#waiting[this.#at]?.offset ?? this.#deliveredUpTo
    return { offset, index: this.#index, senders: this.#parts.senders.saved() }
  }

  /** Offsets, which are messages and the marks of transactions. */
  lag(): SplitLag | undefined {
    const end = this.#feed?.end
    return end === undefined ? undefined : { records: Math.max(end - this.position().offset, 0) }
  }

  acknowledge({ offset }: ShufflePosition): Promise<void> {
    this.#parts.purge.before(offset)
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.#state = 'closed'
    this.#feed?.close()
    this.#parts.signal.removeEventListener('abort', this.#onAbort)
    this.#wake()
    return Promise.resolve()
  }

  /** The message to hand out records of, behind what leases said of themselves. */
  #next(): OpenMessage | undefined {
    while (this.#open === undefined && this.#at < this.#waiting.length) {
      const message = readMessage(this.#waiting[this.#at]!.value!)
      const { sender, watermark } = message
      if (message.kind === 'batch') this.#open = { sender, batch: readRecords(message) }
      else {
        this.#parts.senders.progress(sender, message.kind, watermark)
        this.#shift()
      }
    }
    return this.#open
  }

  #some({ sender, batch }: OpenMessage, limit: number): Poll<unknown> {
    const { senders } = this.#parts
    const from = this.#index
    const to = Math.min(batch.length, from + limit)
    const watermarks = new Float64Array(to - from)
    for (let i = from; i < to; i++) watermarks[i - from] = senders.active(sender, batch.watermarks[i]!)
    this.#index = to
    this.#reported = { watermark: senders.current, isIdle: false }
    if (to === batch.length) {
      this.#open = undefined
      this.#shift()
    }
    const { origin, originIndex } = batch
    return {
      kind: 'records',
      values: batch.values.slice(from, to),
      headers: batch.headers?.slice(from, to),
      stamps: {
        times: batch.times.subarray(from, to),
        watermarks,
        originIndex: originIndex?.subarray(from, to) ?? new Int32Array(to - from).fill(-1),
      },
      ...(origin !== undefined && { origin }),
    }
  }

  /** Leaves a message behind. */
  #shift(): void {
    this.#waitingBytes -= this.#waiting[this.#at]!.value?.length ?? 0
    this.#at++
    this.#index = 0
    if (this.#at === this.#waiting.length) {
      this.#waiting = []
      this.#at = 0
    }
    if (this.#isPaused && !this.#holdsMore(1 / 4)) {
      this.#isPaused = false
      this.#feed?.resume()
    }
  }

  async #readOn(): Promise<void> {
    const { port, of } = this.#parts
    if (this.#state === 'reading') this.#delivers(await port.feed(of, this.#deliveredUpTo, this))
    this.#wake()
  }

  #delivers(feed: Feed, isOver: () => boolean = () => false): void {
    if (this.#state !== 'reading' || isOver()) feed.close()
    else this.#feed = feed
  }

  /** Whether more waits than a part of what may wait. */
  #holdsMore(part: number): boolean {
    return this.#waiting.length - this.#at > manyMessages * part || this.#waitingBytes > manyBytes * part
  }

  #wake(): void {
    this.#hasNews = true
    for (const wake of this.#wakeReader.splice(0)) wake()
  }
}
