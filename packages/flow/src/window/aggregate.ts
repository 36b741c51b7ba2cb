import type { Codec } from '@millrace/core'
import type { Synchronous } from '../synchronous.ts'

/**
 * Computes one result from many values, a value at a time.
 *
 * Its state is an accumulator: a number, a string, a bigint or an object. Accumulators are merged in order of
 * event time, slice by slice; within a slice values are added in order of arrival.
 *
 * Laws: `merge(a, create())` and `merge(create(), a)` equal `a`; merging is associative; and adding a value
 * to `a` equals merging `a` with the accumulator of that value alone.
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
  /** The kind of aggregate. Give your own aggregate a unique name. */
  readonly kind: string
  /**
   * An integer from 1. Increase it when the meaning of accumulators changes: old accumulators are then not
   * misread. (If only their encoding changes, evolve the codec instead.)
   */
  readonly version: number
  /** Creates an empty accumulator. Called for each key and window. */
  create(): Accumulator
  /**
   * Adds `value`: returns a new accumulator, or the same one changed in place. May throw for an unsupported
   * value.
   */
  add(accumulator: Accumulator, value: In): Accumulator
  /** Merges two accumulators. May change and return `earlier`; must not change `later`. */
  merge(earlier: Accumulator, later: Accumulator): Accumulator
  /**
   * Computes the result. Called each time a window is emitted; must not change the accumulator, nor return a
   * part of it that `add` will change.
   */
  result(accumulator: Accumulator): Result
  /**
   * Whether the size of an accumulator does not grow with the number of values, as for a mean, unlike a list.
   * Then parts of sliding windows are kept merged, so that the cost of a window does not depend on its number
   * of slices. Default: true if accumulators are numbers, bigints or booleans.
   */
  readonly isFixedSize?: boolean
  /** Encodes accumulators. Default: the structured codec. */
  readonly codec?: Codec<Accumulator> | undefined
  /**
   * Saves an accumulator before a record is added that an error policy may skip: returns a function that
   * restores it. Default: with `codec`, so each record costs an encoding of the accumulator. Never used with
   * the policy `fail`, nor for primitive values.
   */
  backup?(accumulator: Accumulator): () => Accumulator
}

/** Aggregates by the names of the fields they fill. */
export type Aggregates<In> = Readonly<Record<string, Aggregate<In, unknown, unknown>>>

/**
 * Your own aggregate: any fold that can be merged.
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
  // A permitted result has the type `Result`, which the compiler cannot infer.
  return aggregate as Aggregate<In, Accumulator, Result>
}
