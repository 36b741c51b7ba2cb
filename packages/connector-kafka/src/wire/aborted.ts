import type { AbortedTransaction } from './request.ts'
import { isAbortMark, type RecordBatch } from './record-batch.ts'

/** Finds the batches of aborted transactions among those of one answer. They are shown in the order of their offsets. */
export class AbortedBatches {
  /** What was aborted, by the offset of the first record; those before `#begun` have begun. */
  readonly #transactions: readonly AbortedTransaction[]
  #begun = 0
  /** The producers whose records are a part of an aborted transaction here. */
  readonly #aborting = new Set<number>()

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#transactions = transactions.toSorted((one, other) => one.first - other.first)
  }

  /** Whether a batch holds records that were aborted. Throws a `WireError`. */
  has(batch: RecordBatch): boolean {
    for (; this.#begun < this.#transactions.length; this.#begun++) {
      const { first, producer } = this.#transactions[this.#begun]!
      if (first >= batch.next) break
      this.#aborting.add(producer)
    }
    if (!batch.isTransactional || !this.#aborting.has(batch.producer)) return false
    // The mark ends the transaction: what the producer writes behind it is another one.
    if (batch.isControl && isAbortMark(batch)) this.#aborting.delete(batch.producer)
    return true
  }
}
