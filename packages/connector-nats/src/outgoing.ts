import { MillraceError, noHeaders, type RecordHeaders } from '@millrace/core'
import type { Batch, RejectRecord } from '@millrace/core/connector'
import type { NatsConnection } from '@nats-io/transport-node'
import { headersFrom, withoutOwn, type GivenHeaders } from './headers.ts'
import { invalid } from './options.ts'
import { stateOf, type StreamState } from './stream.ts'
import { fits, isSubject } from './subject.ts'

/** A message to write. */
export interface OutgoingMessage {
  /** Default: the subject of the sink. */
  readonly subject?: string
  readonly data: string | Uint8Array
  /** Default: the headers that the record has in the stream. `{}`: none. */
  readonly headers?: GivenHeaders
}

/** A message, and the id by which the server drops one that it has; without one it gets one of its own. */
export interface MadeMessage extends OutgoingMessage {
  readonly id?: string
}

/** A message that was checked. */
export interface ReadyMessage {
  readonly id?: string
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** What messages a sink makes of values. */
export interface OutgoingOptions<T> {
  readonly stream: string
  /** For messages that name no subject. */
  readonly subject: string | undefined
  readonly messageOf: (value: T, headers: RecordHeaders) => MadeMessage
}

/** What the connector adds to a message, about. */
const overheadBytes = 250

/** Makes messages of values, and rejects those that the stream would not take. */
export class Outgoing<T> {
  readonly #options: OutgoingOptions<T>
  #subjects: readonly string[] = []
  #bytesMax = Infinity
  #bytes = 0
  /** Subjects that fit; the newest, so that they do not fill the memory. */
  readonly #known = new Set<string>()

  constructor(options: OutgoingOptions<T>) {
    this.#options = options
  }

  /** The data of all messages that it has made, without subjects and headers. */
  get bytes(): number {
    return this.#bytes
  }

  /** Looks at the stream. Rejects with `OPTION_INVALID` if it is not there, or does not have the subject of the sink. */
  async begin(nc: NatsConnection, what: string): Promise<StreamState> {
    const { stream, subject } = this.#options
    const state = await stateOf(nc, what, stream)
    this.#subjects = state.config.subjects ?? []
    const limits = [nc.info?.max_payload ?? Infinity, state.config.max_msg_size]
    this.#bytesMax = Math.min(...limits.filter((limit) => limit > 0))
    if (subject !== undefined && !this.#has(subject)) throw invalid(what, this.#foreign(subject))
    return state
  }

  /** Calls `take` for each message; a promise that it returns is waited for. */
  async each(
    batch: Batch<T>,
    reject: RejectRecord,
    take: (message: ReadyMessage) => Promise<void> | undefined,
  ): Promise<void> {
    for (let index = 0; index < batch.length; index++) {
      let message: ReadyMessage
      try {
        message = this.#ready(batch.values[index]!, batch.headers?.[index])
      } catch (error) {
        reject(index, error)
        continue
      }
      this.#bytes += message.data.length
      const taken = take(message)
      if (taken !== undefined) await taken
    }
  }

  #ready(value: T, headers: RecordHeaders = noHeaders): ReadyMessage {
    const carried = withoutOwn(headers)
    const made = this.#options.messageOf(value, carried)
    const { subject = this.#options.subject, data, id } = made
    if (!isSubject(subject)) {
      const problem = subject === undefined ? 'it has no subject' : `${JSON.stringify(subject)} is no subject`
      throw new MillraceError('CODEC_FAILED', `the message cannot be sent: ${problem}`)
    }
    if (!this.#has(subject)) throw new MillraceError('SINK_FAILED', this.#foreign(subject))
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new MillraceError('CODEC_FAILED', `the data of the message is ${typeof data}; give text or bytes`)
    }
    if (id !== undefined && (typeof id !== 'string' || !/^\S+$/.test(id))) {
      throw new MillraceError('CODEC_FAILED', 'the id of the message is no text without spaces')
    }
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    const ready = headersFrom(made.headers ?? carried)
    let size = bytes.length + overheadBytes
    for (const [name, content] of ready) size += name.length + Buffer.byteLength(content) + 4
    if (size > this.#bytesMax) {
      const help = `raise max_payload of the server and max_msg_size of the stream`
      const message = `the message has about ${size} bytes, and the stream takes ${this.#bytesMax}; ${help}`
      throw new MillraceError('RECORD_TOO_LARGE', message)
    }
    return { subject, data: bytes, headers: ready, ...(id !== undefined && { id }) }
  }

  #has(subject: string): boolean {
    if (this.#known.has(subject)) return true
    if (!this.#subjects.some((pattern) => fits(subject, pattern))) return false
    if (this.#known.size >= 10_000) this.#known.clear()
    this.#known.add(subject)
    return true
  }

  #foreign(subject: string): string {
    return `stream ${this.#options.stream} does not have the subject ${subject}; it has ${this.#subjects.join(', ')}`
  }
}
