import {
  backupByReference,
  isThenable,
  refusePromise,
  statePiece,
  type Collector,
  type Operator,
  type OperatorContext,
  type StateDescriptor,
  type StreamRecord,
  type TimeToLive,
  type ValueState,
} from '@millrace/core/operator'
import { requireSynchronous } from '../synchronous.ts'
import { valueText, type OperatorParts } from './operator-parts.ts'
import { seedOf, type AnyValueSeed } from './seed.ts'
import type { AnyStatefulOptions } from './stateful-options.ts'
import { timeToLive } from './ttl.ts'

const total: StateDescriptor<{ readonly value: unknown }> = { name: 'total', backup: backupByReference }

/** Combines all records of each key so far into one, and emits it with the key after every record. */
class ReduceOperator implements Operator<unknown, unknown> {
  readonly #combine: (total: unknown, value: unknown) => unknown
  readonly #ttl: TimeToLive | undefined
  readonly #seed: AnyValueSeed | undefined
  #total!: ValueState<{ readonly value: unknown }>

  constructor(
    combine: (total: unknown, value: unknown) => unknown,
    { ttl, seed }: { readonly ttl: TimeToLive | undefined; readonly seed: AnyValueSeed | undefined },
  ) {
    this.#combine = combine
    this.#ttl = ttl
    this.#seed = seed
  }

  open(context: OperatorContext): void {
    // Boxed, so that a key whose total is undefined differs from a new key.
    this.#total = context.value({ ...total, ttl: this.#ttl })
  }

  seeded({ value: row }: StreamRecord<unknown>): void {
    const begun = this.#seed!.value(row)
    if (isThenable(begun)) refusePromise(begun)
    this.#total.set({ value: begun })
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
  options: AnyStatefulOptions = {},
): OperatorParts {
  requireSynchronous(combine, 'reduce', name)
  const ttl = timeToLive(options.ttl, `'${name}'`)
  const fingerprint = { pieces: [statePiece('value', { ...total, ttl })], settings: [] }
  const { seed } = options
  const create = () => new ReduceOperator(combine, { ttl, seed })
  return {
    type: 'reduce',
    fingerprint,
    outputs: [],
    keeps: valueText(ttl),
    clock: ttl?.clock,
    seed: seedOf(name, seed, 'value', [ttl]),
    create,
  }
}
