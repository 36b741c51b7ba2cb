import { requireKnown } from '@millrace/core'
import type { AnyTable, KeyOfTable, RowOf, RowValue, Table } from '../stream.ts'
import type { OperatorOptions, Timing } from '../stream-options.ts'
import { livingTable, rowsExpire, type TableJoinOptions } from './living-table.ts'
import { requireSynchronous, type Synchronous } from '../synchronous.ts'
import { ForeignJoinOperator, type Pair } from './foreign-key-join.ts'
import {
  questionsOf,
  ReferenceOperator,
  type Answer,
  type ForeignKey,
  type Question,
} from './reference-operator.ts'
import { requireTables } from './require-tables.ts'
import { TableHandle } from './table-handle.ts'

/** Two tables of which one refers to the other. Created by `joinByForeignKey`. */
export interface ForeignKeyJoin<L, R, K, Time extends Timing> {
  /** Has a row for each left row that refers to a right one. */
  inner<Out extends RowValue>(
    name: string,
    combine: (left: L, right: R) => Synchronous<Out>,
    options?: TableJoinOptions,
  ): Table<Out, K, Time>
  /** Has a row for each left row. */
  left<Out extends RowValue>(
    name: string,
    combine: (left: L, right: R | undefined) => Synchronous<Out>,
    options?: TableJoinOptions,
  ): Table<Out, K, Time>
}

/**
 * Joins each row of a table with the row of another table that it refers to. The result has the keys of the
 * first table, and changes with the rows of both, and when a row refers to another one.
 *
 * `foreignKey` returns the key of the row in the second table, or null or undefined for none. While a new
 * reference is being looked up, the row of the result stays as it was.
 *
 * All rows are kept, or for as long as `ttl` says, those of the second table also with each row that refers to them.
 *
 * @example
 * joinByForeignKey(orders, customers, (order) => order.customer)
 *   .inner('with-customer', (order, customer) => ({ id: order.id, name: customer.name }))
 */
export function joinByForeignKey<L extends AnyTable, R extends AnyTable & { readonly timing: L['timing'] }>(
  left: L,
  right: R,
  foreignKey: (row: RowOf<L>) => KeyOfTable<R> | null | undefined,
): ForeignKeyJoin<RowOf<L>, RowOf<R>, KeyOfTable<L>, L['timing']> {
  const [from, to] = requireTables('joinByForeignKey', [left, right]) as [TableHandle, TableHandle]
  requireSynchronous(foreignKey, 'joinByForeignKey', undefined)
  const foreignKeyOf = foreignKey as unknown as ForeignKey
  const joining =
    (kind: 'inner' | 'left') =>
    (
      name: string,
      combine: (left: unknown, right: unknown) => unknown,
      { ttl, ...options }: TableJoinOptions = {},
    ): TableHandle => {
      requireKnown(`${kind} join '${name}'`, options, ['onError'])
      const life = ttl === undefined ? options : { ...options, ttl }
      requireSynchronous(combine, `${kind} join`, name)
      const pairs = pairsOf(
        livingTable(from, `${name}-left-life`, life),
        livingTable(to, `${name}-right-life`, life),
        { name, kind, foreignKey: foreignKeyOf, options, expires: ttl !== undefined },
      )
      return pairs.map((pair) => combine((pair as Pair).left, (pair as Pair).right), options)
    }
  // Values are unknown in the implementation; the interface types them.
  return { inner: joining('inner'), left: joining('left') } as unknown as ReturnType<
    typeof joinByForeignKey<L, R>
  >
}

function pairsOf(
  left: TableHandle,
  right: TableHandle,
  {
    name,
    kind,
    foreignKey,
    options,
    expires,
  }: {
    readonly name: string
    readonly kind: 'inner' | 'left'
    readonly foreignKey: ForeignKey
    readonly options: OperatorOptions | undefined
    readonly expires: boolean
  },
): TableHandle {
  const questions = left.stream.flatMap(questionsOf(foreignKey), options)
  const { stream } = left
  const lookup = stream.operator(`${name}-lookup`, options, {
    type: 'reference',
    fingerprint: ReferenceOperator.fingerprint,
    outputs: [],
    keeps: 'rows of the right table, keys of the left rows that refer to them',
    create: () => new ReferenceOperator(),
    inputs: [
      {
        ...questions.input({ kind: 'key', by: (question) => (question as Question).foreign }),
        name: 'references',
      },
      right.input('right'),
    ],
  })
  const answers = stream.main(lookup)
  const create = (): ForeignJoinOperator => new ForeignJoinOperator(foreignKey, kind)
  const { pieces, settings } = create().fingerprint
  const id = stream.operator(name, options, {
    type: 'foreign-key join',
    fingerprint: { pieces, settings: expires ? [...settings, rowsExpire] : settings },
    outputs: [],
    keeps: `rows of the left table, each with the right row; ${kind} join`,
    create,
    inputs: [
      left.input('left'),
      { ...answers.input({ kind: 'key', by: (answer) => (answer as Answer).key }), name: 'answers' },
    ],
  })
  return new TableHandle(stream.main(id))
}
