import { splitOf, type KafkaPort, type TopicPartition } from '@millrace/connector-kafka/port'
import { MillraceError } from '@millrace/core'
import type { ConnectorContext, Discovery, Source, SplitReader } from '@millrace/core/connector'
import { Purge } from './purge.ts'
import { Senders } from './senders.ts'
import { ShuffleReader, type ShufflePosition } from './shuffle-reader.ts'

/** What a shuffle reads from and deletes in. */
export type ShufflePort = Pick<KafkaPort, 'address' | 'feed' | 'range' | 'deleteRecords'>

export interface ShuffleSourceOptions {
  readonly topic: string
  readonly lease: number
  readonly leases: number
  readonly port: ShufflePort
  /** Whether records have event times. */
  readonly isTimed: boolean
  /** Whether the run that has ended is continued, instead of the next one being begun. */
  readonly isRunContinued: boolean
}

/**
 * Reads what the leases have sent to this one: one partition, with the event times and watermarks of its records. It ends when all leases
 * have, and is read further in a later run.
 */
export class ShuffleSource implements Source<unknown, ShufflePosition> {
  readonly kind = 'kafka-shuffle'
  readonly durability = 'replayable'
  readonly hasHeaders = true
  readonly #options: ShuffleSourceOptions

  constructor(options: ShuffleSourceOptions) {
    this.#options = options
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ splits: [String(this.#options.lease)], isComplete: true })
  }

  splitLabel(): string {
    return splitOf(this.#of)
  }

  async open(
    split: string,
    from: ShufflePosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<unknown, ShufflePosition>> {
    const { leases, port, isTimed, isRunContinued } = this.#options
    const what = `source ${context.name}`
    const { first, end } = await port.range(this.#of)
    const offset = from?.offset ?? first
    if (offset < first || offset > end) {
      throw new MillraceError(
        'SOURCE_FAILED',
        `${what}: this lease continues at offset ${offset} of ${splitOf(this.#of)} on ${port.address}, which has the records from ${first} to before ${end}: the topic was deleted and made anew, or its records were. Restore it, or start the job under another name`,
        { isFinal: true },
      )
    }
    const senders = new Senders(leases, from?.senders)
    if (from !== undefined && context.start.isEndOfRun === true && !isRunContinued) senders.beginAnew()
    const purge = new Purge(port, this.#of, context)
    const parts = { what, split, of: this.#of, port, senders, isTimed, purge, signal: context.signal }
    const reader = new ShuffleReader(parts, { offset, index: from?.index ?? 0 })
    await reader.start()
    return reader
  }

  get #of(): TopicPartition {
    return { topic: this.#options.topic, partition: this.#options.lease }
  }
}
