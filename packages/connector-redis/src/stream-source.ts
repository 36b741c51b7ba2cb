import { MillraceError } from '@millrace/core'
import type { ConnectorContext, Discovery, Source, SplitReader } from '@millrace/core/connector'
import { Connector, type RedisOptions } from './connection.ts'
import { compareIds, firstId, isId } from './entry-id.ts'
import { StreamReader } from './stream-reader.ts'
import { stateOf, type EntryReading, type StreamPosition, type StreamState } from './stream.ts'

/** How streams are read. */
export interface ReadOptions extends RedisOptions {
  /**
   * Where to begin without a checkpoint: `earliest`, `latest` (only entries added from now on), or the id after which to
   * begin. Default `earliest`.
   */
  readonly from?: 'earliest' | 'latest' | (string & {})
  /**
   * What to do when entries that were not read have been trimmed or deleted: `fail`, or `continue` with the oldest that is
   * there, with a warning. Default `fail`.
   */
  readonly ifTrimmed?: 'fail' | 'continue'
}

/** Each stream is a split, and the id of the last entry read is its position. */
export class StreamSource<T, V extends string | Uint8Array> implements Source<T, StreamPosition> {
  readonly kind = 'redis-stream'
  readonly durability = 'replayable'
  readonly decode?: (raw: Uint8Array) => T
  readonly #streams: readonly string[]
  readonly #reading: EntryReading<T, V>
  readonly #options: ReadOptions
  readonly #connector: Connector

  /** `decodeRaw` decodes the bytes of a dead letter. Throws `OPTION_INVALID`. */
  constructor(
    streams: string | readonly string[],
    reading: EntryReading<T, V>,
    options: ReadOptions,
    decodeRaw?: (raw: Uint8Array) => T,
  ) {
    if (decodeRaw !== undefined) this.decode = decodeRaw
    this.#streams = typeof streams === 'string' ? [streams] : [...new Set(streams)]
    this.#reading = reading
    this.#options = options
    this.#connector = new Connector(options)
    const { from = 'earliest', ifTrimmed = 'fail' } = options
    if (this.#streams.length === 0) throw invalid('no stream is named')
    if (from !== 'earliest' && from !== 'latest' && !isId(from)) {
      throw invalid(`from is ${String(from)}; write 'earliest', 'latest' or the id of an entry`)
    }
    if (ifTrimmed !== 'fail' && ifTrimmed !== 'continue') {
      throw invalid(`ifTrimmed is ${String(ifTrimmed)}; write 'fail' or 'continue'`)
    }
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ splits: this.#streams, isComplete: true })
  }

  async open(
    stream: string,
    from: StreamPosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, StreamPosition>> {
    const what = `source ${context.name}`
    const connection = await this.#connector.connect(what, context)
    try {
      const state = await stateOf(connection, stream)
      const start = from ?? this.#firstPosition(state)
      const check = (position: StreamPosition, now: StreamState): void =>
        this.#check(what, stream, position, now, context)
      check(start, state)
      return new StreamReader({
        what,
        name: context.name,
        stream,
        connection,
        start,
        clock: context.clock,
        end: context.isBounded ? state.lastId : undefined,
        endAdded: state.added,
        reading: this.#reading,
        check,
      })
    } catch (error) {
      connection.close()
      throw error
    }
  }

  #firstPosition({ lastId, length, added }: StreamState): StreamPosition {
    const { from = 'earliest' } = this.#options
    if (from === 'earliest') return { id: firstId, added: added === undefined ? null : added - length }
    return from === 'latest' ? { id: lastId, added: added ?? null } : { id: from, added: null }
  }

  /** Throws `SOURCE_FAILED` if entries behind a position are gone. */
  #check(
    what: string,
    stream: string,
    position: StreamPosition,
    state: StreamState,
    context: ConnectorContext,
  ): void {
    const problem = problemOf(position, state)
    if (problem === undefined) return
    const message = `${what}: ${problem} in stream ${stream} of Redis`
    if (this.#options.ifTrimmed === 'continue') {
      context.warn(`${message}; continuing with the oldest entry that is there`)
      return
    }
    throw new MillraceError(
      'SOURCE_FAILED',
      `${message}; keep more of the stream (MAXLEN, MINID), or set ifTrimmed: 'continue' to continue without them`,
      { isFinal: true },
    )
  }
}

function problemOf(position: StreamPosition, state: StreamState): string | undefined {
  const { lastId, oldestId, length, added } = state
  if (position.id !== firstId && compareIds(lastId, position.id) < 0) {
    return `the last entry is ${lastId}, older than ${position.id}, which was read before: the stream was deleted or replaced`
  }
  if (added === undefined || position.added === null) return undefined
  // Trimming takes the oldest entries: while one that was read is there, so are all that were not.
  if (oldestId !== undefined && compareIds(oldestId, position.id) <= 0) return undefined
  const missing = added - position.added - length
  if (missing <= 0) return undefined
  return `${missing} entries after ${position.id} were trimmed or deleted before they were read`
}

function invalid(problem: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `a source of Redis streams: ${problem}`)
}
