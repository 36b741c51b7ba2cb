import type { AnyKeyedStream, KeyOfKeyed, ProcessedStream, ValueOfKeyed } from './stream.ts'
import type { Timing } from './stream-options.ts'
import { Meeting } from './meeting.ts'
import { processParts, type AnyConnectSpec, type ConnectSpec, type OutputSpecs } from './operators/process.ts'
import type { StateSpecs } from './operators/state-spec.ts'
import { requireMethod, requireSynchronousMethods } from './synchronous.ts'

/** Two streams whose records are brought together by key. Created by `connect`. */
export interface ConnectedStreams<L, R, K, Time extends Timing> {
  /**
   * Runs your own functions for the records of both streams, with shared state for each key, timers and side
   * outputs. The watermark is the lower one of the two streams, ignoring a stream that is idle or has ended.
   *
   * Records of one stream arrive in order. The order between the two streams is not deterministic, so the
   * result should not depend on it: keep the first record in state until the other arrives.
   *
   * @example
   * connect(
   *   orders.keyBy((order) => order.id),
   *   payments.keyBy((payment) => payment.order),
   * ).process('paid', {
   *   output: output<string>(),
   *   state: { total: state.value<number>(), paid: state.value<number>() },
   *   onLeft: ({ key, value }, { state: { total, paid }, emit }) => {
   *     total.set(value.total)
   *     if (paid.get() === value.total) emit(key)
   *   },
   *   onRight: ({ key, value }, { state: { total, paid }, emit }) => {
   *     paid.set(value.amount)
   *     if (total.get() === value.amount) emit(key)
   *   },
   * })
   */
  process<Out = never, S extends StateSpecs = {}, O extends OutputSpecs = {}, Row = never>(
    name: string,
    spec: ConnectSpec<L, R, K, Out, S, O, Time, Row>,
  ): ProcessedStream<Out, O, Time>
}

/** The required type of the second stream; otherwise a type whose name is the reason. */
export type MeetsBy<L extends AnyKeyedStream, R extends AnyKeyedStream> = [R['timing']] extends [L['timing']]
  ? [KeyOfKeyed<R>] extends [KeyOfKeyed<L>]
    ? R
    : [KeyOfKeyed<L>] extends [KeyOfKeyed<R>]
      ? R
      : TheKeysOfTheTwoStreamsHaveDifferentTypes
  : OneStreamHasTimestampsAndTheOtherHasNone

/** A type error as a sentence: no key of one stream can equal a key of the other. */
export interface TheKeysOfTheTwoStreamsHaveDifferentTypes {
  readonly 'no key of one stream equals a key of the other; let both keyBy functions return the same type': never
}

/** A type error as a sentence: one stream has event time and the other has none. */
export interface OneStreamHasTimestampsAndTheOtherHasNone {
  readonly 'one stream has event time and the other has none; call withTimestamps on both': never
}

/**
 * Brings the records of two streams together by key, for one operator that handles both.
 *
 * Both streams must have the same key type and belong to one pipeline, and both have event time or neither
 * has. To join records by time use `join` with its windows and intervals; `connect` is for everything else.
 *
 * @example
 * connect(commands.keyBy((command) => command.device), readings.keyBy((reading) => reading.device))
 */
export function connect<L extends AnyKeyedStream, R extends AnyKeyedStream>(
  left: L,
  right: R & MeetsBy<L, R>,
): ConnectedStreams<ValueOfKeyed<L>, ValueOfKeyed<R>, KeyOfKeyed<L> | KeyOfKeyed<R>, L['timing']> {
  const meeting = new Meeting('connect', left, right)
  const process = (name: string, spec: AnyConnectSpec): object => {
    requireMethod(spec, 'onLeft', `process '${name}'`)
    requireMethod(spec, 'onRight', `process '${name}'`)
    requireSynchronousMethods(spec, ['onLeft', 'onRight', 'onTimer', 'onEnd'], 'process', name)
    const parts = processParts(name, 'connect', spec, (record, context, input) =>
      input === 0 ? spec.onLeft(record, context) : spec.onRight(record, context),
    )
    const id = meeting.operator(name, spec, parts)
    return Object.assign(meeting.main(id), { outputs: meeting.sides(id, parts.outputs) })
  }
  // Values are unknown in the implementation; the interface types them.
  return { process } as unknown as ReturnType<typeof connect<L, R>>
}
