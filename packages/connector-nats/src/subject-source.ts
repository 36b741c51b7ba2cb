import { describeError, MillraceError } from '@millrace/core'
import {
  type ConnectorContext,
  decodedPoll,
  type Discovery,
  type Poll,
  ServerConnector,
  type Source,
  type SplitReader,
} from '@millrace/core/connector'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { carriedHeaders } from './headers.ts'
import { subjectMessage, type Decode, type SubjectMessage } from './message.ts'
import { serverOf, invalid, type NatsOptions, type Link } from './options.ts'
import { isPattern } from './subject.ts'

/** How subjects are received. */
export interface ReceiveOptions extends NatsOptions {
  /** A subject, or several; they may have the wildcards `*` and `>`. */
  readonly subject: string | readonly string[]
  /** Members of one queue group share the messages. Default: none, so every message comes here. */
  readonly queue?: string
  /** How many messages may wait while the pipeline is busy. What comes then is dropped, with a warning. Default 65,536. */
  readonly waitingMax?: number
}

const receiveOptions = ['subject', 'queue', 'waitingMax'] as const

/**
 * Messages of subjects, without JetStream: the server keeps none of them. A message that is sent while the job is down, or
 * not connected, or that it had not finished when it was killed, is lost.
 */
export class SubjectSource<T> implements Source<T, null> {
  readonly kind = 'nats-subject'
  readonly durability = 'volatile'
  readonly hasHeaders = true
  readonly decode?: (raw: Uint8Array) => T
  readonly #subjects: readonly string[]
  readonly #decode: Decode<SubjectMessage, T>
  readonly #queue: string | undefined
  readonly #waitingMax: number
  readonly #connector: ServerConnector<NatsConnection>

  /** `decodeRaw` decodes the bytes of a dead letter. Throws `OPTION_INVALID`. */
  constructor(
    what: string,
    decode: Decode<SubjectMessage, T>,
    options: ReceiveOptions,
    decodeRaw?: (raw: Uint8Array) => T,
  ) {
    if (decodeRaw !== undefined) this.decode = decodeRaw
    this.#connector = new ServerConnector(serverOf(what, options, receiveOptions))
    const { subject, queue, waitingMax = 65_536 } = options
    this.#subjects = typeof subject === 'string' ? [subject] : [...new Set(subject)]
    this.#decode = decode
    this.#queue = queue
    this.#waitingMax = waitingMax
    if (this.#subjects.length === 0 || !this.#subjects.every(isPattern)) {
      throw invalid(what, 'subject is no subject, and no list of subjects')
    }
    if (queue !== undefined && !/^[^\s.*>]+$/.test(queue)) throw invalid(what, 'queue is no name of a group')
    if (!Number.isSafeInteger(waitingMax) || waitingMax < 1) {
      throw invalid(what, `waitingMax is ${waitingMax}; give a whole number from 1`)
    }
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ splits: this.#subjects, isComplete: true })
  }

  async open(
    subject: string,
    _from: null | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, null>> {
    const link = await this.#connector.link(`source ${context.name}`, context)
    return new SubjectReader({
      link,
      subject,
      queue: this.#queue,
      waitingMax: this.#waitingMax,
      decode: this.#decode,
      context,
    })
  }
}

interface SubjectReaderParts<T> {
  readonly link: Link
  readonly subject: string
  readonly queue: string | undefined
  readonly waitingMax: number
  readonly decode: Decode<SubjectMessage, T>
  readonly context: ConnectorContext
}

class SubjectReader<T> implements SplitReader<T, null> {
  readonly mustStayOpen = true
  readonly #parts: SubjectReaderParts<T>
  readonly #waiting: Msg[] = []
  #dropped = 0
  #bytesRead = 0
  #state: 'reading' | 'ended' | 'failed' | 'closed' = 'reading'
  #error: unknown
  #wakeReader: (() => void)[] = []

  constructor(parts: SubjectReaderParts<T>) {
    this.#parts = parts
    // A bounded job reads what is there, and nothing is ever there.
    if (parts.context.isBounded) this.#state = 'ended'
    else void this.#receiveAll()
  }

  poll(limit: number): Poll<T> {
    if (this.#waiting.length > 0) return this.#decoded(this.#waiting.splice(0, limit))
    if (this.#state === 'failed') throw this.#error
    return this.#state === 'reading' ? { kind: 'pending', isCaughtUp: true } : { kind: 'end' }
  }

  async ready(): Promise<void> {
    if (this.#waiting.length > 0 || this.#state !== 'reading') return
    await new Promise<void>((resolve) => this.#wakeReader.push(resolve))
  }

  position(): null {
    return null
  }

  /** The data of messages, without subjects and headers. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  close(): Promise<void> {
    if (this.#state === 'reading') this.#state = 'closed'
    this.#parts.link.close()
    this.#wake()
    return Promise.resolve()
  }

  #decoded(messages: readonly Msg[]): Poll<T> {
    const { decode, subject: split, context } = this.#parts
    for (const { data } of messages) this.#bytesRead += data.length
    return decodedPoll(messages, {
      source: context.name,
      split,
      decode: (message) => decode(subjectMessage(message)),
      raw: ({ data }) => data,
      place: ({ subject }) => `subject ${subject}`,
      headers: carriedHeaders,
    })
  }

  async #receiveAll(): Promise<void> {
    const { link, subject, context } = this.#parts
    try {
      await link.repeat((nc) => this.#receive(nc))
    } catch (error) {
      if (this.#state !== 'reading') return
      this.#state = 'failed'
      const message = `source ${context.name}: subject ${subject} on ${link.address} cannot be received: ${describeError(error)}`
      this.#error = new MillraceError('SOURCE_FAILED', message, { cause: error })
    }
    this.#wake()
  }

  async #receive(nc: NatsConnection): Promise<void> {
    const { link, subject, queue } = this.#parts
    const messages = nc.subscribe(subject, queue === undefined ? {} : { queue })
    // The server has the subscription when it has answered.
    await nc.flush()
    link.works()
    for await (const message of messages) this.#take(message)
    if (this.#state === 'reading') throw new Error('the connection is closed')
  }

  #take(message: Msg): void {
    const { waitingMax, context, subject } = this.#parts
    if (this.#waiting.length < waitingMax) {
      this.#waiting.push(message)
      this.#wake()
      return
    }
    // Once for each power of two.
    if ((++this.#dropped & (this.#dropped - 1)) !== 0) return
    context.warn(
      `source ${context.name}: ${this.#dropped} messages of ${subject} were dropped, because ${waitingMax} were waiting (waitingMax); subjects without JetStream cannot be slowed down`,
    )
  }

  #wake(): void {
    for (const wake of this.#wakeReader.splice(0)) wake()
  }
}
