/** What can be said about an operator of a stream besides its functions. */
import type { Duration } from '@millrace/core'
import type { OnError } from './error-policy.ts'
import type { TimeUnit, TimeValue } from './event-time/read-time.ts'

/** Whether records have an event time. */
export type Timing = 'timed' | 'untimed'

/** Options of every operator. */
export interface OperatorOptions {
  /** What happens to a record on which the operator's functions throw. Default: the pipeline's policy. */
  readonly onError?: OnError
}

/** Options of a stateless step. */
export interface StepOptions extends OperatorOptions {
  /** Shows in `explain`, metrics and errors. Default: a number after the method, `map-1`. */
  readonly name?: string
}

/** Options of `withTimestamps`. */
export interface TimestampOptions<T> extends StepOptions {
  /**
   * The event time of a value: a number or bigint in `unit` since the epoch, a `Date`, or text. Anything else, and a
   * number that is not finite, is `TIMESTAMP_INVALID`.
   */
  readonly timestamp: (value: T) => TimeValue
  /**
   * What numbers count: seconds, milliseconds, microseconds or nanoseconds. Default `'ms'`; then a time after the year
   * 9999 is refused, since it is likely in another unit. Say `'ms'` if it is not.
   */
  readonly unit?: TimeUnit
  /** How text is written, as `timeFormat` takes it. Default: as in ISO 8601, `2026-01-31T12:00:00Z`. */
  readonly format?: string
  /** Where text without an offset was read off a clock: `UTC`, `+05:30`, `Asia/Kolkata`. Default: such text is refused. */
  readonly zone?: string
  /** How far behind the newest record of its split a record may be without being late. Default 0. */
  readonly maxOutOfOrderness?: Duration
  /**
   * A split that is caught up and brings nothing for this long is idle: the others are not held back by it. Default:
   * never, so results do not depend on how fast anything arrived; a warning says when a quiet split holds back the rest.
   */
  readonly idleAfter?: Duration
  /**
   * Whether event time moves on with the clock while all splits are idle, from where it was when they became so. Then
   * the last windows of a stream that has gone quiet close by themselves. The price: what comes later and is older than
   * that is late, so results depend on when records arrive. Needs `idleAfter`. Default false.
   *
   * @example
   * clicks.withTimestamps({ timestamp: (click) => click.at, idleAfter: '30s', advanceWhenIdle: true })
   */
  readonly advanceWhenIdle?: boolean
}

/** Options of `mapAsync`. */
export interface AsyncOptions extends OperatorOptions {
  /** How many calls may be in flight in each subtask. Default 16. */
  readonly concurrency?: number
  /** In which order results leave: as their inputs came, or as they are ready. Default `'input'`. */
  readonly order?: 'input' | 'none'
  /** A call that takes longer fails its record, and its signal is aborted. Default: none. */
  readonly timeout?: Duration
}

/** Options of `to`. */
export interface SinkOptions {
  /**
   * What happens to a record that the sink cannot write, such as a `bigint` for JSON. Default: the pipeline's policy.
   * A sink that does not work at all (a full disk, a broken connection) fails the job whatever the policy.
   */
  readonly onError?: OnError
}

/** Options of `mapAsync` on a stream with keys. */
export interface KeyedAsyncOptions extends Omit<AsyncOptions, 'order'> {
  /**
   * Whether calls of one key run one after another. `'key'`: the call for a record begins when the one for the record
   * before it of the same key has ended; calls of other keys run meanwhile. `'none'`: calls of one key may run at the
   * same time, which is faster for few keys and safe only where calls do not depend on one another, such as look-ups.
   * Default `'key'`.
   */
  readonly serial?: 'key' | 'none'
  /** In which order results leave: within each key as their inputs came, all as they came, or as they are ready. Default `'key'`. */
  readonly order?: 'key' | 'input' | 'none'
}

/** Options of `aggregate`. */
export interface AggregateOptions extends OperatorOptions {
  /**
   * How long after its end a window still takes records, in event time; each of them emits the window's result
   * anew. Default 0.
   */
  readonly allowedLateness?: Duration
}
