import type { Codec } from '@millrace/core'
import type { Synchronous } from '../synchronous.ts'

/**
 * Works out one figure from many values, a value at a time.
 *
 * What it remembers is its accumulator: a number, a string, a bigint or an object. Accumulators are merged in order
 * of event time, slice by slice; within a slice values are added in order of arrival.
 *
 * Laws: `merge(a, create())` and `merge(create(), a)` mean the same as `a`; merging is associative; and adding a
 * value to `a` means the same as merging `a` with the accumulator of that value alone.
 *
 * @example
 * const longest: Aggregate<string, string, number> = {
 *   kind: 'longest',
 *   version: 1,
 *   create: () => '',
 *   add: (longest, text) => (text.length > longest.length ? text : longest),
 *   merge: (a, b) => (b.length > a.length ? b : a),
 *   result: (longest) => longest.length,
 * }
 */
export interface Aggregate<in In, Accumulator, out Result> {
  /** What it is. Of an aggregate of your own a name that no other kind has. */
  readonly kind: string
  /**
   * A whole number from 1. Raise it when accumulators change their meaning: the accumulators of a checkpoint are then
   * not read as something else. (Where only the way they are written changes, evolve the codec instead.)
   */
  readonly version: number
  /** An accumulator of no values. Called for each key and window. */
  create(): Accumulator
  /** The accumulator with `value` in it: a new one, or the same one changed in place. May throw for a value it cannot take. */
  add(accumulator: Accumulator, value: In): Accumulator
  /** One accumulator for two. May change and return `earlier`; must leave `later` as it is. */
  merge(earlier: Accumulator, later: Accumulator): Accumulator
  /**
   * The figure. Called each time a window is emitted; must not change the accumulator, nor hand out a part of it that
   * `add` will change.
   */
  result(accumulator: Accumulator): Result
  /**
   * Whether an accumulator takes about the same memory however many values it holds, as that of a mean does and a list
   * does not. Parts of sliding windows are then kept merged, so that a window costs the same however many slices it has.
   * Default: true if accumulators are numbers, bigints or booleans.
   */
  readonly isFixedSize?: boolean
  /** How accumulators are written. Absent: the structured codec. */
  readonly codec?: Codec<Accumulator> | undefined
  /**
   * Remembers an accumulator before a record is added that an error policy may leave out: returns a function that
   * gives the accumulator as it is now. Absent: by `codec`, so that each record costs what writing the accumulator costs. Never used with the policy
   * `fail`, nor for primitive values.
   */
  backup?(accumulator: Accumulator): () => Accumulator
}

/** Aggregates by the names of the fields they fill. */
export type Aggregates<In> = Readonly<Record<string, Aggregate<In, unknown, unknown>>>

/**
 * An aggregate of your own: any fold that can be merged.
 *
 * @example
 * const distinct = aggregator({
 *   kind: 'distinct-cards',
 *   version: 1,
 *   create: () => new Set<string>(),
 *   add: (cards, payment: Payment) => cards.add(payment.card),
 *   merge: (a, b) => a.union(b),
 *   result: (cards) => cards.size,
 * })
 */
export function aggregator<In, Accumulator, Result>(
  aggregate: Aggregate<In, Accumulator, Synchronous<Result>>,
): Aggregate<In, Accumulator, Result> {
  // A result that is not refused is of the type `Result`, which the compiler cannot see.
  return aggregate as Aggregate<In, Accumulator, Result>
}
