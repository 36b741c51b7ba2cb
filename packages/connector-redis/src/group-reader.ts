import { describeError, MillraceError } from '@millrace/core'
import {
  decodedPoll,
  LatestAnswer,
  type ConnectorContext,
  type Poll,
  type SplitLag,
  type SplitReader,
} from '@millrace/core/connector'
import type { Connection } from './connection.ts'
import { compareIds, firstId } from './entry-id.ts'
import { entriesIn, notDelivered, rawOf, type EntryReading, type StreamEntry } from './stream.ts'

/** How far a reader has got. It means something to that reader only: what it did not acknowledge comes again. */
export interface GroupPosition {
  readonly [name: string]: string | number
  readonly reader: string
  /** How many entries it has handed out. */
  readonly taken: number
}

/** What a reader needs. */
export interface GroupReaderParts<T, V extends string | Uint8Array> {
  /** "source orders", for messages. */
  readonly what: string
  readonly stream: string
  readonly group: string
  readonly connection: Connection
  readonly context: ConnectorContext
  readonly prefetch: number
  readonly claimAfterMs: number
  /** In a bounded job: the id of the newest entry at its start. */
  readonly end: string | undefined
  readonly reading: EntryReading<T, V>
}

const COUNT = 1_000
/** How long a call waits at the server for the next entry. */
const BLOCK_MS = 1_000

/**
 * Reads one stream as a consumer of a group. The consumer is named after the data directory of the job, so the entries of a
 * process that was killed are those of the next one.
 *
 * The server counts an entry as delivered when it sends it, also if the connection is lost then. So what it counts is looked
 * through after every new connection.
 *
 * True between any two calls: `#unacknowledged` has every entry that is here or was handed out, in the order they came.
 */
export class GroupReader<T, V extends string | Uint8Array> implements SplitReader<T, GroupPosition> {
  readonly mustStayOpen = true
  readonly acknowledgesLast = true
  readonly #parts: GroupReaderParts<T, V>
  readonly #reader: string
  readonly #consumer: string
  #waiting: StreamEntry<V>[] = []
  #taken = 0
  /** How many of the entries that were handed out are acknowledged. */
  #acknowledged = 0
  readonly #unacknowledged = new Set<string>()
  /** Whether the server may have sent something to this consumer that is not here. */
  #hasDelivered = true
  #claimAt: number
  /** How many entries no consumer of the group was sent. */
  readonly #left: LatestAnswer<number>
  #isCaughtUp = false
  #isHeldBack = false
  #state: 'reading' | 'ended' | 'failed' | 'closed' = 'reading'
  #error: unknown
  #wakeReader: (() => void)[] = []
  #wakeFetcher: (() => void) | undefined

  constructor(parts: GroupReaderParts<T, V>) {
    const { owner, name, random, clock } = parts.context
    this.#parts = parts
    this.#reader = `${owner.epoch}-${random.int(2 ** 48).toString(36)}`
    this.#consumer = `millrace-${owner.job}-${name}`
    this.#claimAt = clock.monotonic()
    this.#left = new LatestAnswer(clock, () => notDelivered(parts.connection, parts.stream, parts.group))
    parts.connection.client.on('close', () => (this.#hasDelivered = true))
    void this.#fetchAll()
  }

  poll(limit: number): Poll<T> {
    if (this.#waiting.length === 0) {
      if (this.#state === 'failed') throw this.#error
      if (this.#state !== 'reading') return { kind: 'end' }
      return { kind: 'pending', isCaughtUp: this.#isCaughtUp }
    }
    const { stream, context, reading } = this.#parts
    const entries = this.#waiting.splice(0, limit)
    this.#taken += entries.length
    return decodedPoll(entries, {
      source: context.name,
      split: stream,
      decode: (entry) => reading.decode(entry),
      raw: rawOf,
      place: ({ id }) => `entry ${id}`,
    })
  }

  async ready(): Promise<void> {
    if (this.#waiting.length > 0 || this.#state !== 'reading') return
    await new Promise<void>((resolve) => this.#wakeReader.push(resolve))
  }

  position(): GroupPosition {
    return { reader: this.#reader, taken: this.#taken }
  }

  /** What no consumer of the group was sent, and what waits here. Unknown before Redis 7. */
  lag(): SplitLag | undefined {
    this.#left.refresh()
    const left = this.#isCaughtUp ? 0 : this.#left.value
    return left === undefined ? undefined : { records: left + this.#waiting.length }
  }

  async acknowledge({ reader, taken }: GroupPosition): Promise<void> {
    const count = taken - this.#acknowledged
    if (reader !== this.#reader || count <= 0) return
    this.#acknowledged = taken
    this.#isHeldBack = false
    try {
      await this.#acknowledgeEntries([...this.#unacknowledged].slice(0, count))
    } catch (error) {
      if (!this.#isClosed()) throw this.#unreadable(error)
    }
    this.#wakeFetcher?.()
  }

  close(): Promise<void> {
    if (this.#state === 'reading') this.#state = 'closed'
    this.#parts.connection.close()
    this.#wakeFetcher?.()
    this.#wake()
    return Promise.resolve()
  }

  async #acknowledgeEntries(ids: readonly string[]): Promise<void> {
    const { stream, group, connection } = this.#parts
    for (let at = 0; at < ids.length; at += COUNT) {
      await connection.client.xack(stream, group, ...ids.slice(at, at + COUNT))
    }
    for (const id of ids) this.#unacknowledged.delete(id)
  }

  async #fetchAll(): Promise<void> {
    try {
      while (this.#state === 'reading') await this.#fetch()
    } catch (error) {
      if (this.#isClosed()) return
      this.#state = 'failed'
      this.#error = this.#unreadable(error)
    }
    this.#wake()
  }

  #unreadable(error: unknown): MillraceError {
    const { what, stream, group, connection } = this.#parts
    const message = `${what}: group ${group} of stream ${stream} on ${connection.server}: ${describeError(error)}`
    return new MillraceError('SOURCE_FAILED', message, { cause: error })
  }

  async #fetch(): Promise<void> {
    const { context, claimAfterMs, end } = this.#parts
    if (this.#isFull()) {
      await new Promise<void>((resolve) => (this.#wakeFetcher = resolve))
      return
    }
    if (context.clock.monotonic() >= this.#claimAt) {
      this.#claimAt = context.clock.monotonic() + claimAfterMs / 2
      await this.#claim()
    }
    if (this.#hasDelivered) {
      this.#hasDelivered = false
      await this.#takeDelivered()
    }
    const entries = await this.#fetchNew(end === undefined && this.#isCaughtUp)
    this.#take(entries)
    const isEmpty = entries.length === 0
    if (end !== undefined && (isEmpty || compareIds(entries.at(-1)!.id, end) >= 0)) this.#state = 'ended'
    if (isEmpty && !this.#isCaughtUp) {
      this.#isCaughtUp = true
      this.#wake()
    }
  }

  async #fetchNew(waits: boolean): Promise<readonly StreamEntry<V>[]> {
    const { connection, stream, group, reading, prefetch } = this.#parts
    const { client } = connection
    const count = Math.min(COUNT, prefetch - this.#unacknowledged.size)
    const from = ['GROUP', group, this.#consumer, 'COUNT', count] as const
    const answer = waits
      ? await client.xreadgroupBuffer(...from, 'BLOCK', BLOCK_MS, 'STREAMS', stream, '>')
      : await client.xreadgroupBuffer(...from, 'STREAMS', stream, '>')
    return entriesIn(answer, reading)
  }

  /** What the server has sent to this consumer, and is not here. */
  async #takeDelivered(): Promise<void> {
    const { connection, stream, group, reading } = this.#parts
    let after = firstId
    while (this.#state === 'reading') {
      const from = ['GROUP', group, this.#consumer, 'COUNT', COUNT, 'STREAMS', stream, after] as const
      const entries = entriesIn(await connection.client.xreadgroupBuffer(...from), reading)
      if (entries.length === 0) return
      after = entries.at(-1)!.id
      this.#take(entries.filter((entry) => !isDeleted(entry)))
      await this.#acknowledgeEntries(entries.filter(isDeleted).map(({ id }) => id))
    }
  }

  /** What consumers that are gone have not acknowledged is made what was sent to this one. */
  async #claim(): Promise<void> {
    const { connection, stream, group, claimAfterMs } = this.#parts
    const idleMs = Math.ceil(claimAfterMs)
    let cursor = firstId
    do {
      const from = [stream, group, this.#consumer, idleMs, cursor, 'COUNT', COUNT, 'JUSTID'] as const
      const [next, ids] = (await connection.client.xautoclaim(...from)) as [string, readonly string[]]
      if (ids.some((id) => !this.#unacknowledged.has(id))) this.#hasDelivered = true
      cursor = next
    } while (cursor !== firstId && this.#state === 'reading')
  }

  /** Leaves out what is here, or was handed out. */
  #take(entries: readonly StreamEntry<V>[]): void {
    for (const entry of entries) {
      if (this.#unacknowledged.has(entry.id)) continue
      this.#unacknowledged.add(entry.id)
      this.#waiting.push(entry)
      this.#isCaughtUp = false
    }
    this.#wake()
  }

  /** Whether nothing more is asked for before something is acknowledged. */
  #isFull(): boolean {
    const { prefetch, what, stream, context } = this.#parts
    const isFull = this.#unacknowledged.size >= prefetch
    if (isFull && this.#waiting.length === 0 && !this.#isHeldBack) {
      this.#isHeldBack = true
      context.warn(
        `${what} waits for a checkpoint: ${prefetch} entries of stream ${stream} are not acknowledged (prefetch); raise prefetch, or make checkpoints more often`,
      )
    }
    return isFull
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  #wake(): void {
    for (const wake of this.#wakeReader.splice(0)) wake()
  }
}

/** Whether an entry was deleted after it was delivered: every other one has a field. */
function isDeleted({ fields }: StreamEntry<string | Uint8Array>): boolean {
  return Object.keys(fields).length === 0
}
