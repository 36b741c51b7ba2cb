import { MillraceError, type EventTime, type Key } from '@millrace/core'
import { noPieces, type NotAPromise, type Operator, type StatePiece } from '@millrace/core/operator'
import { KeyedHandle, StreamHandle } from './handles.ts'
import {
  processParts,
  type OutputSpecs,
  type ProcessContext,
  type ProcessEnd,
  type ProcessParts,
  type ProcessRecord,
  type ProcessTimer,
} from './operators/process.ts'
import type { ReadOnlyHandles } from './operators/read-only-state.ts'
import type { StateHandles, StateSpecs } from './operators/state-spec.ts'
import type {
  AnyKeyedStream,
  KeyOfKeyed,
  ProcessedStream,
  StreamOf,
  ValueOf,
  ValueOfKeyed,
} from './stream.ts'
import type { Timing } from './stream-options.ts'
import { requireMethod, requireSynchronousMethods } from './synchronous.ts'

/** What `onRecord`, `onTimer` and `onEnd` can use: that of `process`, and the broadcast state to read. */
export type BroadcastContext<
  Out,
  S extends StateSpecs,
  B extends StateSpecs,
  O extends OutputSpecs,
  Time extends Timing,
> = ProcessContext<Out, S, O, Time> & { readonly broadcast: ReadOnlyHandles<B> }

/** A broadcast record. Valid only during the call. */
export type BroadcastRecord<R, Time extends Timing> = {
  readonly value: R
} & (Time extends 'timed' ? { readonly time: EventTime } : unknown)

/** The specification of `process` on a keyed stream and a broadcast one. */
export interface BroadcastSpec<
  T,
  R,
  K,
  Out,
  S extends StateSpecs,
  B extends StateSpecs,
  O extends OutputSpecs,
  Time extends Timing,
  Row = never,
> extends Omit<ProcessParts<K, Out, S, O, Time, Row>, 'onTimer' | 'onEnd'> {
  /** Pieces of state that belong to no key and are the same in every subtask. They cannot expire. */
  readonly broadcast: B
  /** Called for each record of the keyed stream, in order. */
  onRecord(record: ProcessRecord<T, K, Time>, context: BroadcastContext<Out, S, B, O, Time>): NotAPromise
  /**
   * Called for each record of the broadcast stream, once in every subtask, in one order. It must change
   * broadcast state by that record alone: no clock, no chance, nothing outside. It emits nothing, because
   * every subtask would.
   */
  onBroadcast(record: BroadcastRecord<R, Time>, context: { readonly broadcast: StateHandles<B> }): NotAPromise
  /** Called when a timer is due, as in `process`. */
  onTimer?(timer: ProcessTimer<K>, context: BroadcastContext<Out, S, B, O, Time>): NotAPromise
  /** Called when the input ends, for each key that has state, as in `process`. */
  onEnd?(end: ProcessEnd<K>, context: BroadcastContext<Out, S, B, O, Time>): NotAPromise
}

/** A keyed stream with a broadcast one. Created by `connectBroadcast`. */
export interface BroadcastStreams<T, R, K, Time extends Timing> {
  /**
   * Runs your own functions for the records of both streams. Records of the keyed stream have state and timers
   * of their key, as in `process`, and read the broadcast state.
   *
   * @example
   * connectBroadcast(payments.keyBy((payment) => payment.card), limits).process('over-limit', {
   *   output: output<Payment>(),
   *   broadcast: { limits: state.map<string, number>() },
   *   onBroadcast: ({ value }, { broadcast: { limits } }) => limits.set(value.country, value.max),
   *   onRecord: ({ value }, { broadcast: { limits }, emit }) => {
   *     if (value.amount > (limits.get(value.country) ?? Infinity)) emit(value)
   *   },
   * })
   */
  process<
    Out = never,
    S extends StateSpecs = {},
    B extends StateSpecs = {},
    O extends OutputSpecs = {},
    Row = never,
  >(
    name: string,
    spec: BroadcastSpec<T, R, K, Out, S, B, O, Time, Row>,
  ): ProcessedStream<Out, O, Time>
}

type AnyBroadcastSpec = BroadcastSpec<
  unknown,
  unknown,
  Key,
  unknown,
  StateSpecs,
  StateSpecs,
  OutputSpecs,
  'timed',
  unknown
>

/**
 * Brings every record of `rules` to every subtask of an operator on `stream`: for rules, limits and switches
 * that change while the job runs.
 *
 * All subtasks handle the records of `rules` in one order, so their broadcast state is the same. Which record
 * of `stream` comes before which rule is not deterministic. The watermark is the lower one of both streams, so
 * a quiet `rules` needs `idleAfter`. Both streams have event time or neither has.
 *
 * @example
 * connectBroadcast(payments.keyBy((payment) => payment.card), limits)
 */
export function connectBroadcast<L extends AnyKeyedStream, R extends StreamOf<unknown, L['timing']>>(
  stream: L,
  rules: R,
): BroadcastStreams<ValueOfKeyed<L>, ValueOf<R>, KeyOfKeyed<L>, L['timing']> {
  const [keyed, broadcast] = requireStreams(stream, rules)
  const process = (name: string, spec: AnyBroadcastSpec): object => {
    requireMethod(spec, 'onRecord', `process '${name}'`)
    requireMethod(spec, 'onBroadcast', `process '${name}'`)
    requireSynchronousMethods(spec, ['onRecord', 'onBroadcast', 'onTimer', 'onEnd'], 'process', name)
    const parts = processParts(name, 'broadcast', spec, (record, context, input) =>
      input === 0
        ? spec.onRecord(record, context as never)
        : spec.onBroadcast(record, (context as unknown as { readonly writable: never }).writable),
    )
    const pieces = Object.entries(spec.broadcast).flatMap(([piece, each]) => each.pieces(piece))
    const id = keyed.stream.operator(name, spec, {
      ...parts,
      fingerprint: { pieces: [...parts.fingerprint!.pieces, ...pieces.map(asBroadcast)], settings: [] },
      keeps: [parts.keeps, `${Object.keys(spec.broadcast).join(', ')} in every subtask`].join('; '),
      inputs: [keyed.input('records'), { ...inOneOrder(broadcast, name), name: 'broadcast' }],
    })
    return Object.assign(keyed.stream.main(id), { outputs: keyed.stream.sides(id, parts.outputs) })
  }
  // Values are unknown in the implementation; the interface types them.
  return { process } as unknown as ReturnType<typeof connectBroadcast<L, R>>
}

/** Broadcast records pass through one subtask, so that there is one order of them. */
class OneOrder implements Operator<unknown, unknown> {
  process({ value }: { readonly value: unknown }, out: { emit(value: unknown): void }): void {
    out.emit(value)
  }
}

function inOneOrder(rules: StreamHandle, name: string): ReturnType<StreamHandle['input']> {
  const inputs = [rules.keyBy(() => null).input()] as const
  const create = () => new OneOrder()
  const parts = { type: 'in one order', fingerprint: noPieces, outputs: [], create, inputs }
  return rules.main(rules.operator(`${name}.broadcast`, undefined, parts)).input({ kind: 'broadcast' })
}

function asBroadcast(piece: StatePiece): StatePiece {
  return { ...piece, kind: `broadcast ${piece.kind}` }
}

/** The types require it; this is the check for untyped callers. */
function requireStreams(stream: unknown, rules: unknown): readonly [KeyedHandle, StreamHandle] {
  if (!(stream instanceof KeyedHandle) || !(rules instanceof StreamHandle)) {
    throw new MillraceError(
      'GRAPH_INVALID',
      'connectBroadcast needs a stream by key and a stream without one; call keyBy on the first',
    )
  }
  stream.stream.requireSamePipeline('connectBroadcast', [rules])
  if (stream.timing !== rules.timing) {
    throw new MillraceError(
      'GRAPH_INVALID',
      'connectBroadcast was given a stream with event time and one without; call withTimestamps on both',
    )
  }
  return [stream, rules]
}
