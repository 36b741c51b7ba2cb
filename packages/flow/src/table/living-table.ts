import { MillraceError } from '@millrace/core'
import { lifeText, timeToLive, type TtlOptions } from '../operators/ttl.ts'
import type { OperatorOptions } from '../stream-options.ts'
import { RowLifeOperator } from './row-life-operator.ts'
import { TableHandle } from './table-handle.ts'

/** How long the rows of joined tables live. */
export interface TableTtlOptions extends Omit<TtlOptions, 'refresh'> {
  /** When a row is stamped: when it is inserted, or also when it is updated. Default `'write'`. */
  readonly refresh?: 'create' | 'write'
}

/** Options of joins of tables. */
export interface TableJoinOptions extends OperatorOptions {
  /**
   * How long a row of a joined table takes part in the join. One that has expired is as if it were deleted: the rows of the
   * result that it was in are updated or deleted, so all that reads the result gets those changes. The end of the input
   * expires nothing. Default: until the row is deleted.
   *
   * @example
   * joinTables({ order: orders, payment: payments }).inner('paid', { ttl: { after: '30d' } })
   */
  readonly ttl?: TableTtlOptions
}

/** A setting of a join whose rows expire. It cannot be added or removed: the operators before it would not know its rows. */
export const rowsExpire = { name: 'rows expire', value: true } as const

/** The table whose rows expire; the table itself without a `ttl`. `name` is that of its operator. */
export function livingTable(
  table: TableHandle,
  name: string,
  { ttl, onError }: TableJoinOptions = {},
): TableHandle {
  const life = timeToLive(ttl, `'${name}'`)
  if (life === undefined) return table
  if (life.refresh === 'read') {
    throw new MillraceError(
      'OPTION_INVALID',
      `refresh of the ttl of '${name}' is 'read', but rows of tables are not read one by one; use 'create' or 'write'`,
    )
  }
  const create = (): RowLifeOperator => new RowLifeOperator(life)
  const { stream } = table
  const id = stream.operator(name, onError === undefined ? undefined : { onError }, {
    type: 'row life',
    emitsLater: true,
    fingerprint: create().fingerprint,
    outputs: [],
    keeps: `the row of each key, ${lifeText(life)}`,
    clock: life.clock,
    create,
    inputs: [table.input('table')],
  })
  return new TableHandle(stream.main(id))
}
