import type { OutputSpec, OutputSpecs, ProcessSpec } from './operators/process.ts'
import type { StateSpecs } from './operators/state-spec.ts'
import type { AsyncOptions, OperatorOptions, StreamOf, Timing } from './stream.ts'
import type { Synchronous } from './synchronous.ts'
import type { WindowAssigner } from './window/assigner.ts'
import type { WindowedStream } from './windowed-stream.ts'

declare const carries: unique symbol

/** A stream by key, whatever it carries. */
export type AnyKeyedStream = KeyedStream<unknown, unknown, Timing>

/** What a stream by key carries. */
export type ValueOfKeyed<S> = S extends { readonly [carries]?: { readonly value: infer T } } ? T : never

/** The keys of a stream by key. */
export type KeyOfKeyed<S> = S extends { readonly [carries]?: { readonly key: infer K } } ? K : never

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

/** What `process` returns: the stream of what was emitted, with the side outputs. */
export type ProcessedStream<Out, O extends OutputSpecs, Time extends Timing> = StreamOf<Out, Time> & {
  readonly outputs: {
    readonly [Name in keyof O]: StreamOf<O[Name] extends OutputSpec<infer T> ? T : never, Time>
  }
}

/** What `scan` and `reduce` emit: the key, and its value after one more record. */
export interface KeyedValue<K, T> {
  readonly key: K
  readonly value: T
}

/**
 * A stream whose records are brought together by key. Made by `keyBy`; only here is there state.
 *
 * Every operator with state has a name, because its state is filed under it: renaming one means starting it empty.
 *
 * What is emitted: `scan`, `reduce` and the aggregates of windows combine records, so their results carry the key, as
 * `{ key, value }` and `{ key, window, ... }`. `process` and `mapAsync` emit what their functions make.
 */
export interface KeyedStream<T, K, Time extends Timing = 'untimed'> {
  readonly timing: Time
  /** Not there at run time: it tells the types of values and keys. */
  readonly [carries]?: { readonly value: T; readonly key: K }

  /**
   * Runs functions of your own, with state for each key, timers and side outputs. Everything they are handed refers
   * to the key of the record or timer they are called for. They do not change records, nor values they have emitted.
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
  process<Out = never, S extends StateSpecs = {}, O extends OutputSpecs = {}>(
    name: string,
    spec: ProcessSpec<T, K, Out, S, O, Time>,
  ): ProcessedStream<Out, O, Time>

  /**
   * Combines the records of each key so far into one, and emits it with the key after every record. `combine` returns
   * a new value or one of the two; it does not change them.
   *
   * @example
   * numbers.keyBy((n) => n % 2).reduce('largest', (a, b) => Math.max(a, b))
   * // 1, 2, 5 becomes { key: 1, value: 1 }, { key: 0, value: 2 }, { key: 1, value: 5 }
   */
  reduce(
    name: string,
    combine: (total: T, value: T) => T,
    options?: OperatorOptions,
  ): StreamOf<KeyedValue<K, T>, Time>

  /**
   * Carries a value of another type along the records of each key, and emits it with the key after every record.
   * `next` returns a new value. It must not change the old one: that has been emitted, and is the state of the key.
   *
   * @example
   * words.keyBy((word) => word).scan('count', () => 0, (count) => count + 1)
   * // a, b, a becomes { key: 'a', value: 1 }, { key: 'b', value: 1 }, { key: 'a', value: 2 }
   */
  scan<A>(
    name: string,
    initial: () => A,
    next: (accumulated: A, value: T) => Synchronous<A>,
    options?: OperatorOptions,
  ): StreamOf<KeyedValue<K, A>, Time>

  /**
   * Turns each value into another one by asking the outside world. Calls of one key run one after another, in the
   * order of their records, and so do their results leave; calls of different keys run at the same time. Calls in
   * flight are part of a checkpoint and are made again after a restart, so give the outside world an id by which it
   * recognizes a call it has seen. A record must be plain data, because it is kept in checkpoints.
   *
   * @example
   * orders.keyBy((order) => order.customer).mapAsync('charge', (order, signal) => charge(order, signal))
   * // calls that do not depend on one another need not wait for the one before
   * clicks.keyBy((click) => click.user).mapAsync('profile', (click, signal) => lookUp(click, signal), { serial: 'none' })
   */
  mapAsync<U>(
    name: string,
    call: (value: T, signal: AbortSignal) => Promise<U>,
    options?: KeyedAsyncOptions,
  ): StreamOf<U, Time>
}

/** A stream by key whose records have an event time, and which therefore has windows. */
export interface TimedKeyedStream<T, K> extends KeyedStream<T, K, 'timed'> {
  /**
   * Gathers the records of each key by windows of event time. What becomes of them, `aggregate` says.
   *
   * @example
   * payments.keyBy((payment) => payment.card).window(tumbling('1m')).aggregate('per-card', { n: count() })
   */
  window(assigner: WindowAssigner): WindowedStream<T, K>
}
