import { PagedList } from '@millrace/core/store'
import type { MemoryCell } from './memory-cell.ts'

/** How many cells are sorted at once. */
const sortedMax = 2048
/** Into how many parts more cells are divided first. */
const parts = 256
/** How many cells are visited between two steps. */
const stepCells = 32

/** Cells and the range of their `seq`. */
export class SeqRange<T> {
  readonly cells: PagedList<MemoryCell<T>> = new PagedList()
  #lowest = Number.POSITIVE_INFINITY
  #highest = Number.NEGATIVE_INFINITY

  add(cell: MemoryCell<T>): void {
    this.cells.push(cell)
    if (cell.seq < this.#lowest) this.#lowest = cell.seq
    if (cell.seq > this.#highest) this.#highest = cell.seq
  }

  /**
   * Yields the cells in the order of their `seq`, each of which belongs to one cell only; undefined after a
   * step without a result. Do not add cells meanwhile.
   *
   * A radix sort from the highest digit down: it moves a bounded number of cells per step, and compares only
   * groups that are small enough for the cache.
   */
  *inOrder(): Generator<MemoryCell<T> | undefined> {
    const { length } = this.cells
    if (length <= sortedMax) {
      yield* [...this.cells].sort((a, b) => a.seq - b.seq)
      return
    }
    const lowest = this.#lowest
    const width = Math.ceil((this.#highest - lowest + 1) / parts)
    const ranges: (SeqRange<T> | undefined)[] = Array.from({ length: parts })
    for (let i = 0; i < length; i++) {
      const cell = this.cells.at(i)
      const part = Math.floor((cell.seq - lowest) / width)
      const range = (ranges[part] ??= new SeqRange())
      range.add(cell)
      if (i % stepCells === 0) yield undefined
    }
    for (const range of ranges) if (range !== undefined) yield* range.inOrder()
  }
}
