import { MillraceError, OperatorError, type Codec, type StatePiece } from '@millrace/core'
import {
  AccumulatorCodec,
  aggregatePiece,
  type AnyAggregate,
  type NamedAggregate,
} from './accumulator-codec.ts'
import type { Aggregates } from './aggregate.ts'

/**
 * The accumulators of all aggregates of one window operator, as one value per cell: bare for a single aggregate, an
 * array for several.
 *
 * Adding a record is all or nothing: when one aggregate throws, none has taken the record, so an error policy may
 * leave it out. Where that cannot be undone, because an aggregate before it changed its accumulator in place, the
 * job stops whatever the policy.
 */
export interface Accumulators {
  readonly codec: Codec<unknown>
  /** What a fingerprint says about the aggregates, in the order in which the user listed them. */
  readonly pieces: readonly StatePiece[]
  /** The accumulators of one value. */
  first(value: unknown): unknown
  add(accumulators: unknown, value: unknown): unknown
  /** A copy that `merge` may change. */
  copy(accumulators: unknown): unknown
  merge(earlier: unknown, later: unknown): unknown
  /** Sets a field of `result` for each aggregate. */
  results(accumulators: unknown, result: Record<string, unknown>): void
}

/**
 * Throws `OPTION_INVALID` for a name that a result cannot have, and `GRAPH_INVALID` for an aggregate without kind or
 * version. `operator` is for messages.
 */
export function accumulatorsOf(aggregates: Aggregates<unknown>, operator: string): Accumulators {
  const named = Object.entries(aggregates).map(([name, aggregate]) => ({ name, aggregate }))
  for (const each of named) {
    checkField(each.name, operator)
    checkIdentity(each, operator)
  }
  return named.length === 1 ? new OneAccumulator(named[0]!) : new AccumulatorArray(named, operator)
}

class OneAccumulator implements Accumulators {
  readonly codec: Codec<unknown>
  readonly pieces: readonly StatePiece[]
  readonly #name: string
  readonly #aggregate: AnyAggregate

  constructor(named: NamedAggregate) {
    this.#name = named.name
    this.#aggregate = named.aggregate
    this.codec = bareCodec(new AccumulatorCodec([named]))
    this.pieces = [aggregatePiece(named)]
  }

  first(value: unknown): unknown {
    return this.#aggregate.add(this.#aggregate.create(), value)
  }

  add(accumulator: unknown, value: unknown): unknown {
    return this.#aggregate.add(accumulator, value)
  }

  copy(accumulator: unknown): unknown {
    return this.#aggregate.merge(this.#aggregate.create(), accumulator)
  }

  merge(earlier: unknown, later: unknown): unknown {
    return this.#aggregate.merge(earlier, later)
  }

  results(accumulator: unknown, result: Record<string, unknown>): void {
    result[this.#name] = this.#aggregate.result(accumulator)
  }
}

class AccumulatorArray implements Accumulators {
  readonly codec: Codec<unknown>
  readonly pieces: readonly StatePiece[]
  readonly #operator: string
  readonly #aggregates: readonly AnyAggregate[]
  /** The fields of a result as the user listed them, with the place of each in the array. */
  readonly #fields: readonly { readonly name: string; readonly place: number }[]
  /** What `add` has worked out and not yet kept. */
  readonly #next: unknown[]

  constructor(named: readonly NamedAggregate[], operator: string) {
    const sorted = inOrder(named)
    this.#operator = operator
    this.#aggregates = sorted.map(({ aggregate }) => aggregate)
    this.#fields = named.map((each) => ({ name: each.name, place: sorted.indexOf(each) }))
    this.#next = sorted.map(() => undefined)
    this.codec = new AccumulatorCodec(sorted)
    this.pieces = named.map(aggregatePiece)
  }

  first(value: unknown): unknown {
    return this.#aggregates.map((aggregate) => aggregate.add(aggregate.create(), value))
  }

  add(accumulators: unknown[], value: unknown): unknown {
    const aggregates = this.#aggregates
    const next = this.#next
    const count = aggregates.length
    let i = 0
    try {
      for (; i < count; i++) next[i] = aggregates[i]!.add(accumulators[i], value)
    } catch (thrown) {
      throw this.#isUntouched(accumulators, i) ? thrown : this.#halfAdded(i, thrown)
    }
    for (i = 0; i < count; i++) accumulators[i] = next[i]
    return accumulators
  }

  copy(accumulators: unknown[]): unknown {
    return this.#aggregates.map((aggregate, i) => aggregate.merge(aggregate.create(), accumulators[i]))
  }

  merge(earlier: unknown[], later: unknown[]): unknown {
    for (const [i, aggregate] of this.#aggregates.entries())
      earlier[i] = aggregate.merge(earlier[i], later[i])
    return earlier
  }

  results(accumulators: unknown[], result: Record<string, unknown>): void {
    for (const { name, place } of this.#fields)
      result[name] = this.#aggregates[place]!.result(accumulators[place])
  }

  /** Whether the aggregates before `failed` have worked on copies, which are simply not kept. */
  #isUntouched(accumulators: readonly unknown[], failed: number): boolean {
    return this.#next
      .slice(0, failed)
      .every((next, i) => typeof next !== 'object' || next === null || next !== accumulators[i])
  }

  #halfAdded(failed: number, thrown: unknown): OperatorError {
    const { kind } = this.#aggregates[failed]!
    const place = `a record that other aggregates had taken when '${kind}' threw, so that it cannot be left out; move what may throw into a map before the window`
    return new OperatorError(this.#operator, place, thrown)
  }
}

/**
 * By name, so that listing the fields in another order does not change how they are written; and aggregates with
 * objects for accumulators last, so that one before them that throws finds them untouched.
 */
function inOrder(named: readonly NamedAggregate[]): readonly NamedAggregate[] {
  const rank = ({ name, aggregate }: NamedAggregate) =>
    `${typeof aggregate.create() === 'object' ? 1 : 0}${name}`
  return named.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

/** For a single accumulator that is kept without an array around it. */
function bareCodec(codec: AccumulatorCodec): Codec<unknown> {
  return {
    id: codec.id,
    version: codec.version,
    encode: (accumulator, out) => codec.encode([accumulator], out),
    decode: (input) => codec.decode(input)[0],
    reader: (id, version) => {
      const read = codec.reader(id, version)
      return read && ((input) => read(input)[0])
    },
  }
}

const reserved: readonly string[] = ['key', 'window', '__proto__']

function checkField(name: string, operator: string): void {
  if (!reserved.includes(name)) return
  throw new MillraceError(
    'OPTION_INVALID',
    `'${operator}' has an aggregate named '${name}', but that field of a result is taken; choose another name`,
  )
}

/** Types ask for both; this is the check for untyped callers. */
function checkIdentity({ name, aggregate: { kind, version } }: NamedAggregate, operator: string): void {
  if (typeof kind === 'string' && kind !== '' && Number.isSafeInteger(version) && version >= 1) return
  throw new MillraceError(
    'GRAPH_INVALID',
    `aggregate '${name}' of '${operator}' has kind ${JSON.stringify(kind) ?? 'undefined'} and version ${String(version)}; give it a kind and a version from 1, so that a changed program does not misread its accumulators`,
  )
}
