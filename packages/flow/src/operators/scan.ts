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

const accumulated: StateDescriptor<{ readonly value: unknown }> = {
  name: 'accumulated',
  backup: backupByReference,
}

/** Keeps an accumulated value for each key, and emits it with the key after every record. */
class ScanOperator implements Operator<unknown, unknown> {
  static readonly fingerprint: Fingerprint = { pieces: [statePiece('value', accumulated)], settings: [] }
  readonly #initial: () => unknown
  readonly #next: (accumulated: unknown, value: unknown) => unknown
  #accumulated!: ValueState<{ readonly value: unknown }>

  constructor(initial: () => unknown, next: (accumulated: unknown, value: unknown) => unknown) {
    this.#initial = initial
    this.#next = next
  }

  open(context: OperatorContext): void {
    // Boxed, so that a key whose value is undefined differs from a new key.
    this.#accumulated = context.value(accumulated)
  }

  process(record: StreamRecord<unknown>, out: Collector<unknown>): void {
    const before = this.#accumulated.get()
    const value = this.#next(before === undefined ? this.#initial() : before.value, record.value)
    if (isThenable(value)) refusePromise(value)
    this.#accumulated.set({ value })
    out.emit({ key: record.key, value })
  }
}

/** The parts of the node of `scan`. */
export function scanParts(
  name: string,
  initial: () => unknown,
  next: (accumulated: unknown, value: unknown) => unknown,
): OperatorParts {
  for (const code of [initial, next]) requireSynchronous(code, 'scan', name)
  const create = () => new ScanOperator(initial, next)
  const { fingerprint } = ScanOperator
  return { type: 'scan', fingerprint, outputs: [], keeps: oneValue, create }
}
