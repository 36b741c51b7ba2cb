import { MillraceError, requireKnown } from '@millrace/core'
import type { TheKeysOfTheTwoStreamsHaveDifferentTypes } from '../connect.ts'
import { KeyedHandle, type StreamHandle } from '../handles.ts'
import type { Combine } from '../join/interval-join-operator.ts'
import type { HasEventTime } from '../join/join.ts'
import type {
  AnyKeyedStream,
  AnyTable,
  KeyOfKeyed,
  KeyOfTable,
  RowOf,
  TimedStream,
  ValueOfKeyed,
} from '../stream.ts'
import type { OperatorOptions } from '../stream-options.ts'
import { lifeText, timeToLive, type TtlOption } from '../operators/ttl.ts'
import { requireSynchronous, type Synchronous } from '../synchronous.ts'
import { EnrichOperator } from './enrich-operator.ts'
import { TableHandle } from './table-handle.ts'

/**
 * Options of `enrich`. With `ttl` a row of the table that has expired is as if it were deleted. A row is written when the table
 * inserts or updates it, and read when a record meets it. A row of a table without event time is stamped, by event time,
 * when the table is loaded.
 */
export interface EnrichOptions extends OperatorOptions, TtlOption {}

/** A stream and a table with the same type of key. Created by `enrich`. */
export interface Enriching<T, R> {
  /** One result for each record whose key has a row. */
  inner<Out>(
    name: string,
    combine: (value: T, row: R) => Synchronous<Out>,
    options?: EnrichOptions,
  ): TimedStream<Out>
  /** One result for each record. */
  left<Out>(
    name: string,
    combine: (value: T, row: R | undefined) => Synchronous<Out>,
    options?: EnrichOptions,
  ): TimedStream<Out>
}

/** The required type of the table; otherwise a type whose name is the reason. */
export type EnrichedBy<S extends AnyKeyedStream, R extends AnyTable> = [KeyOfTable<R>] extends [KeyOfKeyed<S>]
  ? R
  : [KeyOfKeyed<S>] extends [KeyOfTable<R>]
    ? R
    : TheKeysOfTheTwoStreamsHaveDifferentTypes

/**
 * Joins each record of a stream with the row that a table has for its key at that moment. The result is a
 * stream: later changes of the row change no result.
 *
 * A record waits until the table is loaded:
 *
 * - a table without event time is loaded when its input has ended, so use one for a file of reference data;
 * - a table with event time is loaded for a record when its watermark has passed the record, so a table that
 *   changes is not behind the stream. A table that is quiet needs `idleAfter`.
 *
 * All rows are kept, or for as long as the option `ttl` says.
 *
 * For the row that was valid at the time of the record, whatever has changed since, use `join(a, b).asOf()`.
 *
 * @example
 * enrich(orders.keyBy((order) => order.customer), customers)
 *   .left('with-customer', (order, customer) => ({ ...order, name: customer?.name }))
 */
export function enrich<S extends AnyKeyedStream, R extends AnyTable>(
  stream: S & HasEventTime<S>,
  table: R & EnrichedBy<S, R>,
): Enriching<ValueOfKeyed<S>, RowOf<R>> {
  const given: readonly unknown[] = [stream, table]
  const [keyed, rows] = given
  if (!(keyed instanceof KeyedHandle) || !(rows instanceof TableHandle) || keyed.timing !== 'timed') {
    throw new MillraceError(
      'GRAPH_INVALID',
      'enrich needs a keyed stream with event time and a table; call withTimestamps and keyBy on the stream, and make a table with toTable(name)',
    )
  }
  keyed.stream.requireSamePipeline('enrich', [rows.stream as StreamHandle])
  const joining =
    (kind: 'inner' | 'left') =>
    (name: string, combine: Combine, { ttl: given, ...options }: EnrichOptions = {}): StreamHandle => {
      requireKnown(`${kind} join '${name}'`, options, ['onError'])
      const ttl = timeToLive(given, `'${name}'`)
      requireSynchronous(combine, `${kind} join`, name)
      const isTableTimed = rows.timing === 'timed'
      const create = (): EnrichOperator => new EnrichOperator({ kind, combine, isTableTimed, ttl })
      const id = keyed.stream.operator(name, options, {
        type: 'enrich',
        emitsLater: true,
        fingerprint: create().fingerprint,
        outputs: [],
        keeps: `the row of each key${ttl === undefined ? '' : ` ${lifeText(ttl)}`}, records until the table is loaded; ${kind} join`,
        clock: ttl?.clock,
        create,
        inputs: [keyed.input('stream'), rows.input('table')],
      })
      return keyed.stream.main(id)
    }
  // Values are unknown in the implementation; the interface types them.
  return { inner: joining('inner'), left: joining('left') } as unknown as ReturnType<typeof enrich<S, R>>
}
