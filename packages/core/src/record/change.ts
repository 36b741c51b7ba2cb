import type { Key } from './key.ts'

/**
 * What happened to a row.
 *
 * `insert`: there is a new row. `updateBefore` and `updateAfter`: a row was replaced; the first has the old
 * row, the second follows directly and has the new one. `delete`: the row is gone; it has the last row.
 */
export type ChangeKind = 'insert' | 'updateBefore' | 'updateAfter' | 'delete'

/** What happened to a row, for a reader that keeps rows by key and so needs no old rows. */
export type UpsertKind = Exclude<ChangeKind, 'updateBefore'>

/**
 * One change of a table whose rows have a unique key. Changes of one key are in order: an insert, any number
 * of updates, a delete.
 *
 * @example
 * const change: Change<Order, string> = { kind: 'insert', key: 'o1', value: { id: 'o1', total: 30 } }
 */
export interface Change<out T, out K = Key, out Kind extends ChangeKind = ChangeKind> {
  readonly kind: Kind
  readonly key: K
  readonly value: T
}
