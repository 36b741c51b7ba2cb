import { TokenMap } from '@millrace/core/store'
import type { KeyToken } from '@millrace/core/store'
import type { MemoryCell } from './memory-cell.ts'

/** The cells under one outer token. */
export type OuterCells<T> = TokenMap<MemoryCell<T>>

/**
 * The live cells of one table, found by outer and inner token.
 *
 * Invariants between any two calls:
 *
 *  1. No outer token has an empty map, so an emptied one takes no memory.
 *  2. The cells under one outer token are in order of `seq`.
 *  3. `#lastCells` are the cells under `#lastOuter`. Most tables use one outer token repeatedly.
 *  4. `#lastCell`, if any, is the one under `#lastOuter` with `#lastInner`. Most operators read a value, then set it.
 */
export class CellIndex<T> {
  readonly #outers = new TokenMap<OuterCells<T>>()
  #lastOuter: KeyToken | undefined = undefined
  #lastCells: OuterCells<T> | undefined = undefined
  #lastInner: KeyToken | undefined = undefined
  #lastCell: MemoryCell<T> | undefined = undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  find(outer: KeyToken, inner: KeyToken): MemoryCell<T> | undefined {
    if (outer === this.#lastOuter) {
      if (inner === this.#lastInner && this.#lastCell !== undefined) return this.#lastCell
    } else if (this.under(outer) === undefined) return undefined
    this.#lastInner = inner
    this.#lastCell = this.#lastCells!.get(inner)
    return this.#lastCell
  }

  /** The cells with this outer token; undefined if there are none. */
  under(outer: KeyToken): OuterCells<T> | undefined {
    const cells = this.#outers.get(outer)
    if (cells === undefined) return undefined
    this.#remember(outer, cells)
    return cells
  }

  /** Adds a cell whose tokens are new and whose `seq` is the highest. */
  add(cell: MemoryCell<T>): void {
    const { outer } = cell
    const cells = (outer === this.#lastOuter ? this.#lastCells : this.under(outer)) ?? this.#open(outer)
    cells.add(cell.inner, cell)
    this.#size++
  }

  remove(cell: MemoryCell<T>): void {
    const cells = this.under(cell.outer)
    if (cells === undefined) return
    cells.delete(cell.inner)
    this.#lastCell = undefined
    this.#size--
    if (cells.size === 0) this.#close(cell.outer)
  }

  /** Removes an outer token with all of its cells, which remain in the map that `under` returned. */
  removeOuter(outer: KeyToken): void {
    const cells = this.under(outer)
    if (cells === undefined) return
    this.#size -= cells.size
    this.#close(outer)
  }

  /** The outer tokens with cells, in the order of their first cell. May be changed during iteration. */
  *outers(): Generator<KeyToken> {
    for (const cells of this.#outers.values()) {
      const outer = cells.values().next().value?.outer
      if (outer !== undefined && this.#outers.get(outer) === cells) yield outer
    }
  }

  /** All cells in any order. If changed during iteration, may yield deleted cells. */
  *all(): Generator<MemoryCell<T>> {
    for (const cells of this.#outers.values()) yield* cells.values()
  }

  #open(outer: KeyToken): OuterCells<T> {
    const cells: OuterCells<T> = new TokenMap()
    this.#outers.add(outer, cells)
    this.#remember(outer, cells)
    return cells
  }

  #remember(outer: KeyToken, cells: OuterCells<T>): void {
    this.#lastOuter = outer
    this.#lastCells = cells
    this.#lastCell = undefined
  }

  #close(outer: KeyToken): void {
    this.#outers.delete(outer)
    this.#lastOuter = undefined
    this.#lastCells = undefined
    this.#lastCell = undefined
  }
}
