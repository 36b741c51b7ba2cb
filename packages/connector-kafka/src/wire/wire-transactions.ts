import type { TransactionProducer, World } from '../cluster.ts'
import { splitOf, type PackedBatch } from '../record.ts'
import { sequenceAfter, stamp } from './batch-encoder.ts'
import type { Brokers } from './brokers.ts'
import { Coordinator, firstError } from './coordinator.ts'
import { produce, roundBytes } from './produce.ts'
import {
  addOffsetsRequest,
  addPartitionsRequest,
  commitTransactionRequest,
  initRequest,
  offsetInTransactionRequest,
  stableOffsetRequest,
  type TransactionalProducer,
} from './write-request.ts'

export interface TransactionsParts {
  readonly brokers: Brokers
  readonly world: Pick<World, 'clock' | 'signal'>
  /** The transactional id, and the group that keeps its mark. */
  readonly id: string
  readonly group: string
  /** The topic in whose name the mark is kept. */
  readonly topic: string
  /** How long an answer may take. */
  readonly requestMs: number
  /** After so long the broker ends a transaction. */
  readonly transactionTimeoutMs: number
}

/**
 * Opens the producer of an id. The mark is the offset that the group has in partition 0 of the topic: it is a part of each
 * transaction. It is read after the producers before this one can change it no more.
 */
export async function openTransactions(parts: TransactionsParts): Promise<TransactionProducer> {
  const { brokers, world, id, group, topic, requestMs, transactionTimeoutMs } = parts
  const common = { brokers, world, patienceMs: requestMs }
  const transactions = new Coordinator({ ...common, kind: 'transaction', key: id })
  const offsets = new Coordinator({ ...common, kind: 'group', key: group })
  const { producer, epoch } = await transactions.ask(
    initRequest(id, transactionTimeoutMs),
    ({ error }) => error,
  )
  const { offset } = await offsets.ask(
    stableOffsetRequest(group, { topic, partition: 0 }),
    ({ error }) => error,
  )
  const mark = offset < 0 ? undefined : offset
  return new WireTransactions(parts, { id, producer, epoch }, { transactions, offsets }, mark)
}

interface Coordinators {
  readonly transactions: Coordinator
  readonly offsets: Coordinator
}

/**
 * The newest producer of an id. Nothing is repeated that may have happened: whatever is not answered, or answered with an
 * error, ends its use, and the next producer ends its transaction.
 */
class WireTransactions implements TransactionProducer {
  mark: number | undefined
  readonly #parts: TransactionsParts
  readonly #producer: TransactionalProducer
  readonly #coordinators: Coordinators
  /** The number that the next record of a split has. */
  readonly #sequences = new Map<string, number>()
  #isUsed = false

  constructor(
    parts: TransactionsParts,
    producer: TransactionalProducer,
    coordinators: Coordinators,
    mark: number | undefined,
  ) {
    this.#parts = parts
    this.#producer = producer
    this.#coordinators = coordinators
    this.mark = mark
  }

  async commit(chunks: AsyncIterable<readonly PackedBatch[]>, mark: number): Promise<void> {
    if (this.#isUsed) throw new Error('a producer cannot be used after the failure of a transaction')
    this.#isUsed = true
    const { world, group, topic } = this.#parts
    const producer = this.#producer
    const { transactions, offsets } = this.#coordinators
    const added = new Set<string>()
    let sending: Promise<void> = Promise.resolve()
    for await (const round of rounds(chunks)) {
      await sending
      world.signal.throwIfAborted()
      sending = this.#send(round, added)
      // The next batches are read meanwhile; a failure is thrown above or below.
      sending.catch(() => {})
    }
    await sending
    await transactions.ask(addOffsetsRequest(producer, group), Number)
    await offsets.ask(
      offsetInTransactionRequest(producer, group, { topic, partition: 0, offset: mark }),
      firstError,
    )
    await transactions.ask(commitTransactionRequest(producer), Number)
    this.mark = mark
    this.#isUsed = false
  }

  /** An open transaction is ended by the next producer, or by the broker after its time. */
  close(): Promise<void> {
    this.#isUsed = true
    return Promise.resolve()
  }

  async #send(round: readonly PackedBatch[], added: Set<string>): Promise<void> {
    const { brokers, id, requestMs } = this.#parts
    const { producer, epoch } = this.#producer
    const others = round.filter((batch) => !added.has(splitOf(batch)))
    if (others.length > 0) {
      await this.#coordinators.transactions.ask(addPartitionsRequest(this.#producer, others), firstError)
      for (const batch of others) added.add(splitOf(batch))
    }
    for (const batch of round) {
      const split = splitOf(batch)
      const sequence = this.#sequences.get(split) ?? 0
      stamp(batch.bytes, { producer, epoch, sequence, isTransactional: true })
      this.#sequences.set(split, sequenceAfter(sequence, batch.count))
    }
    const failures = [...(await produce(brokers, round, { id, timeoutMs: requestMs })).values()]
    const failure = failures.find(({ isFinal }) => isFinal) ?? failures[0]
    if (failure !== undefined) throw failure
  }
}

/** Puts batches together that are sent at a time: of each partition one at most. */
async function* rounds(chunks: AsyncIterable<readonly PackedBatch[]>): AsyncIterable<readonly PackedBatch[]> {
  let round = new Map<string, PackedBatch>()
  let bytes = 0
  for await (const batches of chunks) {
    for (const batch of batches) {
      const split = splitOf(batch)
      if (round.size > 0 && (round.has(split) || bytes + batch.bytes.length > roundBytes)) {
        yield [...round.values()]
        round = new Map()
        bytes = 0
      }
      round.set(split, batch)
      bytes += batch.bytes.length
    }
  }
  if (round.size > 0) yield [...round.values()]
}
