import type { Codec } from '@millrace/core'
import type { StatePiece } from '@millrace/core/operator'
import { accumulatorsOf, type Accumulators } from './accumulators.ts'
import type { Aggregates } from './aggregate.ts'
import { collect } from './collect.ts'
import type { WindowRecord } from './evictor.ts'

type Records = WindowRecord<unknown>[]

/** The records of a window, as accumulators: they are aggregated when a result is asked for. For windows with an evictor. */
export class KeptRecords implements Accumulators {
  readonly codec: Codec<unknown>
  readonly pieces: readonly StatePiece[]
  readonly isFixedSize = false
  readonly #kept: Accumulators
  readonly #aggregates: Accumulators

  /** `operator` is for messages. */
  constructor(aggregates: Aggregates<unknown>, operator: string) {
    this.#aggregates = accumulatorsOf(aggregates, operator)
    this.#kept = accumulatorsOf({ records: collect() }, operator)
    this.codec = this.#kept.codec
    this.pieces = this.#kept.pieces
  }

  first(record: WindowRecord<unknown>): unknown {
    this.#try(record)
    return this.#kept.first(record)
  }

  add(records: unknown, record: WindowRecord<unknown>): unknown {
    this.#try(record)
    return this.#kept.add(records, record)
  }

  backup(records: unknown): () => unknown {
    return this.#kept.backup(records)
  }

  copy(records: unknown): unknown {
    return this.#kept.copy(records)
  }

  merge(earlier: unknown, later: unknown): unknown {
    return this.#kept.merge(earlier, later)
  }

  results(records: Records, result: Record<string, unknown>): void {
    const [first, ...others] = records
    let totals = this.#aggregates.first(first!.value)
    for (const { value } of others) totals = this.#aggregates.add(totals, value)
    this.#aggregates.results(totals, result)
  }

  /** A record that aggregates refuse fails when it comes, not when a result is due. */
  #try({ value }: WindowRecord<unknown>): void {
    this.#aggregates.first(value)
  }
}
