import type { KeyToken } from '@millrace/core'
import type { MemoryCell } from './memory-cell.ts'
import { TokenMap } from './token-map.ts'

type Cells<T> = TokenMap<MemoryCell<T>>

/**
 * The live cells of one table, found by outer and inner token.
 *
 * True between any two calls:
 *
 *  1. No outer token has an empty map under it, so an emptied one takes no memory.
 *  2. The cells under one outer token stand in order of `seq`.
 *  3. `#lastCells` is what stands under `#lastOuter`. Most tables ask for one outer token again and again.
 */
export class CellIndex<T> {
  readonly #outers = new TokenMap<Cells<T>>()
  #lastOuter: KeyToken | undefined = undefined
  #lastCells: Cells<T> | undefined = undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  find(outer: KeyToken, inner: KeyToken): MemoryCell<T> | undefined {
    const cells = outer === this.#lastOuter ? this.#lastCells : this.under(outer)
    return cells === undefined ? undefined : cells.get(inner)
  }

  /** The cells with this outer token, in order of `seq`; undefined if there are none. */
  under(outer: KeyToken): TokenMap<MemoryCell<T>> | undefined {
    const cells = this.#outers.get(outer)
    if (cells === undefined) return undefined
    this.#lastOuter = outer
    this.#lastCells = cells
    return cells
  }

  /** Adds a cell whose tokens are not there yet and whose `seq` is above all others. */
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
    this.#size--
    if (cells.size === 0) this.#close(cell.outer)
  }

  removeOuter(outer: KeyToken): void {
    const cells = this.under(outer)
    if (cells === undefined) return
    this.#size -= cells.size
    cells.clear()
    this.#close(outer)
  }

  /** Outer tokens in the order of their oldest cells. */
  outers(): KeyToken[] {
    const found: { readonly outer: KeyToken; readonly seq: number }[] = []
    for (const [outer, cells] of this.#outers.entries()) {
      for (const oldest of cells.values()) {
        found.push({ outer, seq: oldest.seq })
        break
      }
    }
    return found.sort((a, b) => a.seq - b.seq).map((each) => each.outer)
  }

  *all(): Generator<MemoryCell<T>> {
    for (const cells of this.#outers.values()) yield* cells.values()
  }

  #open(outer: KeyToken): Cells<T> {
    const cells: Cells<T> = new TokenMap()
    this.#outers.add(outer, cells)
    this.#lastOuter = outer
    this.#lastCells = cells
    return cells
  }

  #close(outer: KeyToken): void {
    this.#outers.delete(outer)
    this.#lastOuter = undefined
    this.#lastCells = undefined
  }
}
