import type { Codec } from '../codec/codec.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { Key } from '../record/key.ts'
import type { NotAPromise } from '../errors/synchronous.ts'
import type { EventTime } from '../record/time.ts'
import type { Backup } from '../state/backup.ts'
import type { EarlierSetting } from '../state/fingerprint.ts'
import type { StateTable } from '../state/state-store.ts'
import type { SweepKeys } from '../time/sweep-queue.ts'
import type { ListState, MapState, ValueState } from '../state/handles.ts'

/**
 * One value in the stream, the moment it describes, and the key it was routed by.
 *
 * Valid only during the call it is passed to: the engine uses the same object for the next record.
 */
export interface StreamRecord<T> {
  readonly value: T
  /** Event time; `NaN` on a stream without timestamps. */
  readonly time: EventTime
  /** Undefined outside a keyed operator. */
  readonly key: Key | undefined
}

/**
 * A step that turns records into records.
 *
 * One instance serves one subtask and is never called twice at once. Every method is synchronous: one that returns a
 * promise fails the task with `ASYNC_FUNCTION`, and what must wait for the outside world belongs in `mapAsync`. The
 * engine forwards watermarks and barriers, saves state and restores it; an operator that keeps what it must remember
 * in handles from its context needs no code for any of that. The shape is Kafka Streams' `Processor`, the discipline
 * Hazelcast Jet's.
 *
 * Throwing from `process` is handled by the operator's error policy. A record that the policy leaves out leaves
 * nothing behind: nothing was emitted, and state, timers and counts are as they were before it. Fields of the operator
 * itself are not: what it must remember belongs in state. Throwing from any other method but `close` fails the task,
 * and the job restarts from its last checkpoint.
 *
 * @example
 * const seen: Operator<string, string> = {
 *   process(record, out) { out.emit(record.value.toUpperCase()) },
 * }
 */
export interface Operator<In, Out> {
  /** Called once, before anything else. Ask for state handles, timers and outputs here; do not read state yet. */
  open?(context: OperatorContext): void
  /**
   * Called once after a restart, when state is in place. There is no current key. Where that takes long it returns a
   * generator that yields after each unit of work, so that the event loop can have turns.
   */
  restored?(): Iterable<undefined> | void
  /**
   * Called for each record, in order. State handles and timers refer to the record's key. Everything the
   * operator may emit must be emitted before it returns. `input` is the number of the input that the record came from,
   * in the order of the node's inputs: 0 where there is one.
   */
  process(record: StreamRecord<In>, out: Collector<Out>, input: number): NotAPromise
  /**
   * Called when a timer set by this operator is due: an event timer when the watermark has reached its
   * time and before the watermark goes downstream. State handles refer to the timer's key. Timers of one
   * key fire in time order. After a restart a timer may fire again, with the state it had the first time.
   */
  onTimer?(timer: Timer, out: Collector<Out>): NotAPromise
  /**
   * What becomes of processing timers that are pending when the input ends, which the clock would take its time for.
   * `'fire'`: they fire at once, in order, with their own times. `'drop'`: they are deleted. Either way they are counted
   * and reported. Those set while they fire are dropped. Default `'fire'`.
   */
  readonly timersAtEnd?: 'fire' | 'drop'
  /**
   * Called if the input ends, for each key that has a value, a list or a map, once every timer has fired. State handles
   * refer to the key. Then `finish` follows. What is said of `finish` holds here too.
   */
  onEnd?(key: Key, out: Collector<Out>): NotAPromise
  /**
   * Called once if the input ends, after every timer has fired, also if the job restarts afterwards. What it emits is
   * not late for the operators that follow. If input comes back in a later run, it is called again when that ends. Not
   * called on a stop.
   */
  finish?(out: Collector<Out>): NotAPromise
  /** Called last, on every path. What it throws is logged, not raised. */
  close?(): void
}

/** Where an operator puts its results. Valid only during the call it was passed to. */
export interface Collector<Out> {
  /** Emits at the time of the record or timer being handled. */
  emit(value: Out): void
  /** Emits at a time of the operator's choosing, which must not be behind the watermark. */
  emitAt(time: EventTime, value: Out): void
}

/** What one subtask's operator may touch. */
export interface OperatorContext {
  /** The operator's name in the pipeline; stable across restarts and part of where its state is filed. */
  readonly name: string
  readonly subtask: number
  readonly timers: Timers
  /** The current watermark of this operator for the current key; infinite once its input has ended. */
  watermark(): EventTime
  /**
   * What the watermarks of all keys of this subtask have reached. After a change of parallelism that of the current key may
   * be ahead of it for a while.
   */
  lowestWatermark(): EventTime
  /** Processing time in milliseconds since the epoch. Results that use it differ from run to run. */
  now(): number
  /** A value per key. Ask once, in `open`. */
  value<T>(descriptor: StateDescriptor<T>): ValueState<T>
  /** A list per key. */
  list<T>(descriptor: StateDescriptor<T>): ListState<T>
  /** A map per key, saved entry by entry. */
  map<K extends Key, V>(descriptor: StateDescriptor<V>): MapState<K, V>
  /** The raw two-level table, for operators that file state by something besides the key (windows do). */
  table<T>(descriptor: StateDescriptor<T>): StateTable<T>
  /**
   * The values that a setting of the operator's fingerprint had in earlier programs, oldest first; empty unless the
   * setting says `mayChange`.
   */
  earlier(setting: string): readonly EarlierSetting[]
  /** The collector of a side output this operator declared. */
  output<T>(name: string): Collector<T>
  /** The token of the current key; for `table`. */
  keyToken(): KeyToken
  /** The key group of the current key; for `table`. */
  keyGroup(): number
  /** Counts something worth showing: late records, skipped ones. */
  count(metric: OperatorMetric, by?: number): void
}

/** What operators count for people: records that were late, left out, or set aside as dead letters. */
export type OperatorMetric = 'late' | 'skipped' | 'deadLettered'

/** Names one piece of state and says how it is written. */
export interface StateDescriptor<T> {
  readonly name: string
  /** Absent: the structured codec, which writes any JSON-like value, Date, Map, Set, bigint and bytes. */
  readonly codec?: Codec<T>
  /**
   * How a value is put back when the record that changed it fails and the error policy leaves it out. Absent: by
   * copy, or by `codec` for what holds other objects, so that reading a large value costs. Never used with the policy
   * `fail`.
   */
  readonly backup?: Backup<T>
}

/**
 * Sets timers for the current key. The same (time, name) twice is one timer; `name` tells apart timers
 * that are due at the same time for different reasons.
 */
export interface Timers {
  /** Fires once the watermark is at or past `time`; for a time already passed, at the next opportunity. */
  setEvent(time: EventTime, name?: string): void
  deleteEvent(time: EventTime, name?: string): void
  /** Fires once the clock is at or past `time` (milliseconds since the epoch). */
  setProcessing(time: number, name?: string): void
  deleteProcessing(time: number, name?: string): void
  /**
   * Fires at the event time `time` once for every cell that `keys` yields, with the cell's inner token as
   * the key, and is kept once however many keys there are: windows end by it. The same (time, name)
   * twice is one sweep.
   *
   * `keys` is called with the time when the sweep is due, and iterated to its end, so clean-up may follow its last
   * `yield`. Where it searches long for the next key it yields undefined now and then, so that the event loop can have a
   * turn. It may return a later time, at which the sweep is due again. Sweeps are not saved: set them again in
   * `restored`.
   *
   * One for a time that every key has passed is not set, so an operator may set all that belong to a cell. After a change
   * of parallelism some keys may be further ahead than others: `onTimer` is not called for keys whose watermark has passed
   * the time.
   */
  setSweep(time: EventTime, name: string, keys: SweepKeys): void
}

/** A timer that is due. */
export interface Timer {
  /** The key the timer was set for. */
  readonly key: Key
  /** Event time or processing time, by `domain`. */
  readonly time: number
  readonly name: string
  readonly domain: 'event' | 'processing'
}
