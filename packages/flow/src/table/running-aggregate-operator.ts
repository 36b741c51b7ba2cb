import {
  statePiece,
  type Collector,
  type Fingerprint,
  type Operator,
  type OperatorContext,
  type StreamRecord,
  type ValueState,
} from '@millrace/core/operator'
import type { OperatorParts } from '../operators/operator-parts.ts'
import { accumulatorsOf, type Accumulators } from '../window/accumulators.ts'
import type { Aggregates } from '../window/aggregate.ts'
import type { RowChange } from './row-change.ts'
import { isSameRow } from './same-row.ts'

/**
 * Aggregates all records of each key, and emits the row of the key when it changes.
 *
 * Invariant: the results of the accumulators in state are the `after` of the last change emitted for their key.
 */
class RunningAggregateOperator implements Operator<unknown, RowChange> {
  readonly #accumulators: Accumulators
  #state!: ValueState<unknown>

  constructor(accumulators: Accumulators) {
    this.#accumulators = accumulators
  }

  open(context: OperatorContext): void {
    this.#state = context.value({
      name: 'accumulators',
      codec: this.#accumulators.codec,
      backup: (held) => this.#accumulators.backup(held),
    })
  }

  process({ value, key }: StreamRecord<unknown>, out: Collector<RowChange>): void {
    const held = this.#state.get()
    // Before the record is added, because accumulators are changed in place.
    const before = held === undefined ? undefined : this.#rowOf(key, held)
    const total = held === undefined ? this.#accumulators.first(value) : this.#accumulators.add(held, value)
    this.#state.set(total)
    const after = this.#rowOf(key, total)
    if (!isSameRow(before, after)) out.emit({ key: key!, before, after })
  }

  #rowOf(key: StreamRecord<unknown>['key'], accumulators: unknown): Readonly<Record<string, unknown>> {
    const row: Record<string, unknown> = { key }
    this.#accumulators.results(accumulators, row)
    return row
  }
}

/** The parts of the node of `aggregate` on a keyed stream. */
export function runningAggregateParts(name: string, aggregates: Aggregates<unknown>): OperatorParts {
  const accumulators = accumulatorsOf(aggregates, name)
  const totals = statePiece('accumulators', {
    name: 'accumulators',
    codec: { id: 'accumulators', version: 1 },
  })
  const fingerprint: Fingerprint = { pieces: [totals, ...accumulators.pieces], settings: [] }
  return {
    type: 'aggregate',
    fingerprint,
    outputs: [],
    keeps: 'the aggregates of each key',
    create: () => new RunningAggregateOperator(accumulators),
  }
}
