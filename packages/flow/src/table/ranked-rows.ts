import { MillraceError } from '@millrace/core'
import { isThenable, refusePromise } from '@millrace/core/operator'
import type { KeyToken } from '@millrace/core/store'
import type { GroupRow } from './group-rows.ts'

/** A row of a group with the token of its key. Without one it is a record of a stream, whose key is its number. */
export interface RankedRow extends GroupRow {
  readonly token?: KeyToken
}

/** The token of the key of a row. */
export function tokenOf({ token, number }: RankedRow): KeyToken {
  return token === undefined ? number : token
}

/** Compares rows, as for `toSorted`. */
export type RowOrder = (a: unknown, b: unknown) => number

/** The rows of one group in the user's order; equal ones in the order of their numbers. */
export class RankedRows {
  readonly #rows: RankedRow[]
  readonly #order: RowOrder
  #next: number

  constructor(rows: readonly RankedRow[], order: RowOrder) {
    this.#order = order
    this.#rows = rows.toSorted((a, b) => this.#compare(a, b))
    this.#next = behind(this.#rows)
  }

  get size(): number {
    return this.#rows.length
  }

  /** A number behind that of every row. */
  get nextNumber(): number {
    return this.#next
  }

  /** Whether a new row would be among the first `end` rows. */
  admits(row: unknown, end: number): boolean {
    const rows = this.#rows
    return rows.length < end || (end > 0 && this.#compare(rows[end - 1]!, { row, number: this.#next }) > 0)
  }

  /** How many rows come before a row, which may be among them. */
  rankOf(row: GroupRow): number {
    const rows = this.#rows
    let low = 0
    let high = rows.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(rows[middle]!, row) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  slice(from: number, to: number): readonly RankedRow[] {
    return this.#rows.slice(from, to)
  }

  insert(index: number, row: RankedRow): void {
    this.#rows.splice(index, 0, row)
    this.#next = Math.max(this.#next, row.number + 1)
  }

  delete(index: number): RankedRow {
    const [row] = this.#rows.splice(index, 1)
    // As it is after a restart, which knows only the rows that are left.
    if (row!.number === this.#next - 1) this.#next = behind(this.#rows)
    return row!
  }

  #compare(a: GroupRow, b: GroupRow): number {
    const order: unknown = this.#order(a.row, b.row)
    if (typeof order === 'number' && !Number.isNaN(order)) return order === 0 ? a.number - b.number : order
    if (isThenable(order)) refusePromise(order, 'order returned')
    throw new MillraceError(
      'OPERATOR_FAILED',
      `order returned ${String(order)} for two rows; return a number: negative if the first row comes first, 0 if they are equal`,
    )
  }
}

function behind(rows: readonly GroupRow[]): number {
  return rows.reduce((next, { number }) => Math.max(next, number + 1), 0)
}
