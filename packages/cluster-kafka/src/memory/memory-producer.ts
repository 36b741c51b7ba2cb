import {
  codes,
  KafkaFailure,
  type AtomicProducer,
  type PackedBatch,
  type World,
} from '@millrace/connector-kafka/port'
import type { ProcessLink } from './process-link.ts'
import type { ProducerPlace, TransactionCoordinator } from './transaction-coordinator.ts'

/** What happens to a commit whose answer is lost: the broker has carried it out, or never got it. */
export type LostCommit = 'committed' | 'open'

export interface ProducerParts {
  readonly transactions: TransactionCoordinator
  readonly place: ProducerPlace
  readonly link: ProcessLink
  readonly world: World
  /** Whether the answer of the next commit is lost. */
  readonly takeLoss: () => LostCommit | undefined
}

/** A producer in transactions. */
export class MemoryProducer implements AtomicProducer {
  readonly #parts: ProducerParts
  #isUsed = false

  constructor(parts: ProducerParts) {
    this.#parts = parts
  }

  async commit(chunks: AsyncIterable<readonly PackedBatch[]>): Promise<void> {
    if (this.#isUsed) throw new Error('a producer cannot be used after the failure of a transaction')
    this.#isUsed = true
    const { transactions, place, link, world } = this.#parts
    let isEmpty = true
    for await (const batches of chunks) {
      if (batches.length === 0) continue
      isEmpty = false
      await link.ask('write', world, () => transactions.write(place, batches))
    }
    if (!isEmpty) await link.ask('commit', world, () => this.#commit())
    this.#isUsed = false
  }

  close(): Promise<void> {
    this.#isUsed = true
    return Promise.resolve()
  }

  #commit(): void {
    const { transactions, place, link, takeLoss } = this.#parts
    const loss = takeLoss()
    if (loss !== 'open') transactions.commit(place)
    if (loss !== undefined) {
      throw new KafkaFailure(codes.timedOut, `the answer to ${link.process} is lost`, false)
    }
  }
}
