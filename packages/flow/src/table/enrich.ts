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
import { requireSynchronous, type Synchronous } from '../synchronous.ts'
import { EnrichOperator } from './enrich-operator.ts'
import { TableHandle } from './table-handle.ts'

/** A stream and a table with the same type of key. Created by `enrich`. */
export interface Enriching<T, R> {
  /** One result for each record whose key has a row. */
  inner<Out>(
    name: string,
    combine: (value: T, row: R) => Synchronous<Out>,
    options?: OperatorOptions,
  ): TimedStream<Out>
  /** One result for each record. */
  left<Out>(
    name: string,
    combine: (value: T, row: R | undefined) => Synchronous<Out>,
    options?: OperatorOptions,
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
    (name: string, combine: Combine, options?: OperatorOptions): StreamHandle => {
      requireKnown(`${kind} join '${name}'`, options, ['onError'])
      requireSynchronous(combine, `${kind} join`, name)
      const isTableTimed = rows.timing === 'timed'
      const create = (): EnrichOperator => new EnrichOperator({ kind, combine, isTableTimed })
      const id = keyed.stream.operator(name, options, {
        type: 'enrich',
        fingerprint: create().fingerprint,
        outputs: [],
        keeps: `the row of each key, records until the table is loaded; ${kind} join`,
        create,
        inputs: [keyed.input('stream'), rows.input('table')],
      })
      return keyed.stream.main(id)
    }
  // Values are unknown in the implementation; the interface types them.
  return { inner: joining('inner'), left: joining('left') } as unknown as ReturnType<typeof enrich<S, R>>
}
