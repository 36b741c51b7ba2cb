import type { TransactionProducer } from '../cluster.ts'
import type { PackedBatch } from '../record.ts'
import { Coordinator, firstError } from './coordinator.ts'
import { WireAtomic, type AtomicParts } from './wire-atomic.ts'
import { addOffsetsRequest, offsetInTransactionRequest, stableOffsetRequest } from './write-request.ts'

export interface TransactionsParts extends AtomicParts {
  /** The group that keeps the mark of the transactional id. */
  readonly group: string
  /** The topic in whose name the mark is kept. */
  readonly topic: string
}

/**
 * Opens the producer of an id. The mark is the offset that the group has in partition 0 of the topic: it is a part of each
 * transaction. It is read after the producers before this one can change it no more.
 */
export async function openTransactions(parts: TransactionsParts): Promise<TransactionProducer> {
  const { brokers, world, group, topic, requestMs } = parts
  const atomic = await WireAtomic.open(parts)
  const offsets = new Coordinator({ brokers, world, kind: 'group', key: group, patienceMs: requestMs })
  const { offset } = await offsets.ask(
    stableOffsetRequest(group, { topic, partition: 0 }),
    ({ error }) => error,
  )
  return new WireTransactions(parts, { atomic, offsets }, offset < 0 ? undefined : offset)
}

interface Ends {
  readonly atomic: WireAtomic
  readonly offsets: Coordinator
}

/** The newest producer of an id, whose transactions carry a mark. */
class WireTransactions implements TransactionProducer {
  mark: number | undefined
  readonly #parts: TransactionsParts
  readonly #ends: Ends

  constructor(parts: TransactionsParts, ends: Ends, mark: number | undefined) {
    this.#parts = parts
    this.#ends = ends
    this.mark = mark
  }

  async commit(chunks: AsyncIterable<readonly PackedBatch[]>, mark: number): Promise<void> {
    const { group, topic } = this.#parts
    const { atomic, offsets } = this.#ends
    await atomic.commit(chunks, async (producer, transactions) => {
      await transactions.ask(addOffsetsRequest(producer, group), Number)
      await offsets.ask(
        offsetInTransactionRequest(producer, group, { topic, partition: 0, offset: mark }),
        firstError,
      )
    })
    this.mark = mark
  }

  close(): Promise<void> {
    return this.#ends.atomic.close()
  }
}
