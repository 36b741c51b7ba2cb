import { MillraceError, type Key } from '@millrace/core'
import {
  statePiece,
  type Fingerprint,
  type OperatorContext,
  type StateDescriptor,
  backupByReference,
} from '@millrace/core/operator'
import { keyToken, type Cell, type KeyToken, type StateTable } from '@millrace/core/store'
import type { GroupedChange } from './grouped-change.ts'

/** A row of a group. Never changed in place. */
export interface GroupRow {
  readonly row: unknown
  /** A number that no other row of the group has. A row keeps it until it is deleted. */
  readonly number: number
}

const rows: StateDescriptor<GroupRow> = { name: 'rows', backup: backupByReference }

/** What a checkpoint knows of the rows of groups. */
export const groupRowsPiece: Fingerprint['pieces'][number] = statePiece('rows of groups', rows)

/** The rows of groups: state filed under (group, key of the row). The group is the current key. */
export class GroupRows {
  readonly #context: OperatorContext
  readonly #table: StateTable<GroupRow>

  constructor(context: OperatorContext) {
    this.#context = context
    this.#table = context.table(rows)
  }

  /** The rows of the current group. */
  cells(): Iterable<Cell<GroupRow>> {
    return this.#table.cells(this.#context.keyToken())
  }

  /**
   * The row that a change refers to; undefined for a new row. Throws `OPERATOR_FAILED` if the change deletes or
   * replaces a row that does not exist.
   */
  find({ key, before }: GroupedChange): Cell<GroupRow> | undefined {
    const cell = this.#table.find(this.#context.keyToken(), keyToken(key))
    if (cell === undefined && before !== undefined) throw unknownRow(key, this.#context.name)
    return cell
  }

  /** Stores a row under its key, or deletes it without one. `cell` is what `find` has found. */
  store(key: Key, cell: Cell<GroupRow> | undefined, row: GroupRow | undefined): void {
    if (cell === undefined) {
      if (row === undefined) return
      this.#table.create(this.#context.keyToken(), keyToken(key), this.#context.keyGroup(), row)
    } else if (row === undefined) {
      this.#table.delete(cell)
    } else {
      cell.value = row
      this.#table.changed(cell)
    }
  }

  /** Deletes a row of the current group. */
  delete(token: KeyToken): void {
    this.#table.delete(this.#table.find(this.#context.keyToken(), token)!)
  }
}

function unknownRow(key: Key, operator: string): MillraceError {
  return new MillraceError(
    'OPERATOR_FAILED',
    `operator '${operator}' received a change of a row that it does not have: key ${JSON.stringify(key)}. An earlier change of the row was skipped by an error policy`,
  )
}
