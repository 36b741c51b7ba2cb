/**
 * The methods of a stream. Each adds a node to the pipeline's graph and returns its output stream; nothing
 * runs. A stream may be used more than once: every reader gets every record.
 *
 * A `SourceStream` has no event time yet; a `TimedStream` has, and keeps it through every operator. Only a
 * timed stream has windows and event timers, so using them too early is a type error.
 */
import type { Change, Key, RecordHeaders, UpsertKind } from '@millrace/core'
import type { NotAPromise } from '@millrace/core/operator'
import type { ChangeSink, Sink } from '@millrace/core/connector'
import type { AnyViews, View } from '@millrace/core/job'
import type { LookupKey } from './calls/loader.ts'
import type { LookupSpec } from './calls/lookup.ts'
import type { OutputSpec, OutputSpecs, ProcessSpec } from './operators/process.ts'
import type { StatefulOptions } from './operators/stateful-options.ts'
import type { StateSpecs } from './operators/state-spec.ts'
import type { BatchOptions, KeyedBatch } from './pacing/batch.ts'
import type { DelayOptions } from './pacing/delay.ts'
import type { DebounceOptions, SampleOptions } from './pacing/sample.ts'
import type { ThrottleOptions } from './pacing/throttle.ts'
import type {
  AggregateOptions,
  AsyncOptions,
  KeepFirstOptions,
  KeyedAsyncOptions,
  PaneOptions,
  UpdatesOptions,
  OperatorOptions,
  SinkOptions,
  StepOptions,
  TableOptions,
  TimestampOptions,
  Timing,
  TopNOptions,
  ToStreamOptions,
} from './stream-options.ts'
import type { Synchronous } from './synchronous.ts'
import type { TakenFields, TakenSplitOutputs } from './taken-names.ts'
import type { Aggregate, Aggregates } from './window/aggregate.ts'
import type { MergingWindows, Window, WindowAssigner } from './window/assigner.ts'
import type { MatchOptions } from './pattern/match-parts.ts'
import type { AnyPattern, Match, TimedOutMatch } from './pattern/pattern.ts'
import type { ClockWindows } from './window/clock.ts'
import type { GlobalWindows } from './window/global.ts'
import type { Pane } from './window/pane.ts'
import type { TrailingWindows } from './window/trailing.ts'

declare const carries: unique symbol
declare const carriesRows: unique symbol

/** The stream of `T` with or without event time. */
export type StreamOf<T, Time extends Timing> = Time extends 'timed' ? TimedStream<T> : SourceStream<T>

/** The stream of `T` by key, with or without event time. */
export type KeyedStreamOf<T, K, Time extends Timing> = Time extends 'timed'
  ? TimedKeyedStream<T, K>
  : KeyedStream<T, K>

/** The tests of `split`, by the names of its outputs. */
export type OutputTests<T> = Readonly<Record<string, (value: T) => boolean>>

/** The outputs of `split`. */
export type SplitOutputs<T, O extends OutputTests<T>, Time extends Timing> = {
  readonly [Name in keyof O]: StreamOf<
    O[Name] extends ((value: T) => value is infer U extends T) ? U : T,
    Time
  >
} & {
  /** Records that passed no test. */
  readonly rest: StreamOf<T, Time>
}

/** The value type of a stream. */
export type ValueOf<S> = S extends Stream<infer T, Timing> ? T : never

/** The methods of all streams, with or without event time. */
export interface Stream<T, Time extends Timing> {
  readonly timing: Time

  /**
   * Maps each value to another. Records are immutable: return a new object instead of changing the argument.
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
   * Maps each value to any number of values, which keep its time.
   *
   * @example
   * lines.flatMap((line) => line.split(' ')) // 'a b', 'c' becomes 'a', 'b', 'c'
   */
  flatMap<U>(expand: (value: T) => Iterable<Synchronous<U>>, options?: StepOptions): StreamOf<U, Time>

  /**
   * Calls `look` with each value and passes the value on. Side effects of `look` are repeated after a
   * restart; use a sink for results.
   *
   * @example
   * payments.tap((payment) => seen.push(payment.id))
   */
  tap(look: (value: T) => NotAPromise, options?: StepOptions): StreamOf<T, Time>

  /**
   * Maps each value to another, with the headers of its record; they are an empty object where it has none. The result has the
   * same headers.
   *
   * @example
   * orders.mapWithHeaders((order, { tenant }) => ({ ...order, tenant: String(tenant) }))
   */
  mapWithHeaders<U>(
    transform: (value: T, headers: RecordHeaders) => Synchronous<U>,
    options?: StepOptions,
  ): StreamOf<U, Time>

  /**
   * Sets the headers of each record, for all operators and sinks behind; undefined or `{}` removes them. A record has the headers
   * that its source gave it, or none. Steps, keyed operators and `mapAsync` pass them on. Results of windows and of other
   * operators that emit later have none: put what they need into the value before.
   *
   * @example
   * orders.withHeaders((order, headers) => ({ ...headers, tenant: order.tenant }))
   */
  withHeaders(
    headers: (value: T, headers: RecordHeaders) => Synchronous<RecordHeaders | undefined>,
    options?: StepOptions,
  ): StreamOf<T, Time>

  /**
   * Merges several streams. Records of one stream stay in order; records of different streams interleave.
   *
   * @example
   * web.union(mobile, stores).to('all', sink)
   */
  union<S extends readonly StreamOf<unknown, Time>[]>(...others: S): StreamOf<T | ValueOf<S[number]>, Time>

  /**
   * Divides a stream: each record goes to the first output whose test is true, or to `rest`. Records of an
   * output without a reader are dropped, with a warning.
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
   * Partitions the stream by key; later operators have state for each key.
   *
   * `select` is called more than once per record and must depend on the value only.
   *
   * @example
   * payments.keyBy((payment) => payment.card).reduce('largest', (a, b) => (a.amount > b.amount ? a : b))
   */
  keyBy<const K extends Key>(select: (value: T) => K): KeyedStreamOf<T, K, Time>

  /**
   * Gathers records into arrays. The first limit that is reached ends one: `size`, `bytes`, `time` since its
   * first record, or the end of the input. The open batch is state. All records pass through one subtask; by key
   * they are spread over all.
   *
   * @example
   * payments.batch('bulk', { size: 500, time: '1s' }) // 1, 2, 3 with size 2 becomes [1, 2], [3]
   */
  batch(name: string, options: BatchOptions<T>): StreamOf<readonly T[], Time>

  /**
   * Lets so many records pass in a period of processing time. More wait in state, in order, or are dropped. All
   * records pass through one subtask, so the rate is that of the whole job.
   *
   * @example
   * requests.throttle('polite', { records: 10, per: '1s' })
   */
  throttle(name: string, options: ThrottleOptions): StreamOf<T, Time>

  /**
   * Emits each record after a delay, in the order in which records arrive. Its event time is the time at
   * which it is emitted. What waits is state. All records pass through one subtask.
   *
   * @example
   * failures.delay('later', { by: '30s' })
   */
  delay(name: string, options: DelayOptions): StreamOf<T, Time>

  /**
   * Emits one of so many records: the first of each `every`. All records pass through one subtask.
   *
   * @example
   * readings.sample('tenth', { every: 10 })
   */
  sample(name: string, options: SampleOptions): StreamOf<T, Time>

  /**
   * Emits the last record once no other has arrived for a while. All records pass through one subtask.
   *
   * @example
   * edits.debounce('settled', { quiet: '2s' })
   */
  debounce(name: string, options: DebounceOptions): StreamOf<T, Time>

  /**
   * Maps each value with an asynchronous call. Calls in flight are part of a checkpoint and are repeated
   * after a restart, so a call may be made more than once; its result counts once. A checkpoint or a stop
   * does not wait for calls: a stop aborts their signals. A record must be plain data, because it is stored
   * in checkpoints. `headers` are those of the record, an empty object if it has none; the result has the same.
   *
   * @example
   * orders.mapAsync('customer', async (order, signal) => lookUp(order.customer, signal), { concurrency: 32 })
   */
  mapAsync<U>(
    name: string,
    call: (value: T, signal: AbortSignal, headers: RecordHeaders) => Promise<U>,
    options?: AsyncOptions<T, NoInfer<U>>,
  ): StreamOf<U, Time>

  /**
   * Joins each record with a row of an outside system, found by key: an asynchronous lookup join. Rows are
   * loaded in batches, and kept in memory if `cache` says so. A row is what the system holds when it is loaded,
   * so results may differ after a restart; to join by event time use `join(...).asOf()`.
   *
   * @example
   * orders.lookup('customer', {
   *   key: (order) => order.customer,
   *   load: async (ids, signal) => new Map((await readCustomers(ids, signal)).map((row) => [row.id, row])),
   *   combine: (order, customer) => ({ ...order, city: customer?.city }),
   *   cache: { ttl: '5m' },
   * })
   */
  lookup<K extends LookupKey, V, U>(name: string, spec: LookupSpec<T, K, V, U>): StreamOf<U, Time>

  /**
   * Groups all records, in one subtask, into windows of the clock, not of event time. Call `aggregate` on the result.
   *
   * @example
   * clicks.window(byClock(tumbling('1m'))).aggregate('per-minute', { n: count() })
   */
  window(windows: ClockWindows): ClockWindowedStream<T, never, Time>

  /**
   * Writes every record to a sink. Prepared output is stored in checkpoints under `name`.
   *
   * @example
   * alerts.to('alerts', files.writeNdjson('alerts.ndjson'))
   * totals.to('totals', files.writeNdjson('totals.ndjson'), { onError: skip() })
   */
  to(name: string, sink: Sink<T>, options?: SinkOptions): void
}

/** A stream without event time, as created by a source. */
export interface SourceStream<T> extends Stream<T, 'untimed'> {
  /**
   * Assigns an event time to each record, and a watermark to the stream: the newest time seen in each split
   * minus `maxOutOfOrderness`, and the lowest of these. Call it before streams are mixed, keyed or split.
   *
   * @example
   * payments.withTimestamps({ timestamp: (payment) => payment.at, maxOutOfOrderness: '5s', idleAfter: '30s' })
   */
  withTimestamps(options: TimestampOptions<T>): TimedStream<T>
}

/** A stream whose records have an event time. */
export interface TimedStream<T> extends Stream<T, 'timed'> {
  /**
   * Groups all records into windows of event time, without a key. Call `aggregate` on the result; its results
   * have no `key`.
   *
   * One subtask handles all records, whatever the parallelism, because each result depends on all of them. If
   * that is too slow, aggregate by key first and then the results of all keys.
   *
   * @example
   * payments.window(tumbling('1m')).aggregate('per-minute', { n: count() })
   * // emits { window: { start: 60000, end: 120000 }, n: 17 }
   */
  window(
    windows: WindowAssigner | MergingWindows<T> | GlobalWindows | TrailingWindows,
  ): WindowedStream<T, never>
  window(windows: ClockWindows): ClockWindowedStream<T, never, 'timed'>
}

/** A keyed stream of any type. */
export type AnyKeyedStream = KeyedStream<unknown, unknown, Timing>

/** The value type of a keyed stream. */
export type ValueOfKeyed<S> = S extends { readonly [carries]?: { readonly value: infer T } } ? T : never

/** The key type of a keyed stream. */
export type KeyOfKeyed<S> = S extends { readonly [carries]?: { readonly key: infer K } } ? K : never

/** The output of `scan` and `reduce`: the key, and its value after one more record. */
export interface KeyedValue<K, T> {
  readonly key: K
  readonly value: T
}

/** The result of `process`: the main output, with the side outputs. */
export type ProcessedStream<Out, O extends OutputSpecs, Time extends Timing> = StreamOf<Out, Time> & {
  readonly outputs: {
    readonly [Name in keyof O]: StreamOf<O[Name] extends OutputSpec<infer T> ? T : never, Time>
  }
}

/**
 * A stream partitioned by key. Created by `keyBy`; only keyed streams have state.
 *
 * Every stateful operator has a name, and its state is stored under it: a renamed operator starts empty.
 * `scan`, `reduce` and window aggregates combine records, so their results contain the key, as `{ key, value
 * }` and `{ key, window, ... }`. `process` and `mapAsync` emit the results of their functions.
 */
export interface KeyedStream<T, K, Time extends Timing = 'untimed'> {
  readonly timing: Time
  /** Phantom type of values and keys; never present at run time. */
  readonly [carries]?: { readonly value: T; readonly key: K }

  /**
   * Runs your own functions, with state for each key, timers and side outputs. Everything passed to them
   * refers to the key of the current record or timer. They must not change records, nor values they have
   * emitted.
   *
   * @example
   * const quiet = payments.keyBy((payment) => payment.card).process('quiet', {
   *   output: output<string>(),
   *   outputs: { first: output<Payment>() },
   *   state: { until: state.value<number>() },
   *   onRecord({ value, time }, { state: { until }, outputs, timers }) {
   *     const before = until.get()
   *     if (before === undefined) outputs.first.emit(value)
   *     else timers.deleteEvent(before)
   *     until.set(time + 60_000)
   *     timers.setEvent(time + 60_000)
   *   },
   *   onTimer({ key }, { state: { until }, emit }) {
   *     until.clear()
   *     emit(`${key} was quiet for a minute`)
   *   },
   * })
   * quiet.outputs.first.to('first-payments', sink)
   */
  process<Out = never, S extends StateSpecs = {}, O extends OutputSpecs = {}, Row = never>(
    name: string,
    spec: ProcessSpec<T, K, Out, S, O, Time, Row>,
  ): ProcessedStream<Out, O, Time>

  /**
   * Combines all records of each key so far into one, and emits it with the key after every record. `combine`
   * returns a new value or one of its arguments; it must not change them. With a `ttl` a key whose value has
   * expired begins anew.
   *
   * @example
   * numbers.keyBy((n) => n % 2).reduce('largest', (a, b) => Math.max(a, b))
   * // 1, 2, 5 becomes { key: 1, value: 1 }, { key: 0, value: 2 }, { key: 1, value: 5 }
   */
  reduce<Row = never>(
    name: string,
    combine: (total: T, value: T) => T,
    options?: StatefulOptions<Row, K, T, Time>,
  ): StreamOf<KeyedValue<K, T>, Time>

  /**
   * Keeps an accumulated value for each key, and emits it with the key after every record. `next` returns a
   * new value. It must not change the old one, which was emitted and is the state of the key. With a `ttl` a
   * key whose value has expired begins anew.
   *
   * @example
   * words.keyBy((word) => word).scan('count', () => 0, (count) => count + 1)
   * // a, b, a becomes { key: 'a', value: 1 }, { key: 'b', value: 1 }, { key: 'a', value: 2 }
   */
  scan<A, Row = never>(
    name: string,
    initial: () => A,
    next: (accumulated: A, value: T) => Synchronous<A>,
    options?: StatefulOptions<Row, K, A, Time>,
  ): StreamOf<KeyedValue<K, A>, Time>

  /**
   * Makes a table of the newest record for each key.
   *
   * With event time the record with the latest time is the row, whatever the order of arrival; of equal times
   * the last one. Older records go to `late`. Without event time the last record is the
   * row. `deleteIf` says which records delete the row of their key. With `expireAfter` a row is deleted when
   * the watermark has passed its time by that much.
   *
   * @example
   * const orders = events
   *   .keyBy((event) => event.order)
   *   .toTable('orders', { deleteIf: (event) => event.kind === 'cancelled' })
   */
  toTable<D extends T>(
    name: string,
    options: TableOptions<T, Time> & { readonly deleteIf: (value: T) => value is D },
  ): NewestRows<Exclude<T, D>, K, T, Time>
  toTable(name: string, options?: TableOptions<T, Time>): NewestRows<T, K, T, Time>

  /**
   * Aggregates all records of each key so far, without a window, as a table with a row `{ key, ... }` for each
   * key. A record that changes the results of its key updates the row; the order of arrival only matters for
   * the rows in between.
   *
   * The aggregates of each key are kept forever. Where keys come and go use a window, or `toTable` with
   * `expireAfter` and `groupBy`.
   *
   * @example
   * orders.keyBy((order) => order.customer).aggregate('per-customer', { n: count(), total: sum((order) => order.total) })
   * // rows { key: 'c1', n: 2, total: 80 }
   */
  aggregate<A extends Aggregates<T>>(
    name: string,
    aggregates: A & TakenFields,
    options?: OperatorOptions,
  ): Table<GroupResult<K, A>, K, Time>

  /**
   * Keeps the first `n` records of each key, in an order, as a table that changes with every record that is
   * among them. No other record is kept.
   *
   * The key of a row is `[key, rank]`, or without ranks `[key, number]`, where the number only tells rows apart.
   *
   * @example
   * bids.keyBy((bid) => bid.auction).topN('highest', { n: 10, order: (a, b) => b.price - a.price })
   */
  topN(
    name: string,
    options: TopNOptions<T, K> & { readonly rank: true },
  ): Table<RankedValue<K, T>, readonly [key: K, rank: number], Time>
  topN(name: string, options: TopNOptions<T, K>): Table<T, readonly [key: K, number: number], Time>

  /**
   * Gathers the records of each key into batches, as `{ key, values }`. The first limit that is reached ends one:
   * `size`, `bytes`, `time` since its first record, or the end of the input. Open batches are state.
   *
   * @example
   * payments.keyBy((payment) => payment.shop).batch('bulk', { size: 500, time: '1s' })
   */
  batch(name: string, options: BatchOptions<T>): StreamOf<KeyedBatch<K, T>, Time>

  /**
   * Lets so many records of each key pass in a period of processing time. More wait in state, in order, or are
   * dropped.
   *
   * @example
   * requests.keyBy((request) => request.customer).throttle('fair', { records: 10, per: '1s' })
   */
  throttle(name: string, options: ThrottleOptions): StreamOf<T, Time>

  /**
   * Emits each record after a delay; records of one key in the order in which they arrive. Its event
   * time is the time at which it is emitted. What waits is state.
   *
   * @example
   * failures.keyBy((failure) => failure.job).delay('later', { by: '30s' })
   */
  delay(name: string, options: DelayOptions): StreamOf<T, Time>

  /**
   * Emits one of so many records of each key: the first of each `every`.
   *
   * @example
   * readings.keyBy((reading) => reading.sensor).sample('tenth', { every: 10 })
   */
  sample(name: string, options: SampleOptions): StreamOf<T, Time>

  /**
   * Emits the last record of each key once no other of the key has arrived for a while.
   *
   * @example
   * edits.keyBy((edit) => edit.document).debounce('settled', { quiet: '2s' })
   */
  debounce(name: string, options: DebounceOptions): StreamOf<T, Time>

  /**
   * Maps each value with an asynchronous call. Calls of one key run one after another, in the order of their
   * records, and their results are emitted in that order; calls of different keys run in parallel. Calls in
   * flight are part of a checkpoint and are repeated after a restart, so pass an id by which the external
   * system recognizes repeated calls. A record must be plain data, because it is stored in checkpoints.
   *
   * @example
   * orders.keyBy((order) => order.customer).mapAsync('charge', (order, signal) => charge(order, signal))
   * calls that do not depend on one another may run in parallel
   * clicks.keyBy((click) => click.user).mapAsync('profile', (click, signal) => lookUp(click, signal), { serial: 'none' })
   */
  mapAsync<U>(
    name: string,
    call: (value: T, signal: AbortSignal, headers: RecordHeaders) => Promise<U>,
    options?: KeyedAsyncOptions<T, NoInfer<U>>,
  ): StreamOf<U, Time>

  /**
   * Groups the records of each key into windows of the clock, not of event time. Call `aggregate` on the result.
   *
   * @example
   * clicks.keyBy((click) => click.page).window(byClock(tumbling('1m'))).aggregate('per-minute', { n: count() })
   */
  window(windows: ClockWindows): ClockWindowedStream<T, K, Time>
}

/**
 * A set of rows that changes, with a unique key for each row: what operators return whose results are
 * corrected by later records.
 *
 * A table is not a stream: a record of a stream is final, a row may be replaced or deleted. So a table only
 * goes to a sink that applies changes. `toStream` turns its changes into records, for every other sink and
 * for operators of streams.
 *
 * Functions passed to a table must depend on the row only: they are called with old rows again.
 */
export interface Table<T, K, Time extends Timing = 'timed'> {
  readonly timing: Time
  /** Phantom type of rows and keys; never present at run time. */
  readonly [carriesRows]?: { readonly row: T; readonly key: K }

  /**
   * Maps each row to another, which keeps its key. The result is not undefined.
   *
   * @example
   * orders.map((order) => ({ ...order, total: order.net + order.tax }))
   */
  map<U extends RowValue>(
    transform: (row: T, key: K) => Synchronous<U>,
    options?: StepOptions,
  ): Table<U, K, Time>

  /**
   * Keeps the rows for which `keep` is true. A row that changes may leave the table, or enter it.
   *
   * @example
   * orders.filter((order) => order.state === 'open') // an order that is closed is deleted from the result
   */
  filter<U extends T>(keep: (row: T, key: K) => row is U, options?: StepOptions): Table<U, K, Time>
  filter(keep: (row: T, key: K) => boolean, options?: StepOptions): Table<T, K, Time>

  /**
   * Groups the rows. A row that changes may move from one group to another.
   *
   * @example
   * orders.groupBy((order) => order.customer).aggregate('per-customer', { n: count() })
   */
  groupBy<const G extends Key>(select: (row: T, key: K) => G): GroupedTable<T, K, G, Time>

  /**
   * Returns the changes as records of a stream, each with the time of what caused it. An update is two
   * records, `updateBefore` and `updateAfter`; with `updateBefore: false` only the second, which is enough for
   * readers that keep rows by key.
   *
   * @example
   * orders.toStream().to('changes', files.writeNdjson('changes.ndjson'))
   * // {"kind":"insert","key":"o1","value":{"id":"o1","total":30}}
   */
  toStream(
    options: ToStreamOptions & { readonly updateBefore: false },
  ): StreamOf<Change<T, K, UpsertKind>, Time>
  toStream(options?: ToStreamOptions): StreamOf<Change<T, K>, Time>

  /**
   * Writes the table to a sink that applies changes. A sink that appends records is a type error.
   *
   * @example
   * const rows = memory.writeTable<Order>()
   * orders.to('orders', rows)
   */
  to<S extends AnySink>(name: string, sink: S & AppliesChanges<S, T, K>, options?: SinkOptions): void

  /**
   * Keeps the rows in state where the program that runs the job reads them at once: `job.view(name)`. Return the result from
   * the build function, and the view has the types of the table.
   *
   * The rows are kept for it, besides what the table itself keeps. With threads they come to the one that started the job.
   *
   * @example
   * const shop = pipeline('shop', (p) =>
   *   p.from('orders', orders).keyBy((order) => order.customer).aggregate('totals', { n: count() }).toView('per-customer'),
   * )
   * start(shop).view('per-customer').get('c1') // => { key: 'c1', n: 2 }
   */
  toView<const Name extends string>(name: Name): TableView<Name, T, K>
}

/** A view that a pipeline declares: the result of `toView`. */
export interface TableView<Name extends string, T, K> {
  readonly view: Name
  /** Phantom type of rows and keys; never present at run time. */
  readonly [carriesRows]?: { readonly row: T; readonly key: K }
}

/** The views in what a build function returned: one, or the fields of an object. */
type DeclaredIn<Declared> =
  Declared extends TableView<string, unknown, unknown>
    ? Declared
    : Declared extends object
      ? Extract<Declared[keyof Declared], TableView<string, unknown, unknown>>
      : never

/** The views of a job by name, by what the build function of its pipeline returned; of any name if that was nothing. */
export type ViewsOf<Declared> = [DeclaredIn<Declared>] extends [never]
  ? AnyViews
  : { readonly [Declaration in DeclaredIn<Declared> as Declaration['view']]: ViewOf<Declaration> }

type ViewOf<Declaration> = View<RowOf<Declaration>, Extract<KeyOfTable<Declaration>, Key>>

/** The table of the newest records of a stream of `In`, and the records that were older than their row. */
export interface NewestRows<T, K, In, Time extends Timing = 'timed'> extends Table<T, K, Time> {
  /**
   * Records that were older than the row of their key, or had expired, unchanged and each once. Without a
   * reader they are counted, and the count is logged as a warning.
   */
  readonly late: StreamOf<In, Time>
}

/** The rows of a table in groups. Created by `groupBy`. */
export interface GroupedTable<T, K, G, Time extends Timing = 'timed'> {
  /**
   * Aggregates the rows of each group. The result has a row `{ key, ... }` for each group that has rows. When
   * a row is replaced or deleted the aggregates are those of the rows that are left, so `max` returns to the
   * value before; the order in which values are merged is not defined.
   *
   * All rows are kept. A change costs a few merges, more by one when a group has twice as many rows.
   *
   * @example
   * open.groupBy((order) => order.customer).aggregate('open', { n: count(), largest: max((order) => order.total) })
   * // rows { key: 'c1', n: 2, largest: 30 }
   */
  aggregate<A extends Aggregates<T>>(
    name: string,
    aggregates: A & TakenFields,
    options?: OperatorOptions,
  ): Table<GroupResult<G, A>, G, Time>

  /**
   * Keeps the first `n` rows of each group, in an order. When one of them is replaced or deleted, the next row
   * follows: all rows are kept for that. Emits only what changes.
   *
   * @example
   * scores.groupBy((score) => score.game).topN('best', { n: 3, order: (a, b) => b.points - a.points, rank: true })
   * // rows { key: 'chess', rank: 1, value: { game: 'chess', player: 'ada', points: 40 } }
   */
  topN(
    name: string,
    options: TopNOptions<T, G> & { readonly rank: true },
  ): Table<RankedValue<G, T>, readonly [group: G, rank: number], Time>
  topN(name: string, options: TopNOptions<T, G>): Table<T, readonly [group: G, key: K], Time>
}

/** A row with its rank from 1 in the group `key`. */
export interface RankedValue<G, T> {
  readonly key: G
  readonly rank: number
  readonly value: T
}

/** The result for one group: a field for each aggregate. */
export type GroupResult<G, A extends Aggregates<never>> = Flat<
  { readonly key: G } & {
    readonly [Name in keyof A]: A[Name] extends Aggregate<never, infer _, infer Result> ? Result : never
  }
>

/** A table of any type. */
export type AnyTable = Table<unknown, unknown, Timing>

/** The row type of a table. */
export type RowOf<S> = S extends { readonly [carriesRows]?: { readonly row: infer T } } ? T : never

/** The key type of a table. */
export type KeyOfTable<S> = S extends { readonly [carriesRows]?: { readonly key: infer K } } ? K : never

/** Any value but undefined. */
export type RowValue = NonNullable<unknown> | null

/** Any sink, whatever it accepts. */
export type AnySink = Sink<never>

/** The required type of a table's sink; otherwise a type whose name is the reason. */
export type AppliesChanges<S, T, K> = S extends { readonly applies: 'changes' }
  ? ChangeSink<T, K & Key>
  : ATableChangesItsRowsAndThisSinkOnlyAppends

/** A type error as a sentence: an append-only sink was given a table. */
export interface ATableChangesItsRowsAndThisSinkOnlyAppends {
  readonly 'a table changes its rows and this sink only appends; write table.toStream() to keep every change, or use a sink that applies changes': never
}

/** A keyed stream with event time, which can be windowed. */
export interface TimedKeyedStream<T, K> extends KeyedStream<T, K, 'timed'> {
  /**
   * Groups the records of each key into windows of event time. Call `aggregate` on the result.
   *
   * @example
   * payments.keyBy((payment) => payment.card).window(tumbling('1m')).aggregate('per-card', { n: count() })
   */
  window(windows: WindowAssigner | MergingWindows<T> | GlobalWindows | TrailingWindows): WindowedStream<T, K>
  window(windows: ClockWindows): ClockWindowedStream<T, K, 'timed'>

  /**
   * Removes duplicates: keeps the first record of each key by event time, and drops those of the same key
   * whose time is less than `within` later. Of equal times the first to arrive is kept. A record comes out
   * when the watermark has passed its time.
   *
   * State is bounded: a key is forgotten when the watermark has passed its last record by `within`. To keep
   * the last record of each key, use `toTable`.
   *
   * @example
   * payments.keyBy((payment) => payment.id).keepFirst('unique', { within: '1h' })
   */
  keepFirst(name: string, options: KeepFirstOptions): FirstRecords<T>

  /**
   * Finds a pattern in the events of each key, in the order of their times; events of one time are in the order of arrival.
   * An event waits until the watermark has passed it, so results do not depend on the order of arrival of different times.
   * Each match comes out at the time of the event that completes it, as `{ key, ...stages }`.
   *
   * Matches that one event completes come out in the order of their first events, then of their second ones, and so on.
   * What a condition throws stops the job: it is not called for one record alone.
   *
   * @example
   * const attacks = logins.keyBy((login) => login.user).match(
   *   'attacks',
   *   pattern('failed', (login: Login) => !login.ok).times(3).followedBy('success', (login) => login.ok).within('1m'),
   *   { afterMatch: 'pastLast' },
   * )
   * // emits { key: 'ann', failed: [login, login, login], success: login }
   */
  match<M>(
    name: string,
    pattern: AnyPattern<T, M>,
    options?: MatchOptions<keyof M & string>,
  ): MatchedStream<K, M, T>
}

/** Records without duplicates, and the late ones. */
export interface FirstRecords<T> extends TimedStream<T> {
  /** Records that were older than the watermark, unchanged and each once. Without a reader they are counted. */
  readonly late: TimedStream<T>
}

/** The matches of a pattern, and what has not become one. */
export interface MatchedStream<K, M, T> extends TimedStream<Match<K, M>> {
  /**
   * Partial matches whose time was over: `{ key, timedOutAt, ...stages }`, at that time. Only a pattern with `within` has them.
   * One of which a match already came out is not among them.
   */
  readonly timedOut: TimedStream<TimedOutMatch<K, M>>
  /**
   * Records that came when the watermark had passed them, unchanged and each once. Without a reader they are counted, and
   * the count is logged as a warning.
   */
  readonly late: TimedStream<T>
}

/** The result of one window of one key: a field for each aggregate. Without keys, `K` is `never`. */
export type WindowResult<K, A extends Aggregates<never>> = Flat<
  ([K] extends [never] ? unknown : { readonly key: K }) & { readonly window: Window } & {
    readonly [Name in keyof A]: A[Name] extends Aggregate<never, infer _, infer Result> ? Result : never
  }
>

/** The result of one pane of a window. */
export type PaneResult<K, A extends Aggregates<never>> = Flat<WindowResult<K, A> & { readonly pane: Pane }>

/** The key of a row in a table of windows. Without keys, `K` is `never`. */
export type WindowKey<K> = Flat<
  ([K] extends [never] ? unknown : { readonly key: K }) & { readonly window: Flat<Window> }
>

/** The same type as one object, so that an editor shows its fields. */
type Flat<T> = T extends infer All ? { [Name in keyof All]: All[Name] } : never

/** The records of each key and window, to be aggregated. Without keys, `K` is `never`. */
export interface WindowedStream<T, K> {
  /**
   * Aggregates the records of each key in each window, and emits the results when the window ends, at event
   * time `end - 1`; that of a session, to which a record at its very end belongs, at `end`. A window without records
   * emits nothing.
   *
   * A record is late if the last of its windows, plus `allowedLateness`, ended at or before the watermark.
   *
   * With `trigger` a window has several results, each with its `pane`. With `emit: 'updates'` the result is a
   * table, with a row for each key and window.
   *
   * @example
   * keyed.window(tumbling('1m')).aggregate('per-card', { n: count(), total: sum((payment) => payment.amount) })
   * // emits { key: 'c1', window: { start: 60000, end: 120000 }, n: 2, total: 30 }
   * keyed.window(tumbling('1h')).aggregate('so-far', { n: count() }, { trigger: trigger.atEnd().early(trigger.every('1m')) })
   * // emits { key: 'c1', window: …, pane: { index: 0, timing: 'early', isFirst: true, isLast: false }, n: 2 }
   * keyed.window(tumbling('1h')).aggregate('rows', { n: count() }, { emit: 'updates', allowedLateness: '1d' }).to('rows', sink)
   */
  aggregate<A extends Aggregates<T>>(
    name: string,
    aggregates: A & TakenFields,
    options: UpdatesOptions<T>,
  ): WindowTable<WindowResult<K, A>, K, T>
  aggregate<A extends Aggregates<T>>(
    name: string,
    aggregates: A & TakenFields,
    options: PaneOptions<T>,
  ): AggregatedStream<PaneResult<K, A>, T>
  aggregate<A extends Aggregates<T>>(
    name: string,
    aggregates: A & TakenFields,
    options?: AggregateOptions,
  ): AggregatedStream<WindowResult<K, A>, T>
}

/** The records of each window of the clock, to be aggregated. Without keys, `K` is `never`. */
export interface ClockWindowedStream<T, K, Time extends Timing> {
  /**
   * Aggregates the records of each window, and emits the results when the clock has reached its end. A record
   * that comes after is in a later window.
   */
  aggregate<A extends Aggregates<T>>(
    name: string,
    aggregates: A & TakenFields,
    options?: OperatorOptions,
  ): StreamOf<WindowResult<K, A>, Time>
}

/** The results of windows as a table, and the late records. */
export interface WindowTable<R, K, T> extends Table<R, WindowKey<K>> {
  /** Records that no window accepted any more, as `late` of a stream of results. */
  readonly late: TimedStream<T>
}

/** The results of windows, and the late records. */
export interface AggregatedStream<R, T> extends TimedStream<R> {
  /**
   * Records that no window accepted any more, unchanged and each once. Without a reader they are counted, and
   * the count is logged as a warning.
   *
   * @example
   * perCard.late.to('late', files.writeNdjson('late.ndjson'))
   */
  readonly late: TimedStream<T>
}
