import type { Duration } from '@millrace/core'
import type { TimedStream } from '../stream.ts'
import type { OperatorOptions } from '../stream-options.ts'
import type { Synchronous } from '../synchronous.ts'
import type { Window, WindowAssigner } from '../window/assigner.ts'

/** What a join emits, and the records that came too late for it. */
export interface JoinedStream<Out, L, R> extends TimedStream<Out> {
  /** Records of the first stream that came too late, unchanged and each once. */
  readonly lateLeft: TimedStream<L>
  /** Records of the second stream that came too late, unchanged and each once. */
  readonly lateRight: TimedStream<R>
}

/** Two streams that meet by key, waiting for what brings their records together. Made by `join`. */
export interface JoiningStreams<L, R, K> {
  /**
   * Joins records of the same window, when the window ends. Results have the time `end - 1`. With windows that overlap, a
   * pair comes once for each window that holds both.
   *
   * @example
   * join(clicks.keyBy((click) => click.ad), views.keyBy((view) => view.ad))
   *   .window(tumbling('1m'))
   *   .cogroup('rates', ({ key, left, right }) => ({ ad: key, rate: left.length / right.length }))
   */
  window(windows: WindowAssigner): WindowJoin<L, R, K>

  /**
   * Joins records whose times lie within bounds: the right one is at least `lower` and at most `upper` later than the left
   * one. Bounds may be negative, as `'-5m'`, and belong to the interval. A pair comes out as soon as both records are
   * there, with the later one's time.
   *
   * Records are kept until no partner in time can come any more. One that has found none by then comes out of an outer join
   * at that moment, even if no record follows; its time is the latest at which a partner could have come.
   *
   * @example
   * join(orders.keyBy((order) => order.id), payments.keyBy((payment) => payment.order))
   *   .between('-5m', '1h')
   *   .inner('paid', (order, payment) => ({ ...order, paidAt: payment.at }))
   */
  between(lower: Duration, upper: Duration, options?: IntervalOptions): IntervalJoin<L, R>

  /**
   * Joins each record of the first stream with the version of its key that was valid at its time. The second stream is a
   * table that changes: each of its records replaces the one before of its key, from its event time on.
   *
   * A record waits until the watermark has passed its time, so the result does not depend on which stream is faster. It
   * comes out with its own time. Of each key the newest version is kept for as long as it is valid.
   *
   * @example
   * join(sales.keyBy((sale) => sale.currency), rates.keyBy((rate) => rate.currency))
   *   .asOf()
   *   .inner('in-euro', (sale, rate) => sale.amount * rate.toEuro)
   */
  asOf(options?: AsOfOptions): AsOfJoin<L, R>
}

/** Options of `between`. */
export interface IntervalOptions {
  /** Whether a right record exactly `lower` after the left one is left out. Default false. */
  readonly excludeLower?: boolean
  /** Whether a right record exactly `upper` after the left one is left out. Default false. */
  readonly excludeUpper?: boolean
}

/** Options of `asOf`. */
export interface AsOfOptions {
  /** How long a version is valid at most, from its event time. Without it the newest version of a key is kept and valid forever. */
  readonly validFor?: Duration
}

/**
 * Joins of pairs. What `combine` throws for a pair is handled by the error policy of the operator, which then leaves out the
 * record that came last. What it throws for a record without a partner stops the job: no record is being handled then.
 */
export interface IntervalJoin<L, R> {
  /** One result for each pair. */
  inner<Out>(
    name: string,
    combine: (left: L, right: R) => Synchronous<Out>,
    options?: OperatorOptions,
  ): JoinedStream<Out, L, R>
  /** One result for each pair, and one for each left record without a partner. */
  left<Out>(
    name: string,
    combine: (left: L, right: R | undefined) => Synchronous<Out>,
    options?: OperatorOptions,
  ): JoinedStream<Out, L, R>
  /** One result for each pair, and one for each right record without a partner. */
  right<Out>(
    name: string,
    combine: (left: L | undefined, right: R) => Synchronous<Out>,
    options?: OperatorOptions,
  ): JoinedStream<Out, L, R>
  /** One result for each pair, and one for each record without a partner; one of the two is defined. */
  full<Out>(
    name: string,
    combine: (left: L | undefined, right: R | undefined) => Synchronous<Out>,
    options?: OperatorOptions,
  ): JoinedStream<Out, L, R>
}

/** Joins of windows. What `combine` throws stops the job: it is called when a window ends, not for a record. */
export interface WindowJoin<L, R, K> extends IntervalJoin<L, R> {
  /** The left records that have a partner in the window, each once. */
  semi(name: string, options?: OperatorOptions): JoinedStream<L, L, R>
  /** The left records that have no partner in the window. */
  anti(name: string, options?: OperatorOptions): JoinedStream<L, L, R>
  /** One result for each key and window that has a record of either stream. */
  cogroup<Out>(
    name: string,
    combine: (group: Cogroup<L, R, K>) => Synchronous<Out>,
    options?: OperatorOptions,
  ): JoinedStream<Out, L, R>
}

/** The records of one key in one window, those of each stream in order of slices and arrival. */
export interface Cogroup<L, R, K> {
  readonly key: K
  readonly window: Window
  readonly left: readonly L[]
  readonly right: readonly R[]
}

/** Joins with versions. What `combine` throws stops the job: it is called when the watermark has passed a record. */
export interface AsOfJoin<L, R> {
  /** One result for each left record that has a version. */
  inner<Out>(
    name: string,
    combine: (left: L, version: R) => Synchronous<Out>,
    options?: OperatorOptions,
  ): JoinedStream<Out, L, R>
  /** One result for each left record. */
  left<Out>(
    name: string,
    combine: (left: L, version: R | undefined) => Synchronous<Out>,
    options?: OperatorOptions,
  ): JoinedStream<Out, L, R>
}
