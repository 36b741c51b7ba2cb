import type { World } from '../cluster.ts'
import type { AtomicProducer } from '../kafka-port.ts'
import { splitOf, type PackedBatch } from '../record.ts'
import { sequenceAfter, stamp } from './batch-encoder.ts'
import type { Brokers } from './brokers.ts'
import { Coordinator, firstError } from './coordinator.ts'
import { produce, roundBytes } from './produce.ts'
import {
  addPartitionsRequest,
  commitTransactionRequest,
  initRequest,
  type TransactionalProducer,
} from './write-request.ts'

export interface AtomicParts {
  readonly brokers: Brokers
  readonly world: Pick<World, 'clock' | 'signal'>
  /** The transactional id. */
  readonly id: string
  /** How long an answer may take. */
  readonly requestMs: number
  /** After so long the broker ends a transaction. */
  readonly transactionTimeoutMs: number
}

/** Adds something to an open transaction beside records. Rejects with a `KafkaFailure`. */
export type AddToTransaction = (producer: TransactionalProducer, transactions: Coordinator) => Promise<void>

/**
 * The newest producer of an id. Nothing is repeated that may have happened: whatever is not answered, or answered with an
 * error, ends its use, and the next producer ends its transaction.
 */
export class WireAtomic implements AtomicProducer {
  readonly #parts: AtomicParts
  readonly #producer: TransactionalProducer
  readonly #transactions: Coordinator
  /** The number that the next record of a split has. */
  readonly #sequences = new Map<string, number>()
  #isUsed = false

  /** Opens the producer of an id: those before it can change nothing any more. Rejects with a `KafkaFailure`. */
  static async open(parts: AtomicParts): Promise<WireAtomic> {
    const { brokers, world, id, requestMs, transactionTimeoutMs } = parts
    const transactions = new Coordinator({
      brokers,
      world,
      kind: 'transaction',
      key: id,
      patienceMs: requestMs,
    })
    const { producer, epoch } = await transactions.ask(
      initRequest(id, transactionTimeoutMs),
      ({ error }) => error,
    )
    return new WireAtomic(parts, { id, producer, epoch }, transactions)
  }

  private constructor(parts: AtomicParts, producer: TransactionalProducer, transactions: Coordinator) {
    this.#parts = parts
    this.#producer = producer
    this.#transactions = transactions
  }

  /** `add` is called when all records are sent. Without it, and without records, there is no transaction. */
  async commit(chunks: AsyncIterable<readonly PackedBatch[]>, add?: AddToTransaction): Promise<void> {
    if (this.#isUsed) throw new Error('a producer cannot be used after the failure of a transaction')
    this.#isUsed = true
    const { world } = this.#parts
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
    await add?.(this.#producer, this.#transactions)
    if (added.size > 0 || add !== undefined) {
      await this.#transactions.ask(commitTransactionRequest(this.#producer), Number)
    }
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
      await this.#transactions.ask(addPartitionsRequest(this.#producer, others), firstError)
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
