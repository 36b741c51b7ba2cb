import type { EventTime, Key, RecordHeaders } from '@millrace/core'
import type {
  Collector,
  NotAPromise,
  Operator,
  OperatorContext,
  PendingTimer,
  StreamRecord,
  Timer,
  TimersAtEnd,
} from '@millrace/core/operator'
import type { OperatorOptions, Timing } from '../stream-options.ts'
import type { Synchronous } from '../synchronous.ts'
import type { TakenOutputs } from '../taken-names.ts'
import type { OperatorParts } from './operator-parts.ts'
import { ReadOnlyState } from './read-only-state.ts'
import { seedOf, type SeedRows } from './seed.ts'
import { openState, stateFingerprint, type StateHandles, type StateSpecs } from './state-spec.ts'
import { lifeText } from './ttl.ts'

declare const carries: unique symbol

/** Declares the type of an output. Created by `output`. */
export interface OutputSpec<T> {
  readonly kind: 'output'
  readonly [carries]?: T
}

/** Side outputs by name. */
export type OutputSpecs = Readonly<Record<string, OutputSpec<unknown>>>

/**
 * Declares an output of `process` by the type of its records.
 *
 * @example
 * keyed.process('check', {
 *   output: output<Payment>(),
 *   outputs: { alerts: output<Alert>() },
 *   onRecord(record, context) { context.emit(record.value) },
 * })
 */
export function output<T>(): OutputSpec<Synchronous<T>> {
  return { kind: 'output' }
}

/** A record passed to `process`. Valid only during the call. */
export type ProcessRecord<T, K, Time extends Timing> = {
  readonly value: T
  readonly key: K
  /** Its headers; an empty object if it has none. */
  readonly headers: RecordHeaders
} & (Time extends 'timed' ? { readonly time: EventTime } : unknown)

/** A due timer passed to `process`. */
export interface ProcessTimer<K> extends Omit<Timer, 'key'> {
  readonly key: K
}

/** A key whose input has ended, passed to `process`. */
export interface ProcessEnd<K> {
  readonly key: K
}

/** Sets processing timers for the current key. The same (time, name) twice is one timer. */
export interface ProcessingTimers {
  /**
   * Fires once the clock is at or past `time`, in milliseconds since the epoch. Results that use it are not
   * deterministic.
   */
  setProcessing(time: number, name?: string): void
  deleteProcessing(time: number, name?: string): void
  /**
   * The timers of the current key that have not fired: event timers and then processing timers, each in the
   * order in which they fire.
   */
  list(): readonly PendingTimer[]
}

/** Sets timers for the current key, also in event time. */
export interface EventTimers extends ProcessingTimers {
  /** Fires once the watermark is at or past `time`; for a time already passed, at the next opportunity. */
  setEvent(time: EventTime, name?: string): void
  deleteEvent(time: EventTime, name?: string): void
}

/** The output of `process`. Methods are bound; safe to destructure. */
export type ProcessOutput<Out, Time extends Timing> = {
  /** Emits at the time of the current record or timer. */
  readonly emit: (value: Out) => void
} & (Time extends 'timed'
  ? {
      /** Emits at the given event time. Behind the watermark it may be late for later operators. */
      readonly emitAt: (time: EventTime, value: Out) => void
    }
  : unknown)

/** What `process` can use while it handles a record or a timer. Everything refers to the current key. */
export type ProcessContext<
  Out,
  S extends StateSpecs,
  O extends OutputSpecs,
  Time extends Timing,
> = ProcessOutput<Out, Time> & {
  readonly state: StateHandles<S>
  readonly outputs: {
    readonly [Name in keyof O]: ProcessOutput<O[Name] extends OutputSpec<infer T> ? T : never, Time>
  }
  readonly timers: Time extends 'timed' ? EventTimers : ProcessingTimers
  /**
   * Sets the headers of what the current call emits from now on, on all outputs; undefined or `{}`: none. Without it they are
   * those of the record, and none for a timer or at the end: keep a header in state to give it to the result of a timer.
   *
   * @example
   * onTimer({ key }, { emit, setHeaders, state: { trace } }) {
   *   setHeaders({ traceparent: trace.get() ?? '' })
   *   emit(`${key} was quiet for a minute`)
   * }
   */
  readonly setHeaders: (headers: RecordHeaders | undefined) => void
  /** Processing time in milliseconds since the epoch. Results that use it are not deterministic. */
  readonly now: () => number
} & (Time extends 'timed'
    ? {
        /** The current watermark: no record that is in order is older. */
        readonly watermark: () => EventTime
        /** Whether the current record is late: older than the watermark. False for timers and at the end. */
        readonly isLate: () => boolean
      }
    : unknown)

/** The seed of `process`. */
export type ProcessSeed<Row, K, S extends StateSpecs, Time extends Timing> = SeedRows<Row, K, Time> & {
  /**
   * Called for each row, in order, to set the state and the timers of its key. Nothing can be emitted. If it throws, the
   * job does not start.
   */
  fill(
    row: { readonly value: Row; readonly key: K },
    context: {
      readonly state: StateHandles<S>
      readonly timers: Time extends 'timed' ? EventTimers : ProcessingTimers
    },
  ): NotAPromise
}

/** The state and outputs of `process`, and its handlers for timers and the end. */
export interface ProcessParts<
  K,
  Out,
  S extends StateSpecs,
  O extends OutputSpecs,
  Time extends Timing,
  Row = never,
> extends OperatorOptions {
  /** The main output, the type of `emit`. Without it nothing can be emitted. */
  readonly output?: OutputSpec<Out>
  /** Pieces of state for each key. */
  readonly state?: S
  /**
   * What the state begins with: rows that are applied once, before the first record.
   *
   * @example
   * seed: {
   *   id: 'limits-2026-11',
   *   from: files.readNdjson<Limit>('limits.ndjson'),
   *   key: (limit) => limit.card,
   *   fill: ({ value }, { state }) => state.limit.set(value.max),
   * }
   */
  readonly seed?: ProcessSeed<Row, K, S, Time>
  /** Side outputs, by name. */
  readonly outputs?: O & TakenOutputs
  /** Called when a timer is due. Timers of one key fire in time order. If it throws, the job fails. */
  onTimer?(timer: ProcessTimer<K>, context: ProcessContext<Out, S, O, Time>): NotAPromise
  /**
   * Called when the input ends, or the job is drained, for each key that has state, after every timer has
   * fired: use it to emit remaining state. Its output is not late for later operators. It is called once for
   * each end, also if the job restarts afterwards; if more input arrives in a later run, again when that
   * ends. A stop does not call it. If it throws, the job fails.
   *
   * @example
   * onEnd: ({ key }, { state, emit }) => {
   *   emit({ key, values: state.gathered.get() })
   *   state.gathered.clear()
   * }
   */
  onEnd?(end: ProcessEnd<K>, context: ProcessContext<Out, S, O, Time>): NotAPromise
  /**
   * What to do with timers that are pending when the input ends. `'fire'` fires all of them at once, with their
   * own times and before `onEnd`: event timers, then processing timers. `'drop'` fires event timers and deletes
   * processing timers. Both are logged and counted. `'keep'` fires none: a later run continues with them, as if
   * the input had not ended. Default `'fire'`.
   */
  readonly timersAtEnd?: TimersAtEnd
}

/** The specification of a `process` operator. */
export interface ProcessSpec<
  T,
  K,
  Out,
  S extends StateSpecs,
  O extends OutputSpecs,
  Time extends Timing,
  Row = never,
> extends ProcessParts<K, Out, S, O, Time, Row> {
  /** Called for each record, in order. */
  onRecord(record: ProcessRecord<T, K, Time>, context: ProcessContext<Out, S, O, Time>): NotAPromise
}

/** The specification of `process` on two connected streams. */
export interface ConnectSpec<
  L,
  R,
  K,
  Out,
  S extends StateSpecs,
  O extends OutputSpecs,
  Time extends Timing,
  Row = never,
> extends ProcessParts<K, Out, S, O, Time, Row> {
  /** Called for each record of the first stream, in order. State and timers are shared with `onRight`. */
  onLeft(record: ProcessRecord<L, K, Time>, context: ProcessContext<Out, S, O, Time>): NotAPromise
  /** Called for each record of the second stream, in order. State and timers are shared with `onLeft`. */
  onRight(record: ProcessRecord<R, K, Time>, context: ProcessContext<Out, S, O, Time>): NotAPromise
}

/** Specs with erased types. */
export type AnyProcessParts = ProcessParts<Key, unknown, StateSpecs, OutputSpecs, 'timed', unknown> & {
  /** State that is the same in every subtask. */
  readonly broadcast?: StateSpecs
}
export type AnyProcessSpec = ProcessSpec<unknown, Key, unknown, StateSpecs, OutputSpecs, 'timed', unknown>
export type AnyConnectSpec = ConnectSpec<
  unknown,
  unknown,
  Key,
  unknown,
  StateSpecs,
  OutputSpecs,
  'timed',
  unknown
>

/** The record handler, with the number of the input. */
export type RecordHandler = (
  record: ProcessRecord<unknown, Key, 'timed'>,
  context: ProcessContext<unknown, StateSpecs, OutputSpecs, 'timed'>,
  input: number,
) => NotAPromise

/** Runs the functions of a `ProcessSpec` or a `ConnectSpec`. */
class ProcessOperator implements Operator<unknown, unknown> {
  readonly #spec: AnyProcessParts
  readonly #onRecord: RecordHandler
  #context!: OpenContext

  readonly timersAtEnd: TimersAtEnd
  /** Defined only if the spec has it: the engine iterates over all keys to call it. */
  readonly onEnd?: (key: Key, out: Collector<unknown>) => NotAPromise

  constructor(spec: AnyProcessParts, onRecord: RecordHandler) {
    this.#spec = spec
    this.#onRecord = onRecord
    this.timersAtEnd = spec.timersAtEnd ?? 'fire'
    if (spec.onEnd !== undefined) {
      this.onEnd = (key, out) => {
        this.#context.out = out
        this.#context.time = Number.POSITIVE_INFINITY
        return spec.onEnd!({ key }, this.#context)
      }
    }
  }

  open(context: OperatorContext): void {
    this.#context = new OpenContext(this.#spec, context)
  }

  seeded({ value, key }: Pick<StreamRecord<unknown>, 'value' | 'key'>): NotAPromise {
    const { state, timers } = this.#context
    return this.#spec.seed?.fill({ value, key: key! }, { state, timers })
  }

  process(record: StreamRecord<unknown>, out: Collector<unknown>, input: number): NotAPromise {
    this.#context.out = out
    this.#context.time = record.time
    // Returned, so that the engine can detect a promise.
    return this.#onRecord(record as ProcessRecord<unknown, Key, 'timed'>, this.#context, input)
  }

  onTimer(timer: Timer, out: Collector<unknown>): NotAPromise {
    this.#context.out = out
    this.#context.time = Number.POSITIVE_INFINITY
    return this.#spec.onTimer?.(timer, this.#context)
  }
}

/** One object per subtask; `out` changes from call to call. Methods are bound; safe to destructure. */
class OpenContext {
  out!: Collector<unknown>
  /** The time of the current record; infinity for timers and at the end. */
  time: EventTime = Number.POSITIVE_INFINITY
  readonly state: Record<string, never>
  /** Broadcast state to read, and what a broadcast record gets, to change it. */
  readonly broadcast: Record<string, ReadOnlyState>
  readonly writable: { readonly broadcast: Record<string, unknown> }
  readonly outputs: Record<string, Collector<unknown>>
  readonly timers: EventTimers
  readonly setHeaders: (headers: RecordHeaders | undefined) => void
  readonly now: () => number
  readonly watermark: () => EventTime
  readonly isLate: () => boolean
  readonly emit = (value: unknown): void => this.out.emit(value)
  readonly emitAt = (time: EventTime, value: unknown): void => this.out.emitAt(time, value)

  constructor(spec: AnyProcessParts, context: OperatorContext) {
    this.timers = context.timers
    this.setHeaders = (headers) => context.setHeaders(headers)
    this.now = () => context.now()
    this.watermark = () => context.watermark()
    this.isLate = () => this.time < context.watermark()
    this.state = openState(spec.state ?? {}, context) as Record<string, never>
    const shared = openState(spec.broadcast ?? {}, context.shared)
    this.writable = { broadcast: shared }
    this.broadcast = Object.fromEntries(
      Object.entries(shared).map(([name, handle]) => [name, new ReadOnlyState(handle, name)]),
    )
    const names = Object.keys(spec.outputs ?? {})
    this.outputs = Object.fromEntries(names.map((name) => [name, context.output(name)]))
  }
}

/** Creates the node of `process`, for one stream or two. */
export function processParts(
  name: string,
  type: string,
  spec: AnyProcessParts,
  onRecord: RecordHandler,
): OperatorParts {
  const pieces = Object.entries(spec.state ?? {})
  const outputs = Object.keys(spec.outputs ?? {})
  const ttls = pieces.map(([, { ttl }]) => ttl)
  return {
    type,
    fingerprint: stateFingerprint(spec.state ?? {}),
    outputs,
    declared: outputs,
    keeps: keepsText(pieces),
    clock: pieces.find(([, { ttl }]) => ttl?.clock === 'event') && 'event',
    seed: seedOf(name, spec.seed, 'fill', ttls),
    create: () => new ProcessOperator(spec, onRecord),
  }
}

/** "last, seen of each key until cleared": pieces with the same life together. */
function keepsText(pieces: readonly (readonly [string, StateSpecs[string]])[]): string {
  const byLife = new Map<string, string[]>()
  for (const [name, { ttl }] of pieces) {
    const life = lifeText(ttl) ?? 'until cleared'
    byLife.set(life, [...(byLife.get(life) ?? []), name])
  }
  const texts = [...byLife].map(([life, names]) => `${names.join(', ')} of each key ${life}`)
  return texts.length === 0 ? 'timers' : texts.join('; ')
}
