import type { Codec } from '../codec/codec.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { RecordHeaders } from '../record/headers.ts'
import type { Key } from '../record/key.ts'
import type { NotAPromise } from '../errors/synchronous.ts'
import type { EventTime } from '../record/time.ts'
import type { Backup } from '../state/backup.ts'
import type { EarlierSetting } from '../state/fingerprint.ts'
import type { StateTable } from '../state/state-store.ts'
import type { TimeToLive } from '../state/time-to-live.ts'
import type { SweepKeys } from '../time/sweep-queue.ts'
import type { ListState, MapState, OrderedMapState, ValueState } from '../state/handles.ts'

/**
 * A value in the stream, its event time, and its key.
 *
 * Valid only during the call it is passed to: the engine uses the same object for the next record.
 */
export interface StreamRecord<T> {
  readonly value: T
  /** Event time; `NaN` on a stream without timestamps. */
  readonly time: EventTime
  /** Undefined outside a keyed operator. */
  readonly key: Key | undefined
  /** Its headers; an empty object if it has none. */
  readonly headers: RecordHeaders
}

/** What happens to timers that are pending when the input ends: see `Operator.timersAtEnd`. */
export type TimersAtEnd = 'fire' | 'drop' | 'keep'

/**
 * A step that turns records into records.
 *
 * One instance serves one subtask and its calls never overlap. Every method is synchronous: one that returns
 * a promise fails the task with `ASYNC_FUNCTION`; asynchronous work belongs in `mapAsync`. The engine
 * forwards watermarks and barriers, saves state and restores it; an operator that keeps its state in handles
 * from its context needs no code for any of that. (Modelled on Kafka Streams' `Processor` and Hazelcast
 * Jet's.)
 *
 * If `process` throws, the operator's error policy applies. A skipped record leaves nothing behind: nothing
 * was emitted, and state, timers and counts are as they were before it. Fields of the operator itself are not
 * restored: keep state in handles. If any other method but `close` throws, the task fails, and the job
 * restarts from its last checkpoint.
 *
 * @example
 * const seen: Operator<string, string> = {
 *   process(record, out) { out.emit(record.value.toUpperCase()) },
 * }
 */
export interface Operator<In, Out> {
  /**
   * Called once, before anything else. Request state handles, timers and outputs here; do not read state yet.
   */
  open?(context: OperatorContext): void
  /**
   * Called once after a restart, when state is loaded. There is no current key. If that takes long it returns
   * a generator that yields after each unit of work, so that the event loop gets turns.
   */
  restored?(): Iterable<undefined> | void
  /**
   * Called before the first record, for each row of the node's seed whose key this subtask owns: if the operator has no
   * state in the restored checkpoint. State handles and timers refer to the row's key. It cannot emit.
   */
  seeded?(row: Omit<StreamRecord<unknown>, 'headers'>): NotAPromise
  /**
   * Called for each record, in order. State handles and timers refer to the record's key. All output must be
   * emitted before it returns. `input` is the number of the record's input, in the order of the node's
   * inputs: 0 if there is one.
   */
  process(record: StreamRecord<In>, out: Collector<Out>, input: number): NotAPromise
  /**
   * Called when a timer set by this operator is due: an event timer when the watermark has reached its time
   * and before the watermark is passed on. State handles refer to the timer's key. Timers of one key fire in
   * time order. After a restart a timer may fire again, with the state it had the first time.
   */
  onTimer?(timer: Timer, out: Collector<Out>): NotAPromise
  /**
   * Returns the event times of the records that the result of a timer is made of, `until` excluded. Traces link the result to
   * those records. Default: those of its key since its last result, up to the time of the timer.
   */
  timesOf?(timer: Timer): { readonly from: EventTime; readonly until: EventTime }
  /**
   * What to do with timers that are pending when the input ends. `'fire'`: all of them fire, with their own
   * times; first event timers, then processing timers. `'drop'`: event timers fire, processing timers are
   * deleted. Both are counted and reported, and processing timers set meanwhile are dropped. `'keep'`: none
   * fires; a later run continues with them. Default `'fire'`.
   */
  readonly timersAtEnd?: TimersAtEnd
  /**
   * Called if the input ends, for each key that has a value, a list or a map, once every timer has fired.
   * State handles refer to the key. Then `finish` follows, whose rules apply here too.
   */
  onEnd?(key: Key, out: Collector<Out>): NotAPromise
  /**
   * Called once if the input ends, after every timer has fired, also if the job restarts afterwards. Its
   * output is not late for later operators. If input resumes in a later run, it is called again when that
   * ends. Not called on a stop.
   */
  finish?(out: Collector<Out>): NotAPromise
  /** Called last, on every path. Its error is logged, not thrown. */
  close?(): void
}

/**
 * The output of an operator. Valid only during the call it was passed to. What it emits has the headers of the record at hand,
 * or those of `OperatorContext.setHeaders`.
 */
export interface Collector<Out> {
  /** Emits at the time of the current record or timer. */
  emit(value: Out): void
  /** Emits at the given time, which must not be behind the watermark. */
  emitAt(time: EventTime, value: Out): void
}

/** Opens pieces of state. Each is requested once, in `open`. */
export interface StateContext {
  /** A value per key. */
  value<T>(descriptor: StateDescriptor<T>): ValueState<T>
  /** A list per key. */
  list<T>(descriptor: StateDescriptor<T>): ListState<T>
  /** A map per key, saved entry by entry. */
  map<K extends Key, V>(descriptor: StateDescriptor<V>): MapState<K, V>
  /** A map per key with its entries in order, saved entry by entry. */
  orderedMap<K extends Key, V>(descriptor: StateDescriptor<V>): OrderedMapState<K, V>
}

/** What one subtask's operator may use. */
export interface OperatorContext extends StateContext {
  /** The operator's name in the pipeline; stable across restarts. Its state is stored under it. */
  readonly name: string
  readonly subtask: number
  readonly timers: Timers
  /** The current watermark of this operator for the current key; infinite once its input has ended. */
  watermark(): EventTime
  /**
   * The watermark that all keys of this subtask have reached. After a change of parallelism that of the
   * current key may be ahead of it for a while.
   */
  lowestWatermark(): EventTime
  /** Processing time in milliseconds since the epoch. Results that use it are not deterministic. */
  now(): number
  /**
   * State without a key, which is the same in every subtask: change it only while handling a record of a
   * broadcast input, and by that record alone. Subtask 0 saves it.
   */
  readonly shared: StateContext
  /** The raw two-level table, for operators that store state by something besides the key (as windows do). */
  table<T>(descriptor: StateDescriptor<T>): StateTable<T>
  /**
   * The values of a setting of the operator's fingerprint in earlier programs, oldest first; empty unless the
   * setting has `mayChange`.
   */
  earlier(setting: string): readonly EarlierSetting[]
  /** The collector of a side output declared by this operator. */
  output<T>(name: string): Collector<T>
  /** The token of the current key; for `table`. */
  keyToken(): KeyToken
  /** The key group of the current key; for `table`. */
  keyGroup(): number
  /**
   * Sets the headers of what the current call emits from now on, on all outputs; undefined or an empty object: none. Without it
   * they are those of the record at hand, and none for a timer or at the end. Throws `OPERATOR_FAILED` for values that are
   * neither text nor bytes.
   */
  setHeaders(headers: RecordHeaders | undefined): void
  /** Increments a metric: late records, skipped ones. */
  count(metric: OperatorMetric, by?: number): void
}

/** The metrics of operators: late records, skipped records, dead letters, failed attempts that are repeated. */
export type OperatorMetric = 'late' | 'skipped' | 'deadLettered' | 'retried'

/** Names one piece of state and its codec. */
export interface StateDescriptor<T> {
  readonly name: string
  /** Absent: the structured codec, which supports JSON-like values, Date, Map, Set, bigint and bytes. */
  readonly codec?: Codec<T>
  /**
   * When values expire: each value, list element or map entry for itself. An expired one is never returned,
   * and is removed soon after it has expired. Absent: never.
   */
  readonly ttl?: TimeToLive | undefined
  /**
   * How a value is restored when the record that changed it fails and the error policy skips it. Absent: by
   * copy, or by `codec` for values that contain other objects, so that reading a large value is expensive.
   * Never used with the policy `fail`.
   */
  readonly backup?: Backup<T>
  /**
   * Values hold more than `codec` writes, so none of them may leave memory, also in a store for state larger than memory.
   * Default false.
   */
  readonly staysLive?: boolean
}

/**
 * Sets timers for the current key. The same (time, name) twice is one timer; `name` distinguishes timers due
 * at the same time for different reasons.
 */
export interface Timers {
  /** Fires once the watermark is at or past `time`; for a time already passed, at the next opportunity. */
  setEvent(time: EventTime, name?: string): void
  deleteEvent(time: EventTime, name?: string): void
  /** Fires once the clock is at or past `time` (milliseconds since the epoch). */
  setProcessing(time: number, name?: string): void
  deleteProcessing(time: number, name?: string): void
  /**
   * The timers of the current key that have not fired: event timers and then processing timers, each in the
   * order in which they fire. The first call of an operator goes through all of its timers.
   */
  list(): readonly PendingTimer[]
  /**
   * Fires at the event time `time` once for every key that `keys` yields, as a cell with its inner token or
   * anything else that has token and key group, and is stored once for all keys: windows use it to end. The same
   * (time, name) twice is one sweep.
   *
   * `keys` is called with the time when the sweep is due, and iterated to its end, so clean-up may follow its
   * last `yield`. During a long search for the next key it yields undefined at intervals, so that the event
   * loop gets turns. It may return a later time, at which the sweep is due again. Sweeps are not saved: set
   * them again in `restored`.
   *
   * A sweep for a time that every key has passed is not set, so an operator may set all sweeps of a cell.
   * After a change of parallelism some keys may be further ahead than others: `onTimer` is not called for
   * keys whose watermark has passed the time.
   */
  setSweep(time: EventTime, name: string, keys: SweepKeys): void
}

/** A timer that is set. */
export type PendingTimer = Omit<Timer, 'key'>

/** A timer that is due. */
export interface Timer {
  /** The key the timer was set for. */
  readonly key: Key
  /** Event time or processing time, by `domain`. */
  readonly time: number
  readonly name: string
  readonly domain: 'event' | 'processing'
}
