import { MillraceError, type Codec } from '@millrace/core'
import {
  backupByCodec,
  isThenable,
  refusePromise,
  type Backup,
  type StatePiece,
} from '@millrace/core/operator'
import { requireMethod, requireSynchronousMethods } from '../synchronous.ts'
import {
  AccumulatorCodec,
  aggregatePiece,
  codecOf,
  type AnyAggregate,
  type NamedAggregate,
} from './accumulator-codec.ts'
import { checkFields } from '../taken-names.ts'
import type { Aggregates } from './aggregate.ts'

/**
 * The accumulators of all aggregates of one window operator, as one value per cell: unwrapped for a single
 * aggregate, an array for several.
 */
export interface Accumulators {
  readonly codec: Codec<unknown>
  /** The fingerprints of the aggregates, in the user's order. */
  readonly pieces: readonly StatePiece[]
  /** Whether their size does not grow with the number of values. */
  readonly isFixedSize: boolean
  /** The accumulators of one value. */
  first(value: unknown): unknown
  add(accumulators: unknown, value: unknown): unknown
  /** Saves accumulators before a record is added that may be skipped. */
  backup(accumulators: unknown): () => unknown
  /** A copy that `merge` may change. */
  copy(accumulators: unknown): unknown
  merge(earlier: unknown, later: unknown): unknown
  /** Sets a field of `result` for each aggregate. */
  results(accumulators: unknown, result: Record<string, unknown>): void
}

const methods = ['create', 'add', 'merge', 'result'] as const

/**
 * Throws `OPTION_INVALID` for a reserved name or a missing function, and `GRAPH_INVALID` for an aggregate without kind or version.
 * `operator` is for messages.
 */
export function accumulatorsOf(aggregates: Aggregates<unknown>, operator: string): Accumulators {
  const named = Object.entries(aggregates).map(([name, aggregate]) => ({ name, aggregate }))
  checkFields(operator, Object.keys(aggregates))
  for (const each of named) {
    checkIdentity(each, operator)
    // The types require them; this is the check for untyped callers.
    for (const method of methods)
      requireMethod(each.aggregate, method, `aggregate '${each.name}' of '${operator}'`)
    requireSynchronousMethods(each.aggregate, methods, `aggregate '${each.name}' of`, operator)
  }
  return named.length === 1 ? new OneAccumulator(named[0]!, operator) : new AccumulatorArray(named, operator)
}

class OneAccumulator implements Accumulators {
  readonly codec: Codec<unknown>
  readonly pieces: readonly StatePiece[]
  readonly isFixedSize: boolean
  readonly #backup: Backup<unknown>
  readonly #name: string
  readonly #aggregate: AnyAggregate

  constructor(named: NamedAggregate, operator: string) {
    this.#name = named.name
    this.#aggregate = named.aggregate
    this.#backup = backupOf(named, operator)
    this.codec = bareCodec(new AccumulatorCodec([named]))
    this.pieces = [aggregatePiece(named)]
    this.isFixedSize = isFixedSize(named.aggregate)
  }

  first(value: unknown): unknown {
    return firstOf(this.#aggregate, value)
  }

  add(accumulator: unknown, value: unknown): unknown {
    return this.#aggregate.add(accumulator, value)
  }

  backup(accumulator: unknown): () => unknown {
    return this.#backup(accumulator)
  }

  copy(accumulator: unknown): unknown {
    return this.#aggregate.merge(this.#aggregate.create(), accumulator)
  }

  merge(earlier: unknown, later: unknown): unknown {
    return this.#aggregate.merge(earlier, later)
  }

  results(accumulator: unknown, result: Record<string, unknown>): void {
    result[this.#name] = figureOf(this.#aggregate, accumulator)
  }
}

class AccumulatorArray implements Accumulators {
  readonly codec: Codec<unknown>
  readonly pieces: readonly StatePiece[]
  readonly isFixedSize: boolean
  readonly #aggregates: readonly AnyAggregate[]
  readonly #backups: readonly Backup<unknown>[]
  /** The fields of a result in the user's order, with the index of each in the array. */
  readonly #fields: readonly { readonly name: string; readonly place: number }[]

  constructor(named: readonly NamedAggregate[], operator: string) {
    const sorted = inOrder(named)
    this.#aggregates = sorted.map(({ aggregate }) => aggregate)
    this.#fields = named.map((each) => ({ name: each.name, place: sorted.indexOf(each) }))
    this.#backups = sorted.map((each) => backupOf(each, operator))
    this.codec = new AccumulatorCodec(sorted)
    this.pieces = named.map(aggregatePiece)
    this.isFixedSize = this.#aggregates.every(isFixedSize)
  }

  first(value: unknown): unknown {
    return this.#aggregates.map((aggregate) => firstOf(aggregate, value))
  }

  add(accumulators: unknown[], value: unknown): unknown {
    const aggregates = this.#aggregates
    for (let i = 0; i < aggregates.length; i++) accumulators[i] = aggregates[i]!.add(accumulators[i], value)
    return accumulators
  }

  backup(accumulators: unknown[]): () => unknown {
    const copy = accumulators.slice()
    const inPlace: (readonly [place: number, valueBefore: () => unknown])[] = []
    for (const [i, accumulator] of copy.entries()) {
      if (typeof accumulator === 'object') inPlace.push([i, this.#backups[i]!(accumulator)])
    }
    return () => {
      for (const [i, valueBefore] of inPlace) copy[i] = valueBefore()
      return copy
    }
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
      result[name] = figureOf(this.#aggregates[place]!, accumulators[place])
  }
}

/** The accumulator of one value. */
function firstOf(aggregate: AnyAggregate, value: unknown): unknown {
  const accumulator = aggregate.add(aggregate.create(), value)
  if (isThenable(accumulator)) refusePromise(accumulator, `the aggregate '${aggregate.kind}' returned`)
  return accumulator
}

function figureOf(aggregate: AnyAggregate, accumulator: unknown): unknown {
  const figure = aggregate.result(accumulator)
  if (isThenable(figure)) refusePromise(figure, `the aggregate '${aggregate.kind}' returned`)
  return figure
}

/** Sorted by name, so that the order in the program does not change checkpoints. */
function inOrder(named: readonly NamedAggregate[]): readonly NamedAggregate[] {
  return named.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function backupOf({ name, aggregate }: NamedAggregate, operator: string): Backup<unknown> {
  if (aggregate.backup !== undefined) return (accumulator) => aggregate.backup!(accumulator)
  return backupByCodec(codecOf(aggregate), `aggregate '${name}' of operator '${operator}'`)
}

/** For a single accumulator that is not wrapped in an array. */
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

function isFixedSize(aggregate: AnyAggregate): boolean {
  return aggregate.isFixedSize ?? ['number', 'bigint', 'boolean'].includes(typeof aggregate.create())
}

/** The types require both; this is the check for untyped callers. */
function checkIdentity({ name, aggregate: { kind, version } }: NamedAggregate, operator: string): void {
  if (typeof kind === 'string' && kind !== '' && Number.isSafeInteger(version) && version >= 1) return
  throw new MillraceError(
    'GRAPH_INVALID',
    `aggregate '${name}' of '${operator}' has kind ${JSON.stringify(kind) ?? 'undefined'} and version ${String(version)}; give it a kind and a version from 1, so that a changed program does not misread its accumulators`,
  )
}
