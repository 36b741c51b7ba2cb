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

const accumulated: StateDescriptor<{ readonly value: unknown }> = {
  name: 'accumulated',
  backup: backupByReference,
}

/** Keeps an accumulated value for each key, and emits it with the key after every record. */
class ScanOperator implements Operator<unknown, unknown> {
  readonly #initial: () => unknown
  readonly #next: (accumulated: unknown, value: unknown) => unknown
  readonly #ttl: TimeToLive | undefined
  readonly #seed: AnyValueSeed | undefined
  #accumulated!: ValueState<{ readonly value: unknown }>

  constructor(
    initial: () => unknown,
    next: (accumulated: unknown, value: unknown) => unknown,
    { ttl, seed }: { readonly ttl: TimeToLive | undefined; readonly seed: AnyValueSeed | undefined },
  ) {
    this.#initial = initial
    this.#next = next
    this.#ttl = ttl
    this.#seed = seed
  }

  open(context: OperatorContext): void {
    // Boxed, so that a key whose value is undefined differs from a new key.
    this.#accumulated = context.value({ ...accumulated, ttl: this.#ttl })
  }

  seeded({ value: row }: StreamRecord<unknown>): void {
    const begun = this.#seed!.value(row)
    if (isThenable(begun)) refusePromise(begun)
    this.#accumulated.set({ value: begun })
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
  options: AnyStatefulOptions = {},
): OperatorParts {
  for (const code of [initial, next]) requireSynchronous(code, 'scan', name)
  const ttl = timeToLive(options.ttl, `'${name}'`)
  const fingerprint = { pieces: [statePiece('value', { ...accumulated, ttl })], settings: [] }
  const { seed } = options
  const create = () => new ScanOperator(initial, next, { ttl, seed })
  return {
    type: 'scan',
    fingerprint,
    outputs: [],
    keeps: valueText(ttl),
    clock: ttl?.clock,
    seed: seedOf(name, seed, 'value', [ttl]),
    create,
  }
}
