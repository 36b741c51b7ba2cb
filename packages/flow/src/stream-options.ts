/** What can be said about an operator of a stream besides its functions. */
import type { Duration, Key, WatermarkGenerator } from '@millrace/core'
import type { OnError } from './error-policy.ts'
import type { BreakerOptions, RetryOptions } from './retry-rules.ts'
import type { TimeUnit, TimeValue } from './event-time/read-time.ts'
import type { Evictor } from './window/evictor.ts'
import type { EndTrigger, Firing } from './window/trigger.ts'
import type { Synchronous } from './synchronous.ts'

/** Whether records have an event time. */
export type Timing = 'timed' | 'untimed'

/** Options of every operator. */
export interface OperatorOptions {
  /** What to do with a record on which the operator's functions throw. Default: the pipeline's policy. */
  readonly onError?: OnError
}

/** Options of a stateless step. */
export interface StepOptions extends OperatorOptions {
  /** The name in `explain`, metrics and errors. Default: the method and a number, `map-1`. */
  readonly name?: string
}

/** Options of `withTimestamps`. */
export interface TimestampOptions<T> extends StepOptions {
  /**
   * Returns the event time of a value: a number or bigint in `unit` since the epoch, a `Date`, or a string.
   * Any other value, and a number that is not finite, is `TIMESTAMP_INVALID`.
   *
   * `'ingestion'`: the time at which the record was read. Results then depend on when records are read, and a record that is
   * read again after a restart has another time.
   */
  readonly timestamp: ((value: T) => TimeValue) | 'ingestion'
  /**
   * The unit of numbers: seconds, milliseconds, microseconds or nanoseconds. Default `'ms'`; then a time
   * after the year 9999 is an error, since it is probably in another unit. Set `'ms'` explicitly to allow it.
   */
  readonly unit?: TimeUnit
  /** The format of strings, as for `timeFormat`. Default: ISO 8601, `2026-01-31T12:00:00Z`. */
  readonly format?: string
  /**
   * The time zone of strings without an offset: `UTC`, `+05:30`, `Asia/Kolkata`. Default: such strings are an
   * error.
   */
  readonly zone?: string
  /** How far a record may be behind the newest record of its split without being late. Default 0. */
  readonly maxOutOfOrderness?: Duration
  /**
   * Determines the watermark of each split, in place of `maxOutOfOrderness`: `adaptiveWatermark`, `punctuatedWatermark`, or a
   * generator of your own.
   *
   * @example
   * clicks.withTimestamps({ timestamp: (click) => click.at, watermark: adaptiveWatermark({ atMost: '10m' }) })
   */
  readonly watermark?: WatermarkGenerator<T>
  /**
   * A split that has delivered all its data and nothing new for this long is idle, and no longer blocks the
   * watermark. Default: never, so that results do not depend on arrival times; a warning names a quiet split
   * that blocks the watermark.
   */
  readonly idleAfter?: Duration
  /**
   * Whether event time advances with the clock while all splits are idle. Then the last windows of a quiet
   * stream close by themselves, but records that arrive later and are older are late, so results depend on
   * arrival times. Needs `idleAfter`. Default false.
   *
   * @example
   * clicks.withTimestamps({ timestamp: (click) => click.at, idleAfter: '30s', advanceWhenIdle: true })
   */
  readonly advanceWhenIdle?: boolean
  /**
   * How far a split may be ahead of the slowest split, in event time: of its own source, and of every source whose records
   * meet its records in an operator. One that is further ahead is not read until the others have advanced, so that joins and
   * windows keep a bounded part of the input while one source is hours behind. The slowest one is never held back.
   *
   * Others wait for a quiet split too: set `idleAfter` where that may happen. Default: any distance.
   *
   * @example
   * clicks.withTimestamps({ timestamp: (click) => click.at, maxDrift: '10m', idleAfter: '1m' })
   */
  readonly maxDrift?: Duration
}

/** Options of `mapAsync`. */
export interface AsyncOptions<in T = unknown, out U = never> extends OperatorOptions {
  /** Maximum calls in flight in each subtask. Default 16. */
  readonly concurrency?: number
  /** The order of results: input order, or as they are ready. Default `'input'`. */
  readonly order?: 'input' | 'none'
  /** A call that takes longer fails, and its signal is aborted. Default: none. */
  readonly timeout?: Duration
  /**
   * Makes a call again that has failed. Calls for other keys run meanwhile, and on a stream with keys the next record of the
   * same key waits. Attempts are part of checkpoints, so they are not counted anew after a restart. Default: a record fails
   * with its first call.
   */
  readonly retry?: RetryOptions
  /**
   * Stops making calls for a while when many have failed in a row: the system behind them is down. Records wait and the
   * source pauses; nothing fails and nothing is dropped. Needs `retry`. Default: none.
   */
  readonly breaker?: BreakerOptions
  /** How many calls may begin in a time, in all subtasks together. Records wait and the source pauses. Default: no limit. */
  readonly rate?: RateOptions
  /** Limits the calls of each group of records, so that the others keep theirs. Default: none. */
  readonly bulkhead?: BulkheadOptions<T>
  /**
   * Makes a second call for a record when the first takes longer than this; the first to succeed gives the result and the
   * other's signal is aborted. For calls that only read. Default: never.
   */
  readonly hedgeAfter?: Duration
  /** Returns a result for a record whose calls have failed. Default: the record follows `onError`. */
  readonly fallback?: (value: T, error: unknown) => Synchronous<U>
}

/**
 * Limits for the calls of each group of records: of a tenant, of a host. Calls of other groups pass the records that wait.
 * At least one limit is given.
 *
 * @example
 * orders.mapAsync('charge', charge, { order: 'none', bulkhead: { by: (order) => order.tenant, concurrency: 4 } })
 */
export interface BulkheadOptions<in T = unknown> {
  /** The group of a record. What it throws follows `onError`. */
  readonly by: (value: T) => Key
  /** Maximum calls of a group in flight in each subtask. Default: no limit but that of the operator. */
  readonly concurrency?: number
  /** How many calls of a group may begin in a time, in all subtasks together. Default: no limit. */
  readonly rate?: RateOptions
}

/** Limits for the calls of each group of records on a stream with keys. */
export interface KeyedBulkheadOptions<in T = unknown> extends Omit<BulkheadOptions<T>, 'by'> {
  /** The group of a record. Default: its key, whose calls are all made in one subtask. */
  readonly by?: (value: T) => Key
}

/** How many calls may begin in a time. */
export interface RateOptions {
  /** So many in `per` on average, and at once after a pause. */
  readonly calls: number
  /** Default `'1s'`. */
  readonly per?: Duration
}

/** Options of `to`. */
export interface SinkOptions {
  /**
   * What to do with a record that the sink cannot write, such as a `bigint` for JSON. Default: the pipeline's
   * policy.
   */
  readonly onError?: OnError
  /**
   * When calls of the sink are repeated because its system cannot be reached: the sink throws `UNAVAILABLE`, or `retryIf`
   * returns true for its error. Meanwhile the sources pause, and nothing is lost. Set `retryIf` only for errors after which
   * the same records may be written again. Default: without end, after pauses of up to 5 s. Once `attempts` or `budget` is
   * used up, and with any other error of the sink as a whole, the job fails and restarts.
   *
   * The sinks of Kafka, NATS, RabbitMQ and Redis, and `http.send`, wait and reconnect by themselves. For them `retry` needs
   * `retryIf`, and is about the errors that it names.
   */
  readonly retry?: RetryOptions
  /**
   * When no call of the sink is made for a while. Default: after 5 failures in a row, for 5 s. Only for sinks whose calls are
   * repeated.
   */
  readonly breaker?: BreakerOptions
}

/** Options of `mapAsync` on a stream with keys. */
export interface KeyedAsyncOptions<in T = unknown, out U = never> extends Omit<
  AsyncOptions<T, U>,
  'order' | 'bulkhead'
> {
  /** Limits the calls of each group of records, so that the others keep theirs. Default: none. */
  readonly bulkhead?: KeyedBulkheadOptions<T>
  /**
   * Whether calls of one key run one after another. `'key'`: the call for a record begins when the call for
   * the previous record of the same key has ended; calls of other keys run in parallel. `'none'`: calls of
   * one key may run in parallel, which is faster for few keys and safe only if calls do not depend on one
   * another, such as look-ups. Default `'key'`.
   */
  readonly serial?: 'key' | 'none'
  /**
   * The order of results: input order within each key, input order overall, or as they are ready. Default
   * `'key'`.
   */
  readonly order?: 'key' | 'input' | 'none'
}

/** Options of `aggregate`. */
export interface AggregateOptions extends OperatorOptions {
  /** How long after its end a window accepts records, in event time. Default 0. */
  readonly allowedLateness?: Duration
  /**
   * `'final'`: one result for each window, when it accepts no more records. Default: a result when the window
   * ends, and one more with each late record that it accepts.
   */
  readonly emit?: 'final'
}

/** Options of `aggregate` for several results of one window. */
export interface PaneOptions<T> extends OperatorOptions {
  /** How long after its end a window accepts records, in event time. Default 0. */
  readonly allowedLateness?: Duration
  /** When results are emitted. Each says with `pane` which one of its window it is. */
  readonly trigger: Firing<T> | EndTrigger<T>
  /**
   * What a result is about. `'accumulating'`: all records of the window so far. `'discarding'`: the records
   * since the last result, so the results of a window add up to it. Default `'accumulating'`.
   */
  readonly panes?: 'accumulating' | 'discarding'
  /**
   * Which records leave a window before or after each result, made by the functions of `evictor`. All records of a
   * window are then kept until they leave. Default: none.
   */
  readonly evict?: Evictor<T>
}

/** Options of `aggregate` for a table of results. */
export interface UpdatesOptions<T> extends OperatorOptions {
  /** `'updates'`: a table, with one row for each key and window. A row is updated as records come. */
  readonly emit: 'updates'
  /** How long after its end a window accepts records, in event time. Default 0. */
  readonly allowedLateness?: Duration
  /** When rows are updated. Default: when the window ends, and with each late record. */
  readonly trigger?: Firing<T> | EndTrigger<T>
}

/** Options of `keepFirst`. */
export interface KeepFirstOptions extends OperatorOptions {
  /** How long after a record, in event time, others of its key are duplicates. */
  readonly within: Duration
}

/** Options of `toTable`. */
export type TableOptions<T, Time extends Timing> = OperatorOptions & {
  /** Which records delete the row of their key. Default: none. */
  readonly deleteIf?: (value: T) => boolean
} & (Time extends 'timed'
    ? {
        /** How long after its event time a row stays in the table. Default: until it is deleted. */
        readonly expireAfter?: Duration
      }
    : unknown)

/** Options of `topN`. */
export interface TopNOptions<T, G> extends OperatorOptions {
  /**
   * How many rows of each group come out: a whole number from 1, or a function of the group that returns one
   * from 0 and always the same for a group.
   */
  readonly n: number | ((group: G) => number)
  /**
   * Compares two rows, as for `toSorted`: negative if `a` comes first. Equal rows come in the order in which
   * they were inserted.
   */
  readonly order: (a: T, b: T) => number
  /** How many rows are left out before the first one that comes out. Default 0. */
  readonly offset?: number
  /**
   * Whether results are `{ key, rank, value }`, a row for each rank. Then a row that moves up changes the
   * ranks that it passes. Default false: results are the rows themselves, and a row that stays among the
   * first changes nothing.
   */
  readonly rank?: boolean
}

/** Options of `toStream`. */
export interface ToStreamOptions extends StepOptions {
  /** Whether an update is preceded by the old row. Default true. */
  readonly updateBefore?: boolean
}
