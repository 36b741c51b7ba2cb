import { assert } from '../errors/errors.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { Cell, StateTable } from './state-store.ts'

interface TransientCell<T> extends Cell<T> {
  /** Cells are numbered in the order of creation. */
  readonly order: number
}

/** A table in memory that is never saved: for operators that run without a store. */
export class TransientTable<T> implements StateTable<T> {
  readonly #outers = new Map<KeyToken, Map<KeyToken, TransientCell<T>>>()
  #order = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  find(outer: KeyToken, inner: KeyToken): Cell<T> | undefined {
    return this.#outers.get(outer)?.get(inner)
  }

  create(outer: KeyToken, inner: KeyToken, group: number, value: T): Cell<T> {
    let inners = this.#outers.get(outer)
    if (inners === undefined) {
      inners = new Map()
      this.#outers.set(outer, inners)
    }
    assert(!inners.has(inner), 'no cell is made where there is one')
    const cell = { outer, inner, group, value, order: this.#order++ }
    inners.set(inner, cell)
    this.#size++
    return cell
  }

  /** Nothing to do: the cell is the only copy. */
  changed(_cell: Cell<T>): void {}

  delete(cell: Cell<T>): void {
    const inners = this.#outers.get(cell.outer)
    // A deleted cell stays deleted, even if another replaces it.
    if (inners?.get(cell.inner) !== cell) return
    inners.delete(cell.inner)
    this.#size--
    if (inners.size === 0) this.#outers.delete(cell.outer)
  }

  deleteOuter(outer: KeyToken): void {
    const inners = this.#outers.get(outer)
    if (inners === undefined) return
    this.#size -= inners.size
    this.#outers.delete(outer)
    // Ends running iterations over them.
    inners.clear()
  }

  *cells(outer: KeyToken): Iterable<Cell<T>> {
    // New cells come last: without this limit, a loop that deletes each cell and creates it again would never
    // end.
    const end = this.#order
    for (const cell of this.#outers.get(outer)?.values() ?? []) {
      if (cell.order >= end) return
      yield cell
    }
  }

  count(outer: KeyToken): number {
    return this.#outers.get(outer)?.size ?? 0
  }

  outers(): Iterable<KeyToken> {
    return [...this.#outers.keys()]
  }
}
