import { describeError, MillraceError } from '@millrace/core'
import {
  decodedPoll,
  LatestAnswer,
  type ConnectorContext,
  type Poll,
  type SplitLag,
  type SplitReader,
} from '@millrace/core/connector'
import type { Redis } from 'ioredis'
import type { Connection } from './connection.ts'
import { compareIds } from './entry-id.ts'
import {
  entriesIn,
  isText,
  rawOf,
  stateOf,
  type EntryReading,
  type StreamEntry,
  type StreamPosition,
  type StreamState,
} from './stream.ts'

/** What a reader needs. */
export interface StreamReaderParts<T, V extends string | Uint8Array> {
  /** "source orders", for messages. */
  readonly what: string
  readonly name: string
  readonly stream: string
  readonly connection: Connection
  readonly clock: ConnectorContext['clock']
  /** The entry after which to begin. */
  readonly start: StreamPosition
  /** In a bounded job: the id of the last entry to read. */
  readonly end: string | undefined
  /** In a bounded job: how many entries had been added up to that one; undefined if the server does not say. */
  readonly endAdded: number | undefined
  readonly reading: EntryReading<T, V>
  /** Throws if entries behind the position are gone. */
  readonly check: (position: StreamPosition, state: StreamState) => void
}

/** How many entries one call asks for, and how many are fetched ahead at most. */
const COUNT = 1_000
const AHEAD = 2_000
/** How long a call waits at the server for the next entry. */
const BLOCK_MS = 1_000

/**
 * Reads one stream. It fetches ahead: while the server has more, by calls that do not wait; then by calls that wait for the next
 * entry. Each looks at what was trimmed.
 */
export class StreamReader<T, V extends string | Uint8Array> implements SplitReader<T, StreamPosition> {
  readonly #parts: StreamReaderParts<T, V>
  readonly #isText: boolean
  #fetched: StreamEntry<V>[] = []
  /** The last entry that was fetched, and the last that was handed out. */
  #fetchedUpTo: StreamPosition
  #position: StreamPosition
  #addedInAll: number | undefined
  /** How many entries were ever added. */
  readonly #added: LatestAnswer<number>
  #isCaughtUp = false
  #state: 'reading' | 'ended' | 'failed' | 'closed' = 'reading'
  #error: unknown
  #wakeReader: (() => void)[] = []
  #wakeFetcher: (() => void) | undefined

  constructor(parts: StreamReaderParts<T, V>) {
    this.#parts = parts
    this.#isText = isText(parts.reading)
    const { clock, connection, stream } = parts
    this.#added = new LatestAnswer(clock, async () => (await stateOf(connection, stream)).added)
    this.#position = parts.start
    this.#fetchedUpTo = parts.start
    void this.#fetchAll()
  }

  poll(limit: number): Poll<T> {
    if (this.#fetched.length === 0) {
      if (this.#state === 'failed') throw this.#error
      if (this.#state !== 'reading') return { kind: 'end' }
      return { kind: 'pending', isCaughtUp: this.#isCaughtUp }
    }
    const entries = this.#fetched.splice(0, limit)
    const { added } = this.#position
    this.#position =
      this.#fetched.length === 0
        ? this.#fetchedUpTo
        : { id: entries.at(-1)!.id, added: added === null ? null : added + entries.length }
    this.#wakeFetcher?.()
    return this.#decoded(entries)
  }

  async ready(): Promise<void> {
    if (this.#fetched.length > 0 || this.#state !== 'reading') return
    await new Promise<void>((resolve) => this.#wakeReader.push(resolve))
  }

  position(): StreamPosition {
    return this.#position
  }

  /** Unknown before Redis 7, and until a reader that began in the middle of a stream has caught up. */
  lag(): SplitLag | undefined {
    const { end, endAdded } = this.#parts
    if (this.#isCaughtUp && this.#fetched.length === 0) return { records: 0 }
    if (end === undefined) this.#added.refresh()
    const added = end === undefined ? this.#added.value : endAdded
    const { added: read } = this.#position
    return added === undefined || read === null ? undefined : { records: Math.max(added - read, 0) }
  }

  close(): Promise<void> {
    if (this.#state === 'reading') this.#state = 'closed'
    this.#parts.connection.close()
    this.#wakeFetcher?.()
    this.#wake()
    return Promise.resolve()
  }

  #decoded(entries: readonly StreamEntry<V>[]): Poll<T> {
    const { name: source, stream: split, reading } = this.#parts
    return decodedPoll(entries, {
      source,
      split,
      decode: (entry) => reading.decode(entry),
      raw: rawOf,
      place: ({ id }) => `entry ${id}`,
    })
  }

  async #fetchAll(): Promise<void> {
    const { end, connection, what, stream } = this.#parts
    try {
      let isBehind = true
      while (this.#state === 'reading') {
        if (end !== undefined && compareIds(this.#fetchedUpTo.id, end) >= 0) {
          this.#state = 'ended'
          break
        }
        if (this.#fetched.length >= AHEAD) {
          await new Promise<void>((resolve) => (this.#wakeFetcher = resolve))
          continue
        }
        const entries: readonly StreamEntry<V>[] = await this.#fetch(!isBehind)
        this.#take(entries)
        isBehind = entries.length > 0
      }
    } catch (error) {
      if (this.#state === 'closed') return
      this.#state = 'failed'
      this.#error =
        error instanceof MillraceError
          ? error
          : new MillraceError(
              'SOURCE_FAILED',
              `${what}: stream ${stream} on ${connection.server}: ${describeError(error)}`,
              { cause: error },
            )
    }
    this.#wake()
  }

  /**
   * The next entries, and a check that none was left out. `waits`: if there is none now, for a while.
   *
   * The second question is sent with the first one and answered after it, so it knows of everything that the first has found.
   */
  async #fetch(waits: boolean): Promise<readonly StreamEntry<V>[]> {
    const { connection, stream, check, reading } = this.#parts
    const { client } = connection
    const from = this.#fetchedUpTo
    const block = waits ? (['BLOCK', BLOCK_MS] as const) : []
    const wanted = ['COUNT', COUNT, ...block, 'STREAMS', stream, from.id] as unknown as Parameters<
      Redis['xread']
    >
    const [answer, state] = await Promise.all([
      this.#isText ? client.xread(...wanted) : client.xreadBuffer(...wanted),
      stateOf(connection, stream),
    ])
    const entries = entriesIn(answer, reading)
    if (waits && entries.length === 0) return entries
    check(from, { ...state, length: state.length + trimmedOf(entries, state) })
    const last = entries.at(-1)?.id ?? from.id
    const isAll = state.newestId === undefined || compareIds(state.newestId, last) <= 0
    // With everything read, as many were added as the server says, also if some of them were deleted meanwhile.
    if (isAll) this.#addedInAll = state.added
    return entries
  }

  #take(entries: readonly StreamEntry<V>[]): void {
    const { end } = this.#parts
    const last = entries.at(-1)
    const isInside = end === undefined || last === undefined || compareIds(last.id, end) <= 0
    const wanted = isInside ? entries : entries.filter(({ id }) => compareIds(id, end) <= 0)
    for (const entry of wanted) this.#fetched.push(entry)
    const { id, added } = this.#fetchedUpTo
    const isAll = wanted.length === entries.length
    const counted = added === null ? null : added + wanted.length
    this.#fetchedUpTo = {
      id: wanted.at(-1)?.id ?? id,
      added: (isAll ? this.#addedInAll : undefined) ?? counted,
    }
    this.#addedInAll = undefined
    this.#isCaughtUp = entries.length < COUNT
    // The last entry of a bounded job may have been deleted meanwhile.
    if (end !== undefined && (!isAll || entries.length === 0)) this.#state = 'ended'
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#wakeReader.splice(0)) wake()
  }
}

/** How many entries that were fetched are not there any longer: those are not missing. */
function trimmedOf(entries: readonly StreamEntry<string | Uint8Array>[], { oldestId }: StreamState): number {
  if (oldestId === undefined) return entries.length
  const first = entries.findIndex(({ id }) => compareIds(id, oldestId) >= 0)
  return first < 0 ? entries.length : first
}
