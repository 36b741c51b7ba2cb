import { MillraceError } from '@millrace/core'
import {
  type ConnectorContext,
  type Discovery,
  ServerConnector,
  type Source,
  type SplitReader,
} from '@millrace/core/connector'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { Decode, StreamPosition } from './message.ts'
import { serverOf, invalid, type NatsOptions, type Link } from './options.ts'
import { keepsNewest, MessageFetcher, stateOf, type StreamState } from './stream.ts'
import { StreamReader } from './stream-reader.ts'
import { isPattern } from './subject.ts'

/** How streams are read. */
export interface ReadOptions extends NatsOptions {
  /** A stream of JetStream, or several. Each is a split. */
  readonly stream: string | readonly string[]
  /** Only messages with these subjects, which may have the wildcards `*` and `>`. Several need NATS 2.10. Default: all. */
  readonly subjects?: string | readonly string[]
  /**
   * Where to begin without a checkpoint: `earliest`, `latest` (only messages stored from now on), the first message with
   * this time or a later one, or a sequence. Default `earliest`.
   */
  readonly from?: 'earliest' | 'latest' | { readonly time: number | Date } | { readonly sequence: number }
  /**
   * What to do when messages that were not read have been deleted: `fail`, or `continue` with the oldest that is there, with
   * a warning. Default `fail`.
   */
  readonly ifTrimmed?: 'fail' | 'continue'
}

/** The options that `ReadOptions` has beside those of a connection. */
const readOptions = ['stream', 'subjects', 'from', 'ifTrimmed'] as const

/** The last moment that a calendar has, in milliseconds. */
const farthestTime = 8.64e15

/** Each stream is a split, and the sequence of the next message is its position. */
export class StreamSource<T> implements Source<T, StreamPosition> {
  readonly kind = 'nats-stream'
  readonly durability = 'replayable'
  readonly hasHeaders = true
  readonly decode?: (raw: Uint8Array) => T
  readonly #streams: readonly string[]
  readonly #subjects: readonly string[]
  readonly #decode: Decode<Msg, T>
  readonly #options: ReadOptions
  readonly #connector: ServerConnector<NatsConnection>

  /** `decodeRaw` decodes the bytes of a dead letter. Throws `OPTION_INVALID`. */
  constructor(
    what: string,
    decode: Decode<Msg, T>,
    options: ReadOptions,
    decodeRaw?: (raw: Uint8Array) => T,
  ) {
    if (decodeRaw !== undefined) this.decode = decodeRaw
    this.#connector = new ServerConnector(serverOf(what, options, readOptions))
    this.#streams = listOf(options.stream)
    this.#subjects = listOf(options.subjects ?? [])
    this.#decode = decode
    this.#options = options
    const { ifTrimmed = 'fail' } = options
    if (this.#streams.length === 0 || !this.#streams.every(isStreamName)) {
      throw invalid(what, 'stream is no name of a stream, and no list of names')
    }
    if (!this.#subjects.every(isPattern)) throw invalid(what, 'subjects has something that is no subject')
    checkStart(what, options.from)
    if (ifTrimmed !== 'fail' && ifTrimmed !== 'continue') {
      throw invalid(what, `ifTrimmed is ${String(ifTrimmed)}; write 'fail' or 'continue'`)
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
    const link = await this.#connector.link(what, context)
    const check = (position: StreamPosition, state: StreamState): StreamPosition =>
      this.#checked(what, stream, position, state, context)
    try {
      const state = await link.repeat((nc) => stateOf(nc, what, stream))
      requireLog(what, stream, state)
      const start = from ?? { next: await this.#first(link, stream, state), created: state.created }
      return new StreamReader({
        what,
        name: context.name,
        clock: context.clock,
        stream,
        subjects: this.#subjects,
        link,
        start: check(start, state),
        end: context.isBounded ? state.last : undefined,
        decode: this.#decode,
        check,
      })
    } catch (error) {
      link.close()
      throw error
    }
  }

  #first(link: Link, stream: string, { first, last }: StreamState): Promise<number> | number {
    const { from = 'earliest' } = this.#options
    if (from === 'earliest') return Math.max(first, 1)
    if (from === 'latest') return last + 1
    if ('sequence' in from) return from.sequence
    return link.repeat(async (nc) => {
      const fetcher = await MessageFetcher.open(nc, link, { stream, from: { time: Number(from.time) } })
      await fetcher.close()
      return fetcher.start
    })
  }

  /** The position to read from. Throws `SOURCE_FAILED` if messages behind it are gone. */
  #checked(
    what: string,
    stream: string,
    position: StreamPosition,
    state: StreamState,
    context: ConnectorContext,
  ): StreamPosition {
    const problem = problemOf(position, state)
    if (problem === undefined) return position
    const message = `${what}: stream ${stream} of NATS: ${problem}`
    if (this.#options.ifTrimmed !== 'continue') {
      const help =
        "keep messages for longer (max_age, max_msgs, max_bytes), or set ifTrimmed: 'continue' to continue without them"
      throw new MillraceError('SOURCE_FAILED', `${message}; ${help}`, { isFinal: true })
    }
    context.warn(`${message}; continuing with the oldest message that is there`)
    return { next: Math.max(state.first, 1), created: state.created }
  }
}

/** Why messages from a position on cannot all be read; undefined if they can. */
function problemOf({ next, created }: StreamPosition, state: StreamState): string | undefined {
  if (created !== state.created) {
    return `it was made on ${state.created}, and the one that was read before on ${created}: it was deleted and made anew`
  }
  if (state.last < next - 1) {
    return `its last message is ${state.last}, and those up to ${next - 1} were read: it has lost messages`
  }
  if (state.first <= next || keepsNewest(state.config)) return undefined
  return `the messages from ${next} to ${state.first - 1} were deleted before they were read`
}

/** Throws `OPTION_INVALID` for a stream from which a reader would remove messages. */
function requireLog(what: string, stream: string, { config }: StreamState): void {
  const retention: string = config.retention
  if (retention === 'limits') return
  throw invalid(
    what,
    `stream ${stream} has the retention ${retention}: it deletes messages once they are acknowledged, so they cannot be read again; read a stream with the retention limits`,
  )
}

/** Throws `OPTION_INVALID` for a start that cannot be meant. */
function checkStart(what: string, from: unknown): void {
  if (from === undefined || from === 'earliest' || from === 'latest') return
  if (typeof from === 'object' && from !== null) {
    if ('time' in from && Math.abs(Number(from.time)) <= farthestTime) return
    if ('sequence' in from && Number.isSafeInteger(from.sequence) && Number(from.sequence) >= 1) return
  }
  throw invalid(what, "from is none of 'earliest', 'latest', { time }, { sequence: 1 }")
}

function listOf(given: string | readonly string[]): readonly string[] {
  return typeof given === 'string' ? [given] : [...new Set(given)]
}

/** A stream's name is one word, because it is a part of subjects. */
export function isStreamName(name: unknown): name is string {
  return typeof name === 'string' && /^[^\s.*>/\\]+$/.test(name)
}
