import type { RecordHeaders } from '@millrace/core'
import {
  headerColumn,
  type ConnectorContext,
  type DecodeFailure,
  type Poll,
  type SplitReader,
} from '@millrace/core/connector'
import type { Inbox } from './inbox.ts'
import type { AppendLogReader, LogPlace } from '@millrace/segment-log'
import { readRequests, type AcceptedRequest } from './inbox-entry.ts'
import { InboxOrigin, placeOf, type FetchedRecords } from './inbox-origin.ts'
import type { InboxPosition } from './inbox-position.ts'

/** Blocks are read ahead up to this many bytes. */
const aheadBytes = 1024 * 1024

/** What a reader needs. */
export interface InboxReaderOptions<T> {
  readonly inbox: Inbox
  readonly entries: AppendLogReader
  readonly split: string
  readonly context: ConnectorContext
  /** Makes the record of its bytes; throws if they are none. */
  readonly decode: (raw: Uint8Array) => T
  /** Called first when the reader closes: after it resolves, nothing is appended. */
  readonly onClose: () => Promise<void>
}

/** What a poll has taken: records with their headers, and what is none. */
interface Polled<T> {
  readonly values: T[]
  readonly headers: (RecordHeaders | undefined)[]
  readonly failures: DecodeFailure[]
}

/**
 * Reads the inbox record by record, always from its files and only up to the durable end: a record that a
 * crash could remove must not affect results.
 */
export class InboxReader<T> implements SplitReader<T, InboxPosition> {
  readonly #options: InboxReaderOptions<T>
  readonly #fetched: FetchedRecords[] = []
  /** Where the block after the fetched ones begins. */
  #next: LogPlace
  /** Number of records of the first fetched block that have been returned. */
  #record: number
  #fetchedBytes = 0
  #bytesRead = 0
  /** The durable end of the inbox at the last poll. */
  #end: NonNullable<InboxPosition['end']>
  /** Whether the last poll reported `isCaughtUp`: only a change is reported. */
  #saidCaughtUp = false
  #fetching: Promise<void> | undefined
  #isClosed = false
  #failure: Error | undefined
  #waiting: Promise<void> | undefined
  #wake: () => void = () => undefined

  constructor(options: InboxReaderOptions<T>, from: InboxPosition) {
    this.#options = options
    this.#next = { segment: from.segment, offset: from.offset }
    this.#record = from.record
    this.#end = from.end ?? this.#next
    options.inbox.onChange = () => this.#fetchAhead()
    options.context.signal.addEventListener('abort', this.#onAbort)
    this.#fetchAhead()
  }

  readonly #onAbort = (): void => this.#wake()

  poll(limit: number): Poll<T> {
    const failure = this.#failure ?? this.#options.inbox.failure
    if (failure !== undefined) throw failure
    const { segment, offset } = this.#options.inbox.log.end
    this.#end = { segment, offset }
    if (this.#fetched.length === 0) {
      this.#saidCaughtUp = this.#isCaughtUp
      return this.#hasEnded ? { kind: 'end' } : { kind: 'pending', isCaughtUp: this.#saidCaughtUp }
    }
    this.#saidCaughtUp = false
    const polled: Polled<T> = { values: [], headers: [], failures: [] }
    const origin = new InboxOrigin(this.#options.context.name, this.#options.split)
    for (let taken = 0; taken < limit && this.#fetched.length > 0;) {
      taken += this.#take(this.#fetched[0]!, limit - taken, polled, origin)
    }
    this.#fetchAhead()
    const { values, failures } = polled
    const headers = headerColumn(polled.headers, (each) => each)
    return failures.length === 0
      ? { kind: 'records', values, headers, origin }
      : { kind: 'records', values, headers, origin, failures }
  }

  ready(): Promise<void> {
    if (this.#hasNews) return Promise.resolve()
    this.#waiting ??= new Promise((resolve) => {
      this.#wake = () => {
        this.#waiting = undefined
        this.#wake = () => undefined
        resolve()
      }
    })
    return this.#waiting
  }

  position(): InboxPosition {
    const { segment, offset } = this.#fetched[0] ?? this.#next
    return { segment, offset, record: this.#record, end: this.#end }
  }

  /** The bytes of records, without header fields. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  acknowledge(position: InboxPosition): Promise<void> {
    return this.#options.inbox.acknowledge(position)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.context.signal.removeEventListener('abort', this.#onAbort)
    this.#wake()
    await this.#options.onClose()
    await this.#fetching
    await this.#options.entries.close()
    await this.#options.inbox.close()
  }

  get #hasNews(): boolean {
    const { inbox, context } = this.#options
    const mustStop = this.#isClosed || context.signal.aborted
    const hasFailed = this.#failure !== undefined || inbox.failure !== undefined
    const isNewlyCaughtUp = this.#isCaughtUp && !this.#saidCaughtUp
    return mustStop || hasFailed || this.#fetched.length > 0 || this.#hasEnded || isNewlyCaughtUp
  }

  get #hasEnded(): boolean {
    return this.#options.context.isBounded && this.#isCaughtUp
  }

  get #isCaughtUp(): boolean {
    return this.#fetched.length === 0 && !this.#options.entries.hasMore(this.#next)
  }

  /** Returns up to `limit` records of a block, and how many of the limit they use. */
  #take(
    entry: FetchedRecords,
    limit: number,
    { values, headers, failures }: Polled<T>,
    origin: InboxOrigin,
  ): number {
    const start = this.#record
    const end = Math.min(entry.records.length, start + limit)
    origin.add(values.length, entry, start)
    for (let record = start; record < end; record++) {
      const raw = entry.records[record]!
      this.#bytesRead += raw.length
      const carried = entry.headers?.[record]
      try {
        values.push(this.#options.decode(raw))
        headers.push(carried)
      } catch (error) {
        failures.push({ index: values.length, error, raw, place: placeOf(entry, record), headers: carried })
        origin.add(values.length, entry, record + 1)
      }
    }
    if (end === entry.records.length) {
      this.#fetched.shift()
      this.#fetchedBytes -= entry.bytes
      this.#record = 0
    } else this.#record = end
    return end - start
  }

  #fetchAhead(): void {
    if (this.#hasNews) this.#wake()
    if (this.#fetching === undefined && this.#mayFetch) this.#fetching = this.#fetch()
  }

  get #mayFetch(): boolean {
    if (this.#isClosed || this.#failure !== undefined || this.#fetchedBytes >= aheadBytes) return false
    return this.#options.entries.hasMore(this.#next)
  }

  /**
   * Called only when a fetch is allowed. The last check of the log and the end of the turn are one step, so
   * no change is missed.
   */
  async #fetch(): Promise<void> {
    try {
      while (this.#mayFetch) {
        const { entries, next } = await this.#options.entries.fetch(this.#next)
        for (const { content, ...place } of entries) this.#add(place, readRequests(content))
        this.#next = next
        if (this.#hasNews) this.#wake()
      }
    } catch (error) {
      this.#failure = error as Error
      this.#wake()
    }
    this.#fetching = undefined
  }

  #add(place: LogPlace & { readonly bytes: number }, requests: readonly AcceptedRequest[]): void {
    const records = requests.flatMap((each) => each.records)
    if (records.length === 0) return
    const carried = requests.flatMap((each) => each.records.map(() => each.headers))
    this.#fetched.push({ ...place, records, headers: headerColumn(carried, (each) => each) })
    this.#fetchedBytes += place.bytes
  }
}
