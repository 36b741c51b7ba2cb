import { PagedList } from '@millrace/core'
import type { MemoryCell } from './memory-cell.ts'

/** So few are sorted at once. */
const sortedMax = 2048
/** More are divided into so many parts first. */
const parts = 256
/** So many cells are passed between two steps. */
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
   * The cells in the order of their `seq`, each of which belongs to one cell only; undefined after a step that came to
   * none. Adds nothing meanwhile.
   *
   * A radix sort from the highest digit down: it never moves more than a step at once, and it compares only cells that
   * are few enough to be in the cache.
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
