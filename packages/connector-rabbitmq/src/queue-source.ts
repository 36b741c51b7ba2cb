import {
  type ConnectorContext,
  type Discovery,
  ServerConnector,
  type Source,
  type SplitReader,
} from '@millrace/core/connector'
import { unreadable } from './broker-error.ts'
import { queueMessage, type Decode, type QueueMessage } from './message.ts'
import { serverOf, invalid, type RabbitOptions } from './options.ts'
import { QueueReader, type QueuePosition } from './queue-reader.ts'
import type { Connection } from './amqp/connection.ts'

/** How queues are read. */
export interface ReceiveOptions extends RabbitOptions {
  /** A queue, or several. Each is a split. They must exist. */
  readonly queue: string | readonly string[]
  /**
   * How many messages of each queue may be here and not acknowledged yet, from 1 to 65,535. They are acknowledged after the
   * second checkpoint that follows them, so it limits how many are read in that time. Default 10,000.
   */
  readonly prefetch?: number
  /**
   * Makes records exactly once: a message whose id came before is acknowledged and dropped. The ids are in the checkpoint. A
   * message without an id follows the error policy. Default: none, so some records come twice after a crash or an outage.
   */
  readonly deduplicateBy?: 'messageId' | ((message: QueueMessage) => string | undefined)
  /** How many of the newest ids of each queue are remembered; at least `prefetch`. Default: twice `prefetch`. */
  readonly rememberIds?: number
  /**
   * What happens to a message that cannot be decoded: `policy`, it follows the error policy of the source, or `reject`, it is
   * rejected, so that the broker moves it to the dead letter exchange of the queue, or drops it. Default `policy`.
   */
  readonly ifUndecodable?: 'policy' | 'reject'
}

const receiveOptions = ['queue', 'prefetch', 'deduplicateBy', 'rememberIds', 'ifUndecodable'] as const

/** Each queue is a split. Messages are acknowledged once a checkpoint has their records. */
export class QueueSource<T> implements Source<T, QueuePosition> {
  readonly kind = 'rabbitmq-queue'
  readonly hasHeaders = true
  readonly durability: Source<T>['durability']
  readonly #queues: readonly string[]
  readonly decode?: (raw: Uint8Array) => T
  readonly #decode: Decode<T>
  readonly #prefetch: number
  readonly #idOf: Decode<unknown> | undefined
  readonly #rememberIds: number
  readonly #rejects: boolean
  readonly #connector: ServerConnector<Connection>

  /** `decodeRaw` decodes the bytes of a dead letter. Throws `OPTION_INVALID`. */
  constructor(what: string, decode: Decode<T>, options: ReceiveOptions, decodeRaw?: (raw: Uint8Array) => T) {
    if (decodeRaw !== undefined) this.decode = decodeRaw
    this.#connector = new ServerConnector(serverOf(what, options, receiveOptions))
    const { queue, prefetch = 10_000, deduplicateBy, ifUndecodable = 'policy' } = options
    const { rememberIds = 2 * prefetch } = options
    this.#queues = typeof queue === 'string' ? [queue] : [...new Set(queue)]
    this.#decode = decode
    this.#prefetch = prefetch
    this.#idOf = idOf(what, deduplicateBy)
    this.#rememberIds = rememberIds
    this.#rejects = ifUndecodable === 'reject'
    this.durability = deduplicateBy === undefined ? 'redelivering' : 'replayable'
    if (this.#queues.length === 0 || !this.#queues.every(isName)) {
      throw invalid(what, 'queue is no name of a queue, and no list of names')
    }
    if (!Number.isSafeInteger(prefetch) || prefetch < 1 || prefetch > 65_535) {
      throw invalid(what, `prefetch is ${String(prefetch)}; give a whole number from 1 to 65535`)
    }
    if (options.rememberIds !== undefined && deduplicateBy === undefined) {
      throw invalid(what, 'rememberIds needs deduplicateBy')
    }
    if (!Number.isSafeInteger(rememberIds) || rememberIds < prefetch) {
      throw invalid(
        what,
        `rememberIds is ${String(rememberIds)}; give a whole number that is at least prefetch`,
      )
    }
    if (!['policy', 'reject'].includes(ifUndecodable)) {
      throw invalid(what, `ifUndecodable is ${String(ifUndecodable)}; write 'policy' or 'reject'`)
    }
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ splits: this.#queues, isComplete: true })
  }

  async open(
    queue: string,
    from: QueuePosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, QueuePosition>> {
    const what = `source ${context.name}`
    const link = await this.#connector.link(what, context)
    try {
      const ready = await link.repeat(async (connection) => {
        const channel = await connection.channel()
        const { messageCount } = await channel.checkQueue(queue)
        await channel.close()
        return messageCount
      })
      return new QueueReader({
        what,
        queue,
        link,
        from,
        context,
        limit: context.isBounded ? ready : Infinity,
        prefetch: this.#prefetch,
        decode: this.#decode,
        idOf: this.#idOf,
        rememberIds: this.#rememberIds,
        rejects: this.#rejects,
      })
    } catch (error) {
      link.close()
      throw unreadable(what, `queue ${queue}`, link.address, error)
    }
  }
}

/** Returns what reads the id of a message; undefined if none is read. */
function idOf(what: string, by: ReceiveOptions['deduplicateBy']): Decode<unknown> | undefined {
  if (by === undefined) return undefined
  if (by === 'messageId') return ({ properties }) => properties.messageId
  if (typeof by === 'function') return (message, queue) => by(queueMessage(message, queue))
  throw invalid(what, "deduplicateBy is neither 'messageId' nor a function")
}

/** Whether a queue or an exchange may be called so. */
export function isName(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && name.length <= 255
}
