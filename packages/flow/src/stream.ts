/**
 * What can be said about a stream. Each method adds a node to the pipeline's graph and returns the stream that
 * comes out of it; nothing runs. A stream may be used more than once: every reader gets every record.
 *
 * There are two kinds of stream. A `SourceStream` has no event time yet; a `TimedStream` does, and keeps it through
 * every operator. Only a timed stream has windows and event timers, so using them too early does not compile.
 */
import type { Duration, NotAPromise, Key, Sink } from '@millrace/core'
import type { OnError } from './error-policy.ts'
import type { TimeUnit, TimeValue } from './event-time/read-time.ts'
import type { KeyedStream, TimedKeyedStream } from './keyed-stream.ts'
import type { Synchronous } from './synchronous.ts'
import type { TakenSplitOutputs } from './taken-names.ts'

/** Whether records have an event time. */
export type Timing = 'timed' | 'untimed'

/** The stream of `T` with or without event time. */
export type StreamOf<T, Time extends Timing> = Time extends 'timed' ? TimedStream<T> : SourceStream<T>

/** The stream of `T` by key, with or without event time. */
export type KeyedStreamOf<T, K, Time extends Timing> = Time extends 'timed'
  ? TimedKeyedStream<T, K>
  : KeyedStream<T, K>

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

/** The tests of `split`, by the names of its outputs. */
export type OutputTests<T> = Readonly<Record<string, (value: T) => boolean>>

/** The outputs of `split`. */
export type SplitOutputs<T, O extends OutputTests<T>, Time extends Timing> = {
  readonly [Name in keyof O]: StreamOf<
    O[Name] extends ((value: T) => value is infer U extends T) ? U : T,
    Time
  >
} & {
  /** Records that no test wanted. */
  readonly rest: StreamOf<T, Time>
}

/** What timed and untimed streams have in common. */
export interface Stream<T, Time extends Timing> {
  readonly timing: Time

  /**
   * Turns each value into another one. Records are immutable: return a new object, do not change the one you are given.
   *
   * @example
   * numbers.map((n) => n * 2) // 1, 2, 3 becomes 2, 4, 6
   */
  map<U>(transform: (value: T) => Synchronous<U>, options?: StepOptions): StreamOf<U, Time>

  /**
   * Keeps the values for which `keep` is true. A type guard narrows the stream.
   *
   * @example
   * numbers.filter((n) => n % 2 === 0) // 1, 2, 3, 4 becomes 2, 4
   */
  filter<U extends T>(keep: (value: T) => value is U, options?: StepOptions): StreamOf<U, Time>
  filter(keep: (value: T) => boolean, options?: StepOptions): StreamOf<T, Time>

  /**
   * Turns each value into any number of others, which keep its time.
   *
   * @example
   * lines.flatMap((line) => line.split(' ')) // 'a b', 'c' becomes 'a', 'b', 'c'
   */
  flatMap<U>(expand: (value: T) => Iterable<Synchronous<U>>, options?: StepOptions): StreamOf<U, Time>

  /**
   * Looks at each value on its way and passes it on. What `look` does to the outside world is done again after a
   * restart; a sink is the place for results.
   *
   * @example
   * payments.tap((payment) => seen.push(payment.id))
   */
  tap(look: (value: T) => NotAPromise, options?: StepOptions): StreamOf<T, Time>

  /**
   * One stream of the records of several. Records of one stream stay in order; those of different streams mix.
   *
   * @example
   * web.union(mobile, stores).to('all', sink)
   */
  union<S extends readonly StreamOf<unknown, Time>[]>(...others: S): StreamOf<T | ValueOf<S[number]>, Time>

  /**
   * Divides a stream: each record goes to the first output whose test is true, or to `rest`. Records of an output that
   * nothing reads are dropped.
   *
   * @example
   * const { big, rest } = payments.split('by-size', { big: (payment) => payment.amount >= 1000 })
   * big.to('big', sink)
   * rest.to('small', other)
   */
  split<O extends OutputTests<T>>(
    name: string,
    outputs: O & TakenSplitOutputs,
    options?: OperatorOptions,
  ): SplitOutputs<T, O, Time>

  /**
   * Brings records with the same key together: what follows has state for each key.
   *
   * `select` is called more than once per record and must depend on the value alone.
   *
   * @example
   * payments.keyBy((payment) => payment.card).reduce('largest', (a, b) => (a.amount > b.amount ? a : b))
   */
  keyBy<const K extends Key>(select: (value: T) => K): KeyedStreamOf<T, K, Time>

  /**
   * Turns each value into another one by asking the outside world. Calls in flight are part of a checkpoint and
   * are made again after a restart, so a call may be made more than once; its result counts once. A checkpoint or a
   * stop does not wait for calls: a stop aborts their signals. A record must be plain data, because it is kept in
   * checkpoints.
   *
   * @example
   * orders.mapAsync('customer', async (order, signal) => lookUp(order.customer, signal), { concurrency: 32 })
   */
  mapAsync<U>(
    name: string,
    call: (value: T, signal: AbortSignal) => Promise<U>,
    options?: AsyncOptions,
  ): StreamOf<U, Time>

  /**
   * Writes every record to a sink. `name` is filed with what the sink has prepared in a checkpoint.
   *
   * @example
   * alerts.to('alerts', files.writeNdjson('alerts.ndjson'))
   * totals.to('totals', files.writeNdjson('totals.ndjson'), { onError: skip() })
   */
  to(name: string, sink: Sink<T>, options?: SinkOptions): void
}

/** A stream without event time: as it comes from a source. */
export interface SourceStream<T> extends Stream<T, 'untimed'> {
  /**
   * Gives each record its event time, and the stream its watermark: the newest time seen in each split less
   * `maxOutOfOrderness`, and of those the least. Comes before streams are mixed, keyed or split.
   *
   * @example
   * payments.withTimestamps({ timestamp: (payment) => payment.at, maxOutOfOrderness: '5s', idleAfter: '30s' })
   */
  withTimestamps(options: TimestampOptions<T>): TimedStream<T>
}

/** A stream whose records have an event time. */
export interface TimedStream<T> extends Stream<T, 'timed'> {}

/** What a stream carries. */
export type ValueOf<S> = S extends Stream<infer T, Timing> ? T : never
