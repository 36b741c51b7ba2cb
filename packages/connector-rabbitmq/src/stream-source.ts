import { MillraceError } from '@millrace/core'
import {
  type ConnectorContext,
  type Discovery,
  ServerConnector,
  type Source,
  type SplitReader,
} from '@millrace/core/connector'
import { unreadable } from './broker-error.ts'
import type { Connection } from './amqp/connection.ts'
import type { Decode } from './message.ts'
import { serverOf, invalid, type RabbitOptions } from './options.ts'
import { isName } from './queue-source.ts'
import { offsetsFrom, stateOf, type StreamState } from './stream-probe.ts'
import { StreamReader, type StreamPosition } from './stream-reader.ts'

/** How streams are read. */
export interface ReadOptions extends RabbitOptions {
  /** A stream (a queue with `x-queue-type: stream`), or several. Each is a split. They must exist. */
  readonly stream: string | readonly string[]
  /**
   * Where to begin without a checkpoint: `earliest`, `last` (what the broker has written last: one message or some), `latest`
   * (only messages written from now on), a time, or an offset. The broker finds a time by groups of messages, so some that
   * are older come too. Default `earliest`.
   */
  readonly from?:
    | 'earliest'
    | 'last'
    | 'latest'
    | { readonly time: number | Date }
    | { readonly offset: number }
  /**
   * What to do when messages that were not read have been deleted: `fail`, or `continue` with the oldest that is there, with
   * a warning. Default `fail`.
   */
  readonly ifTrimmed?: 'fail' | 'continue'
}

const readOptions = ['stream', 'from', 'ifTrimmed'] as const

/** A broker that has just started may find the newest messages of a stream only after a moment. They are lost if it takes longer. */
const recoveryMs = 10_000

/** The last moment that a calendar has, in milliseconds. */
const farthestTime = 8.64e15

/** Each stream is a split, and the offset of the next message is its position. */
export class StreamSource<T> implements Source<T, StreamPosition> {
  readonly kind = 'rabbitmq-stream'
  readonly hasHeaders = true
  readonly durability = 'replayable'
  readonly #streams: readonly string[]
  readonly decode?: (raw: Uint8Array) => T
  readonly #decode: Decode<T>
  readonly #options: ReadOptions
  readonly #connector: ServerConnector<Connection>

  /** `decodeRaw` decodes the bytes of a dead letter. Throws `OPTION_INVALID`. */
  constructor(what: string, decode: Decode<T>, options: ReadOptions, decodeRaw?: (raw: Uint8Array) => T) {
    if (decodeRaw !== undefined) this.decode = decodeRaw
    this.#connector = new ServerConnector(serverOf(what, options, readOptions))
    const { stream, ifTrimmed = 'fail' } = options
    this.#streams = typeof stream === 'string' ? [stream] : [...new Set(stream)]
    this.#decode = decode
    this.#options = options
    if (this.#streams.length === 0 || !this.#streams.every(isName)) {
      throw invalid(what, 'stream is no name of a stream, and no list of names')
    }
    checkStart(what, options.from)
    if (!['fail', 'continue'].includes(ifTrimmed)) {
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
    const check = this.#check(`${what}: stream ${stream} of RabbitMQ`, context)
    try {
      const { start, state } = await link.repeat(async (connection) => {
        const found = await stateOf(connection, stream)
        const first = from?.next ?? (await this.#first(connection, stream, found))
        return { start: check(first, found), state: found }
      })
      return new StreamReader({
        what,
        name: context.name,
        clock: context.clock,
        stream,
        link,
        start,
        end: context.isBounded ? state.last : undefined,
        decode: this.#decode,
        check,
      })
    } catch (error) {
      link.close()
      throw unreadable(what, `stream ${stream}`, link.address, error)
    }
  }

  async #first(connection: Connection, stream: string, { first, last }: StreamState): Promise<number> {
    const { from = 'earliest' } = this.#options
    if (from === 'earliest') return first
    if (from === 'latest') return last + 1
    if (typeof from === 'object' && 'offset' in from) return from.offset
    const place =
      from === 'last'
        ? from
        : ({ '!': 'timestamp', value: Math.max(0, Math.floor(Number(from.time) / 1_000)) } as const)
    const [found] = await offsetsFrom(connection, stream, place)
    return found ?? last + 1
  }

  /**
   * Returns what checks a stream: it returns the offset to read from. It throws `SOURCE_FAILED` if messages behind it are gone,
   * and another error, after which it may be asked again, while the broker may still find them.
   */
  #check(what: string, context: ConnectorContext): (next: number, state: StreamState) => number {
    let lostSince: number | undefined
    return (next, state) => {
      const loss = lossOf(next, state, this.#options.from)
      if (loss === undefined) lostSince = undefined
      else {
        const now = context.clock.monotonic()
        lostSince ??= now
        if (now - lostSince < recoveryMs) throw new Error(loss)
      }
      const problem = loss ?? gapOf(next, state)
      return problem === undefined ? next : this.#continued(`${what}: ${problem}`, state, context)
    }
  }

  /** The offset to continue from after a problem. Throws `SOURCE_FAILED` if there is to be none. */
  #continued(message: string, state: StreamState, context: ConnectorContext): number {
    if (this.#options.ifTrimmed !== 'continue') {
      const help =
        "keep messages for longer (x-max-age, x-max-length-bytes), or set ifTrimmed: 'continue' to continue without them"
      throw new MillraceError('SOURCE_FAILED', `${message}; ${help}`, { isFinal: true })
    }
    context.warn(`${message}; continuing with the oldest message that is there`)
    return state.first
  }
}

/** Why a stream is not the one that was read up to an offset; undefined if it may be. */
function lossOf(next: number, { last }: StreamState, from: ReadOptions['from']): string | undefined {
  const isChosen = typeof from === 'object' && 'offset' in from && from.offset === next
  if (last >= next - 1 || isChosen) return undefined
  return `its last message is ${last}, and those up to ${next - 1} were read: it was deleted and made anew, or has lost messages`
}

/** Why messages from an offset on cannot all be read; undefined if they can. */
function gapOf(next: number, { first }: StreamState): string | undefined {
  return first <= next
    ? undefined
    : `the messages from ${next} to ${first - 1} were deleted before they were read`
}

/** Throws `OPTION_INVALID` for a start that cannot be meant. */
function checkStart(what: string, from: unknown): void {
  if (from === undefined || ['earliest', 'last', 'latest'].includes(from as string)) return
  if (typeof from === 'object' && from !== null) {
    if ('time' in from && Math.abs(Number(from.time)) <= farthestTime) return
    if ('offset' in from && Number.isSafeInteger(from.offset) && Number(from.offset) >= 0) return
  }
  throw invalid(what, "from is none of 'earliest', 'last', 'latest', { time }, { offset: 0 }")
}
