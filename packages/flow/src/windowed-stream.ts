import type { Duration } from '@millrace/core'
import type { OperatorOptions, TimedStream } from './stream.ts'
import type { TakenFields } from './taken-names.ts'
import type { Aggregate, Aggregates } from './window/aggregate.ts'
import type { Window } from './window/assigner.ts'

/** Options of `aggregate`. */
export interface AggregateOptions extends OperatorOptions {
  /**
   * How long after its end a window still takes records, in event time; each of them emits the window's result
   * anew. Default 0.
   */
  readonly allowedLateness?: Duration
}

/** The result of one window of one key: a field for each aggregate. */
export type WindowResult<K, A extends Aggregates<never>> = Flat<
  { readonly key: K; readonly window: Window } & {
    readonly [Name in keyof A]: A[Name] extends Aggregate<never, infer _, infer Result> ? Result : never
  }
>

/** The same type as one object, so that an editor shows its fields and not what they were made of. */
type Flat<T> = T extends infer All ? { [Name in keyof All]: All[Name] } : never

/** The results of windows, and the records that came too late for them. */
export interface AggregatedStream<R, T> extends TimedStream<R> {
  /**
   * Records that no window took any more, unchanged and each once. If nobody reads them they are counted, and the
   * count is shown as a warning.
   *
   * @example
   * perCard.late.to('late', files.writeNdjson('late.ndjson'))
   */
  readonly late: TimedStream<T>
}

/** The records of each key and window, waiting for what is to become of them. */
export interface WindowedStream<T, K> {
  /**
   * Works out figures about the records of each key in each window, and emits them when the window ends, at event
   * time `end - 1`. A window without records emits nothing.
   *
   * A record is late if the last of its windows, plus `allowedLateness`, ended at or before the watermark.
   *
   * @example
   * keyed.window(tumbling('1m')).aggregate('per-card', { n: count(), total: sum((payment) => payment.amount) })
   * // emits { key: 'c1', window: { start: 60000, end: 120000 }, n: 2, total: 30 }
   */
  aggregate<A extends Aggregates<T>>(
    name: string,
    aggregates: A & TakenFields,
    options?: AggregateOptions,
  ): AggregatedStream<WindowResult<K, A>, T>
}
