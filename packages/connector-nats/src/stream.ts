import { MillraceError } from '@millrace/core'
import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type Consumer,
  type ConsumerInfo,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import { nanos, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { placeOf, type Place } from './place.ts'
import { Pull } from './pull.ts'
import type { Link } from './options.ts'

/** What a server says about a stream. */
export interface StreamState {
  /** When it was made: another stream of the same name was made at another time. */
  readonly created: string
  /** The sequence of the oldest message that is there, and of the newest that was ever there. */
  readonly first: number
  readonly last: number
  readonly config: StreamConfig
}

/** An answer may take so long. */
const timeoutMs = 20_000
/** The server forgets a consumer that nothing asks for messages. */
const forgottenAfterMs = 30_000

/** Rejects with `error`'s code `OPTION_INVALID` and is final if there is no such stream. */
export async function stateOf(nc: NatsConnection, what: string, stream: string): Promise<StreamState> {
  const server = nc.getServer()
  let info: StreamInfo
  try {
    info = await (await manager(nc)).streams.info(stream)
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error
    if (error.code === JetStreamApiCodes.StreamNotFound) {
      const message = `${what}: there is no stream ${stream} on ${server}; create it first`
      throw new MillraceError('OPTION_INVALID', message, { isFinal: true })
    }
    throw error
  }
  return {
    created: info.created,
    first: info.state.first_seq,
    last: info.state.last_seq,
    config: info.config,
  }
}

/** Whether a message is only removed because a newer one has its subject. */
export function keepsNewest({ max_msgs_per_subject, max_age, max_msgs, max_bytes }: StreamConfig): boolean {
  return max_msgs_per_subject > 0 && max_age === 0 && max_msgs <= 0 && max_bytes <= 0
}

/** Which messages are fetched. */
export interface Wanted {
  readonly stream: string
  readonly from: { readonly sequence: number } | { readonly time: number }
  /** Only those with these subjects, which may have wildcards. Default: all. */
  readonly subjects?: readonly string[]
  readonly headersOnly?: boolean
}

/** Fetches messages in the order of their sequences, and notices if one was lost on the way. */
export class MessageFetcher {
  /** The sequence from which it began, and how many messages were there. */
  readonly start: number
  readonly pending: number
  readonly #nc: NatsConnection
  readonly #consumer: Consumer
  readonly #pull: Pull
  #delivered = 0
  /** How many messages the consumer has in all, as far as is known: those that it was sent, and those that are there after them. */
  #total = 0

  static async open(nc: NatsConnection, link: Link, wanted: Wanted): Promise<MessageFetcher> {
    const { stream, from, subjects = [], headersOnly = false } = wanted
    const consumers = (await manager(nc)).consumers
    const info = await consumers.add(stream, {
      ack_policy: AckPolicy.None,
      ...('sequence' in from
        ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(from.sequence, 1) }
        : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: textOf(from.time) }),
      ...(subjects.length === 1 && { filter_subject: subjects[0]! }),
      ...(subjects.length > 1 && { filter_subjects: [...subjects] }),
      headers_only: headersOnly,
      inactive_threshold: nanos(forgottenAfterMs),
      mem_storage: true,
      num_replicas: 1,
    })
    const consumer = jetstream(nc, { timeout: timeoutMs }).consumers.getConsumerFromInfo(info)
    const pull = new Pull(nc, link, stream, info.name)
    return new MessageFetcher(nc, consumer, pull, info)
  }

  private constructor(nc: NatsConnection, consumer: Consumer, pull: Pull, info: ConsumerInfo) {
    this.#nc = nc
    this.#consumer = consumer
    this.#pull = pull
    this.start = info.delivered.stream_seq + 1
    this.pending = info.num_pending
    this.#total = info.num_pending
  }

  /**
   * Calls `take` for messages as they arrive: as many as there are, at most `limit`, and those that come within a second.
   * It ends when `take` returns false. Returns how many there were. Rejects if one was lost on the way: fetch them anew.
   */
  async fetch(
    limit: number,
    take: (message: Msg, place: Place) => boolean | Promise<boolean>,
  ): Promise<number> {
    const before = this.#delivered
    for await (const messages of this.#pull.batches(limit)) {
      for (const message of messages) {
        const place = placeOf(message)
        if (place.delivered !== ++this.#delivered) throw new Error('a message was lost on the way')
        this.#total = place.delivered + place.pending
        const taken = take(message, place)
        if (!(typeof taken === 'boolean' ? taken : await taken)) return this.#delivered - before
      }
    }
    return this.#delivered - before
  }

  /** How many messages that are there were not handed out, as far as is known. */
  get behind(): number {
    return Math.max(this.#total - this.#delivered, 0)
  }

  /** Asks the server how many messages the consumer has in all. */
  async look(): Promise<number> {
    const { num_pending, delivered } = await this.#consumer.info()
    return (this.#total = delivered.consumer_seq + num_pending)
  }

  /** Whether every message that is there was handed out. */
  async isDrained(): Promise<boolean> {
    const { num_pending, delivered } = await this.#consumer.info()
    this.#total = delivered.consumer_seq + num_pending
    return num_pending === 0 && delivered.consumer_seq === this.#delivered
  }

  /** Ends a fetch that waits. */
  stop(): void {
    this.#pull.stop()
  }

  /** Best effort: the server forgets it anyway. */
  async close(): Promise<void> {
    this.#pull.close()
    if (!this.#nc.isClosed()) await this.#consumer.delete().catch(() => false)
  }
}

function textOf(time: number): string {
  // oxlint-disable-next-line no-restricted-globals -- formats a given time, and does not ask for the time of day
  return new Date(time).toISOString()
}

function manager(nc: NatsConnection): Promise<JetStreamManager> {
  return jetstreamManager(nc, { checkAPI: false, timeout: timeoutMs })
}
