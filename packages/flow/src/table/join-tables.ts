import { MillraceError, requireKnown } from '@millrace/core'
import type { Input } from '@millrace/core/graph'
import type { AnyTable, KeyOfTable, RowOf, Table } from '../stream.ts'
import type { Timing } from '../stream-options.ts'
import { livingTable, rowsExpire, type TableJoinOptions } from './living-table.ts'
import { requireTables } from './require-tables.ts'
import { TableHandle } from './table-handle.ts'
import { TableJoinOperator } from './table-join-operator.ts'

/** Tables by the fields that their rows have in the result. */
export type TablesByName = Readonly<Record<string, AnyTable>>

/** The required type of tables that are joined; otherwise a type whose name is the reason. */
export type SharesKeys<Tables extends TablesByName> = {
  readonly [Name in keyof Tables]: [KeyOfTable<Tables[keyof Tables]>] extends [KeyOfTable<Tables[Name]>]
    ? Tables[Name]
    : TheKeysOfTheTablesHaveDifferentTypes
}

/** A type error as a sentence: the key types of joined tables differ. */
export interface TheKeysOfTheTablesHaveDifferentTypes {
  readonly 'no key of this table equals a key of the others; to follow a reference from one table to another use joinByForeignKey': never
}

/** The rows of several tables, of which those of `Required` are never missing. */
export type OuterRow<Tables extends TablesByName, Required extends keyof Tables> = {
  readonly [Name in keyof Tables]: Name extends Required
    ? RowOf<Tables[Name]>
    : RowOf<Tables[Name]> | undefined
}

/** Options of `outer`. */
export interface OuterJoinOptions<Name> extends TableJoinOptions {
  /** The tables that must have a row. Default: none, but one of all. */
  readonly required?: readonly Name[]
}

/** Tables that are joined by their keys. Created by `joinTables`. */
export interface JoiningTables<Tables extends TablesByName, K, Time extends Timing> {
  /** Has a row for each key for which every table has one. */
  inner(name: string, options?: TableJoinOptions): Table<OuterRow<Tables, keyof Tables>, K, Time>

  /**
   * Has a row for each key for which every required table has a row, and at least one table has. The rows of
   * the others are undefined if they are missing.
   *
   * @example
   * joinTables({ order: orders, payment: payments }).outer('orders', { required: ['order'] }) // SQL's left join
   */
  outer<const Required extends keyof Tables & string = never>(
    name: string,
    options?: OuterJoinOptions<Required>,
  ): Table<OuterRow<Tables, Required>, K, Time>
}

/**
 * Joins any number of tables by their keys, into a table of objects with a field for each. A row of the result
 * changes when a row of one of them does.
 *
 * All rows of all tables are kept, or for as long as `ttl` says. A `null` key is a key like any other.
 *
 * @example
 * joinTables({ order: orders, payment: payments, parcel: parcels })
 *   .inner('shipped')
 *   .map(({ order, payment }) => ({ id: order.id, rest: order.total - payment.amount }))
 */
export function joinTables<Tables extends TablesByName>(
  tables: Tables & SharesKeys<Tables>,
): JoiningTables<Tables, KeyOfTable<Tables[keyof Tables]>, Tables[keyof Tables]['timing']> {
  const fields = Object.keys(tables)
  const handles = requireTables('joinTables', Object.values(tables))
  if (fields.length < 2) {
    throw new MillraceError(
      'GRAPH_INVALID',
      'joinTables needs two tables or more, as { order: orders, payment: payments }',
    )
  }
  const joined = (
    name: string,
    required: readonly string[],
    { ttl, ...options }: TableJoinOptions = {},
  ): TableHandle => {
    const living = handles.map((handle, i) =>
      livingTable(handle, `${name}-${fields[i]}-life`, ttl === undefined ? options : { ...options, ttl }),
    )
    const [first] = living
    const create = (): TableJoinOperator =>
      new TableJoinOperator(fields.map((field) => ({ field, isRequired: required.includes(field) })))
    const { pieces, settings } = create().fingerprint
    const inputs = living.map((handle, i) => handle.input(fields[i]!)) as [Input, ...Input[]]
    const id = first!.stream.operator(name, options, {
      type: 'table join',
      fingerprint: { pieces, settings: ttl === undefined ? settings : [...settings, rowsExpire] },
      outputs: [],
      keeps: `the rows of ${fields.join(', ')}`,
      create,
      inputs,
    })
    return new TableHandle(first!.stream.main(id))
  }
  const inner = (name: string, options?: TableJoinOptions): TableHandle => {
    requireKnown(`inner join '${name}'`, options, ['onError', 'ttl'])
    return joined(name, fields, options)
  }
  const outer = (name: string, options: OuterJoinOptions<string> = {}): TableHandle => {
    requireKnown(`outer join '${name}'`, options, ['onError', 'required', 'ttl'])
    const { required = [], ...others } = options
    const unknown = required.find((field) => !fields.includes(field))
    if (unknown !== undefined) {
      throw new MillraceError(
        'OPTION_INVALID',
        `outer join '${name}' requires '${unknown}' and has no such table; it has ${fields.join(', ')}`,
      )
    }
    return joined(name, required, others)
  }
  // Values are unknown in the implementation; the interface types them.
  return { inner, outer } as unknown as ReturnType<typeof joinTables<Tables>>
}
