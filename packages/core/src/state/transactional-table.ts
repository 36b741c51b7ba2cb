import { assert } from '../errors/errors.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { Backup } from './backup.ts'
import { CellBackups } from './cell-backups.ts'
import type { Cell, StateTable } from './state-store.ts'
import type { Participant, Transaction } from './transaction.ts'

/**
 * A table whose changes can be undone, including those made to a value in place.
 *
 * In an open transaction values are changed in place, and each returned cell has a backup. Cells are created
 * at once where none existed, and deleted only by `commit`: a cell that was deleted and created again would
 * come last in the order of iteration. Outside of a transaction every call goes to the underlying table.
 *
 * Invariants while a transaction is open:
 *
 *  1. A cell is visible if it is in `#fresh`; or if it is in the underlying table, not in `#deleted`, and its
 *     outer token is not in `#cleared`.
 *  2. `#fresh` contains, in order, the cells that `commit` creates: those under cleared tokens, those that
 *     replace a deleted cell, and all that were created after one of these.
 *  3. Each visible cell that was returned is in `#before`, `#made` or `#fresh`.
 */
export class TransactionalTable<T> implements StateTable<T>, Participant {
  readonly #table: StateTable<T>
  readonly #transaction: Transaction
  readonly #backup: Backup<T>
  readonly #before = new CellBackups<T>()
  readonly #made = new Set<Cell<T>>()
  readonly #deleted = new Set<Cell<T>>()
  readonly #cleared = new Set<KeyToken>()
  readonly #fresh = new Set<Cell<T>>()

  constructor(table: StateTable<T>, transaction: Transaction, backup: Backup<T>) {
    this.#table = table
    this.#transaction = transaction
    this.#backup = backup
    transaction.join(this)
  }

  get size(): number {
    let hidden = this.#deleted.size
    for (const outer of this.#cleared) hidden += this.#table.count(outer)
    return this.#table.size - hidden + this.#fresh.size
  }

  find(outer: KeyToken, inner: KeyToken): Cell<T> | undefined {
    const cell = this.#table.find(outer, inner)
    if (!this.#transaction.isOpen) return cell
    if (cell === undefined || this.#isHidden(cell)) return this.#findFresh(outer, inner)
    return this.#handedOut(cell)
  }

  create(outer: KeyToken, inner: KeyToken, group: number, value: T): Cell<T> {
    if (!this.#transaction.isOpen) return this.#table.create(outer, inner, group, value)
    // Cells created after one that `commit` creates must follow it.
    if (this.#fresh.size === 0 && !this.#isTaken(outer, inner)) {
      const cell = this.#table.create(outer, inner, group, value)
      this.#made.add(cell)
      return cell
    }
    const cell = { outer, inner, group, value }
    this.#fresh.add(cell)
    return cell
  }

  changed(cell: Cell<T>): void {
    if (this.#fresh.has(cell)) return
    if (this.#transaction.isOpen) {
      assert(
        this.#before.has(cell) || this.#made.has(cell),
        'a cell is looked up in the call that changes it',
      )
    }
    this.#table.changed(cell)
  }

  delete(cell: Cell<T>): void {
    if (!this.#transaction.isOpen) this.#table.delete(cell)
    else if (this.#made.delete(cell)) this.#table.delete(cell)
    else if (!this.#fresh.delete(cell) && !this.#isHidden(cell)) {
      this.#deleted.add(cell)
    }
  }

  deleteOuter(outer: KeyToken): void {
    if (!this.#transaction.isOpen) return this.#table.deleteOuter(outer)
    for (const cells of [this.#made, this.#fresh, this.#deleted]) {
      for (const cell of cells) {
        if (!sameToken(cell.outer, outer)) continue
        cells.delete(cell)
        if (cells === this.#made) this.#table.delete(cell)
      }
    }
    if (this.#table.count(outer) > 0) this.#cleared.add(outer)
  }

  *cells(outer: KeyToken): Iterable<Cell<T>> {
    // New cells are skipped: a loop that deletes each cell and creates it again must end.
    const fresh = [...this.#fresh].filter((cell) => sameToken(cell.outer, outer))
    for (const cell of this.#table.cells(outer)) {
      if (!this.#transaction.isOpen) yield cell
      else if (!this.#isHidden(cell)) yield this.#handedOut(cell)
    }
    for (const cell of fresh) if (this.#fresh.has(cell)) yield cell
  }

  count(outer: KeyToken): number {
    let count = this.#cleared.has(outer) ? 0 : this.#table.count(outer)
    for (const cell of this.#deleted) if (sameToken(cell.outer, outer)) count--
    for (const cell of this.#fresh) if (sameToken(cell.outer, outer)) count++
    return count
  }

  outers(): Iterable<KeyToken> {
    if (this.#deleted.size + this.#cleared.size === 0) return this.#table.outers()
    return [...this.#table.outers()].filter((outer) => this.count(outer) > 0)
  }

  commit(): void {
    if (this.#cleared.size > 0) for (const outer of this.#cleared) this.#table.deleteOuter(outer)
    if (this.#deleted.size > 0) for (const cell of this.#deleted) this.#table.delete(cell)
    for (const { outer, inner, group, value } of this.#fresh) this.#table.create(outer, inner, group, value)
    this.#leave()
  }

  rollback(): void {
    this.#before.restore()
    for (const cell of this.#made) this.#table.delete(cell)
    this.#leave()
  }

  #handedOut(cell: Cell<T>): Cell<T> {
    if (this.#before.has(cell) || this.#made.has(cell)) return cell
    this.#before.add(cell, this.#backup(cell.value))
    return cell
  }

  #isHidden(cell: Cell<T>): boolean {
    return this.#deleted.has(cell) || this.#cleared.has(cell.outer)
  }

  /** Whether a cell can only be created by `commit`, when a hidden one is deleted. */
  #isTaken(outer: KeyToken, inner: KeyToken): boolean {
    if (this.#cleared.has(outer)) return true
    return this.#deleted.size > 0 && this.#table.find(outer, inner) !== undefined
  }

  #findFresh(outer: KeyToken, inner: KeyToken): Cell<T> | undefined {
    for (const cell of this.#fresh) {
      if (sameToken(cell.outer, outer) && sameToken(cell.inner, inner)) return cell
    }
    return undefined
  }

  #leave(): void {
    // Clearing an empty one costs as much as filling it.
    this.#before.clear()
    if (this.#made.size > 0) this.#made.clear()
    if (this.#deleted.size > 0) this.#deleted.clear()
    if (this.#cleared.size > 0) this.#cleared.clear()
    if (this.#fresh.size > 0) this.#fresh.clear()
  }
}

/** Compares like a `Map`. */
function sameToken(a: KeyToken, b: KeyToken): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b))
}
