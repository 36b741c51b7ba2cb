import { describeError, MillraceError } from '@millrace/core'
import { decodedPoll, type Poll, type SplitLag, type SplitReader } from '@millrace/core/connector'
import type { Feed, FeedListener } from './cluster.ts'
import { carriedHeaders, sizeOf, type KafkaRecord, type TopicPartition } from './record.ts'

/** Where to read on in a partition. */
export interface KafkaPosition {
  readonly [name: string]: number
  /** The offset of the next record. */
  readonly offset: number
}

/** Makes a value of a record. Throws if it cannot. */
export type Decode<T> = (record: KafkaRecord) => T

export interface TopicReaderParts<T> {
  /** For messages: "source orders". */
  readonly what: string
  readonly name: string
  readonly split: string
  readonly of: TopicPartition
  readonly start: number
  /** For a bounded job: the offset behind the last record to read. */
  readonly end: number | undefined
  readonly decode: Decode<T>
  /** When it aborts, nothing is waited for any longer. */
  readonly signal: AbortSignal
  /** Notes an offset for tools; undefined if none is to be noted. */
  readonly note: ((offset: number) => void) | undefined
}

/** So many records may wait before the delivery is paused, or so many bytes of them. It is resumed at a quarter of both. */
const manyRecords = 8_000
const manyBytes = 4 * 2 ** 20

const noBytes = new Uint8Array(0)

/** Reads one partition. Records wait here, and the partition is paused when there are many. */
export class TopicReader<T> implements SplitReader<T, KafkaPosition>, FeedListener {
  readonly acknowledge?: (position: KafkaPosition) => Promise<void>
  readonly #parts: TopicReaderParts<T>
  #feed: Feed | undefined
  /** Records from `#at` on wait. */
  #waiting: KafkaRecord[] = []
  #at = 0
  #waitingBytes = 0
  /** About how many bytes the records had that were handed out. */
  #bytesRead = 0
  /** The next offset to hand out, and the next to be delivered. */
  #next: number
  #deliveredUpTo: number
  /** The end of the partition when it was asked for last. */
  #askedEnd = 0
  #isPaused = false
  #isCaughtUp = false
  #state: 'reading' | 'ended' | 'failed' | 'closed' = 'reading'
  #error: unknown
  /** Whether something has happened since the last poll. */
  #hasNews = false
  #wakeReader: (() => void)[] = []
  readonly #onAbort = (): void => this.#wake()

  constructor(parts: TopicReaderParts<T>) {
    this.#parts = parts
    this.#next = parts.start
    this.#deliveredUpTo = parts.start
    const { note, signal } = parts
    signal.addEventListener('abort', this.#onAbort, { once: true })
    if (note !== undefined) {
      this.acknowledge = ({ offset }) => {
        note(offset)
        return Promise.resolve()
      }
    }
    this.#endIfThere()
  }

  /** Whether there is something to deliver. */
  get isReading(): boolean {
    return this.#state === 'reading'
  }

  /** Whether the delivery is stopped because much waits. */
  get isPaused(): boolean {
    return this.isReading && this.#isPaused
  }

  /** The offset that is delivered next, while more is expected. */
  get awaited(): number | undefined {
    return this.isReading && !this.#isCaughtUp && !this.#isPaused ? this.#deliveredUpTo : undefined
  }

  /** Notes where the partition ends: while it is paused its feed does not learn that. */
  endsAt(offset: number): void {
    this.#askedEnd = offset
  }

  /** Offsets without records, such as the marks of transactions, count as records. */
  lag(): SplitLag | undefined {
    const { end } = this.#feed ?? {}
    if (end === undefined && this.#askedEnd === 0) return undefined
    const last = Math.min(Math.max(end ?? 0, this.#askedEnd), this.#parts.end ?? Infinity)
    return { records: Math.max(last - this.#next, 0) }
  }

  get bytesRead(): number {
    return this.#bytesRead
  }

  delivers(feed: Feed): void {
    this.#feed = feed
    if (!this.isReading) feed.close()
  }

  records(records: readonly KafkaRecord[], next: number): void {
    if (!this.isReading) return
    const { end = Infinity } = this.#parts
    for (const record of records) {
      if (record.offset < this.#deliveredUpTo) continue
      if (record.offset >= end) break
      this.#waiting.push(record)
      this.#waitingBytes += sizeOf(record)
    }
    this.#deliveredUpTo = Math.max(this.#deliveredUpTo, Math.min(next, end))
    this.#isCaughtUp = false
    this.#endIfThere()
    if (!this.#isPaused && this.#holdsMore(1)) {
      this.#isPaused = true
      this.#feed?.pause()
    }
    this.#wake()
  }

  caughtUp(offset: number): void {
    if (!this.isReading) return
    // Marks of transactions and records that were compacted away have offsets too.
    this.#deliveredUpTo = Math.max(this.#deliveredUpTo, Math.min(offset, this.#parts.end ?? Infinity))
    this.#isCaughtUp = true
    this.#endIfThere()
    this.#wake()
  }

  failed(error: unknown): void {
    if (!this.isReading) return
    this.#state = 'failed'
    const { what, split } = this.#parts
    this.#error =
      error instanceof MillraceError
        ? error
        : new MillraceError('SOURCE_FAILED', `${what}: ${split} cannot be read: ${describeError(error)}`, {
            cause: error,
          })
    this.#wake()
  }

  poll(limit: number): Poll<T> {
    this.#hasNews = false
    if (this.#at === this.#waiting.length) {
      if (this.#state === 'failed') throw this.#error
      this.#next = this.#deliveredUpTo
      if (this.#state !== 'reading') return { kind: 'end' }
      return { kind: 'pending', isCaughtUp: this.#isCaughtUp }
    }
    const taken = this.#waiting.slice(this.#at, this.#at + limit)
    this.#at += taken.length
    let bytes = 0
    for (const record of taken) bytes += sizeOf(record)
    this.#waitingBytes -= bytes
    this.#bytesRead += bytes
    this.#next = taken.at(-1)!.offset + 1
    if (this.#at === this.#waiting.length) {
      this.#waiting = []
      this.#at = 0
      this.#next = this.#deliveredUpTo
    }
    if (this.#isPaused && !this.#holdsMore(1 / 4)) {
      this.#isPaused = false
      this.#feed?.resume()
    }
    const { name: source, split, decode } = this.#parts
    return decodedPoll(taken, {
      source,
      split,
      decode,
      raw: ({ value }) => value ?? noBytes,
      place: ({ offset }) => `offset ${offset}`,
      headers: carriedHeaders,
    })
  }

  async ready(): Promise<void> {
    const isOver = this.#state !== 'reading' || this.#parts.signal.aborted
    if (isOver || this.#hasNews || this.#at < this.#waiting.length) return
    await new Promise<void>((resolve) => this.#wakeReader.push(resolve))
  }

  position(): KafkaPosition {
    return { offset: this.#next }
  }

  close(): Promise<void> {
    if (this.isReading) this.#state = 'closed'
    this.#feed?.close()
    this.#parts.signal.removeEventListener('abort', this.#onAbort)
    this.#wake()
    return Promise.resolve()
  }

  /** Whether more waits than a part of what may wait. */
  #holdsMore(part: number): boolean {
    return this.#waiting.length - this.#at > manyRecords * part || this.#waitingBytes > manyBytes * part
  }

  #endIfThere(): void {
    const { end } = this.#parts
    if (end === undefined || this.#deliveredUpTo < end) return
    this.#state = 'ended'
    this.#feed?.close()
  }

  #wake(): void {
    this.#hasNews = true
    for (const wake of this.#wakeReader.splice(0)) wake()
  }
}
