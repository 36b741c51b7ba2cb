import {
  backupByReference,
  isThenable,
  refusePromise,
  statePiece,
  type Collector,
  type Fingerprint,
  type Operator,
  type OperatorContext,
  type StateDescriptor,
  type StreamRecord,
  type ValueState,
} from '@millrace/core/operator'
import { requireSynchronous } from '../synchronous.ts'
import { oneValue, type OperatorParts } from './operator-parts.ts'

const total: StateDescriptor<{ readonly value: unknown }> = { name: 'total', backup: backupByReference }

/** Combines all records of each key so far into one, and emits it with the key after every record. */
class ReduceOperator implements Operator<unknown, unknown> {
  static readonly fingerprint: Fingerprint = { pieces: [statePiece('value', total)], settings: [] }
  readonly #combine: (total: unknown, value: unknown) => unknown
  #total!: ValueState<{ readonly value: unknown }>

  constructor(combine: (total: unknown, value: unknown) => unknown) {
    this.#combine = combine
  }

  open(context: OperatorContext): void {
    // Boxed, so that a key whose total is undefined differs from a new key.
    this.#total = context.value(total)
  }

  process(record: StreamRecord<unknown>, out: Collector<unknown>): void {
    const before = this.#total.get()
    const value = before === undefined ? record.value : this.#combine(before.value, record.value)
    if (isThenable(value)) refusePromise(value)
    this.#total.set({ value })
    out.emit({ key: record.key, value })
  }
}

/** The parts of the node of `reduce`. */
export function reduceParts(
  name: string,
  combine: (total: unknown, value: unknown) => unknown,
): OperatorParts {
  requireSynchronous(combine, 'reduce', name)
  const create = () => new ReduceOperator(combine)
  const { fingerprint } = ReduceOperator
  return { type: 'reduce', fingerprint, outputs: [], keeps: oneValue, create }
}
