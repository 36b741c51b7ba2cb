import type { PackedBatch, RecordCollector } from '@millrace/connector-kafka/port'
import type { ConnectorContext } from '@millrace/core/connector'
import { CollectedBatches, type LeaseTransaction } from '../lease/lease-transaction.ts'

/**
 * The records of one sink for the checkpoint in progress. What was added to the transaction of the lease before `prepare` could become
 * visible with the checkpoint before, so it waits here: in memory, and beyond a limit in files of the sink.
 */
export class TransactionOutput implements RecordCollector {
  readonly #transaction: LeaseTransaction
  readonly #collected: CollectedBatches

  static async open(
    transaction: LeaseTransaction,
    { fs, directory }: Pick<ConnectorContext, 'fs' | 'directory'>,
  ): Promise<TransactionOutput> {
    const collected = new CollectedBatches(fs, directory)
    await collected.clear()
    return new TransactionOutput(transaction, collected)
  }

  private constructor(transaction: LeaseTransaction, collected: CollectedBatches) {
    this.#transaction = transaction
    this.#collected = collected
  }

  collect(batches: readonly PackedBatch[]): Promise<void> {
    return this.#collected.add(batches)
  }

  async prepare(): Promise<void> {
    const taken = await this.#collected.take()
    for await (const chunk of taken.batches) await this.#transaction.add(chunk)
    await taken.discard()
  }
}
