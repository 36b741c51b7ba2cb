import type { Cell } from './state-store.ts'

/** Most records use fewer cells than this, and for so few a list is searched faster than a set. */
const listMax = 8

/** Cells with functions that restore their values. */
export class CellBackups<T> {
  readonly #cells: (Cell<T> | undefined)[] = []
  readonly #valuesBefore: ((() => T) | undefined)[] = []
  /** The same cells, once there are many. */
  readonly #many = new Set<Cell<T>>()
  #count = 0

  has(cell: Cell<T>): boolean {
    if (this.#many.size > 0) return this.#many.has(cell)
    for (let i = 0; i < this.#count; i++) if (this.#cells[i] === cell) return true
    return false
  }

  /** Adds a cell that is not in it yet. */
  add(cell: Cell<T>, valueBefore: () => T): void {
    this.#cells[this.#count] = cell
    this.#valuesBefore[this.#count++] = valueBefore
    if (this.#many.size > 0) this.#many.add(cell)
    else if (this.#count > listMax)
      for (const each of this.#cells) if (each !== undefined) this.#many.add(each)
  }

  /** Restores the value of every cell. */
  restore(): void {
    for (let i = 0; i < this.#count; i++) this.#cells[i]!.value = this.#valuesBefore[i]!()
  }

  clear(): void {
    for (let i = 0; i < this.#count; i++) {
      this.#cells[i] = undefined
      this.#valuesBefore[i] = undefined
    }
    this.#count = 0
    if (this.#many.size > 0) this.#many.clear()
  }
}
