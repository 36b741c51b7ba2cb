import { MillraceError, requireKnown, type Key } from '@millrace/core'
import type { Sink } from '@millrace/core/connector'
import type { Exchange, Input, NodeId, OperatorNode } from '@millrace/core/graph'
import { isThenable, refusePromise } from '@millrace/core/operator'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type {
  OperatorOptions,
  SinkOptions,
  StepOptions,
  Timing,
  TopNOptions,
  ToStreamOptions,
} from '../stream-options.ts'
import { requireSynchronous } from '../synchronous.ts'
import type { Aggregates } from '../window/aggregate.ts'
import { groupAggregateParts } from './group-aggregate-operator.ts'
import { grouping, type GroupedChange } from './grouped-change.ts'
import { changesOf, type RowChange } from './row-change.ts'
import { isSameRow } from './same-row.ts'
import { viewParts } from './view-operator.ts'
import { topNParts } from './top-n.ts'

/** The stream that carries a table's changes: what a table uses of it. */
export interface ChangeStream {
  readonly timing: Timing
  map(transform: (change: unknown) => unknown, options?: StepOptions): ChangeStream
  flatMap(expand: (change: unknown) => Iterable<unknown>, options?: StepOptions): ChangeStream
  to(name: string, sink: Sink<unknown>, options?: SinkOptions): void
  input(exchange?: Exchange): Input
  operator(
    name: string,
    options: OperatorOptions | undefined,
    parts: OperatorParts & { readonly inputs: OperatorNode['inputs'] },
  ): NodeId
  main(id: NodeId): ChangeStream
  requireSamePipeline(method: string, others: readonly ChangeStream[]): void
}

/** The implementation of `Table`: the stream of its changes, as `RowChange`s. */
export class TableHandle {
  readonly timing: Timing
  readonly stream: ChangeStream

  constructor(stream: ChangeStream) {
    this.stream = stream
    this.timing = stream.timing
  }

  /** The input of a node that reads this table by key, with a name if the node has several inputs. */
  input(name: string): Input {
    return { ...this.#byKey(), name }
  }

  #byKey(): Input {
    return this.stream.input({ kind: 'key', by: (change) => (change as RowChange).key })
  }

  map(transform: (row: unknown, key: Key) => unknown, options?: StepOptions): TableHandle {
    requireSynchronous(transform, 'map', options?.name)
    const mapped = (row: unknown, key: Key): unknown =>
      row === undefined ? undefined : rowOf(transform(row, key))
    return this.#changed(
      ({ key, before, after }) => ({
        key,
        before: mapped(before, key),
        after: mapped(after, key),
      }),
      options,
    )
  }

  filter(keep: (row: unknown, key: Key) => boolean, options?: StepOptions): TableHandle {
    requireSynchronous(keep, 'filter', options?.name)
    const kept = (row: unknown, key: Key): unknown => (row !== undefined && keep(row, key) ? row : undefined)
    return this.#changed(
      ({ key, before, after }) => ({ key, before: kept(before, key), after: kept(after, key) }),
      options,
    )
  }

  toStream({ updateBefore = true, ...options }: ToStreamOptions = {}): ChangeStream {
    requireKnown('toStream', options, ['name', 'onError'])
    return this.stream.flatMap((change) => changesOf(change as RowChange, updateBefore), options)
  }

  to(name: string, sink: Sink<unknown>, options?: SinkOptions): void {
    const { applies } = (sink ?? {}) as { readonly applies?: unknown }
    if (applies !== 'changes') {
      throw new MillraceError(
        'GRAPH_INVALID',
        `to '${name}' writes a table, which changes its rows, and its sink only appends. Write table.toStream() to keep every change, or use a sink that applies changes`,
      )
    }
    this.toStream().to(name, sink, options)
  }

  toView(name: string): { readonly view: string } {
    const view = { ...viewParts(name), inputs: [this.#byKey()] } as const
    this.stream.operator(name, undefined, view)
    return { view: name }
  }

  groupBy(select: (row: unknown, key: Key) => Key): GroupedTableHandle {
    requireSynchronous(select, 'groupBy', undefined)
    return new GroupedTableHandle(this.stream.flatMap(grouping(select)))
  }

  /** Changes rows; a change that leaves the row as it was is dropped. */
  #changed(change: (of: RowChange) => RowChange, options: StepOptions | undefined): TableHandle {
    requireKnown('a step of a table', options, ['name', 'onError'])
    return new TableHandle(
      this.stream.flatMap((of) => {
        const changed = change(of as RowChange)
        return isSameRow(changed.before, changed.after) ? [] : [changed]
      }, options),
    )
  }
}

/** The implementation of `GroupedTable`: a stream of `GroupedChange`s. */
class GroupedTableHandle {
  readonly timing: Timing
  readonly #stream: ChangeStream

  constructor(stream: ChangeStream) {
    this.#stream = stream
    this.timing = stream.timing
  }

  aggregate(name: string, aggregates: Aggregates<unknown>, options?: OperatorOptions): TableHandle {
    requireKnown(`aggregate '${name}'`, options, ['onError'])
    return this.#table(name, options, groupAggregateParts(name, aggregates))
  }

  topN(name: string, options: TopNOptions<unknown, Key>): TableHandle {
    return this.#table(name, options, topNParts(name, true, options))
  }

  #table(name: string, options: OperatorOptions | undefined, parts: OperatorParts): TableHandle {
    const input = this.#stream.input({ kind: 'key', by: (change) => (change as GroupedChange).group })
    return new TableHandle(
      this.#stream.main(this.#stream.operator(name, options, { ...parts, inputs: [input] })),
    )
  }
}

function rowOf(row: unknown): unknown {
  if (isThenable(row)) refusePromise(row, 'the function of map returned')
  if (row !== undefined) return row
  throw new MillraceError(
    'OPERATOR_FAILED',
    'the function of map returned undefined for a row of a table; return a value, or leave the row out with filter',
  )
}
