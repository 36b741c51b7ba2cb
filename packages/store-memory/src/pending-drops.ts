import type { KeyToken } from '@millrace/core'
import type { OuterCells } from './cell-index.ts'
import type { MemoryCell } from './memory-cell.ts'
import type { Segment } from './segment.ts'

/** So many cells are marked at once with each drop: only larger drops are put off. */
const marksPerDrop = 128

/** What a table does about a cell that was dropped. */
export interface DropHost<T> {
  /** The table's epoch now. */
  epoch(): number
  /** Writes a cell that is owed to the running snapshot: it was dropped after the freeze. */
  writeOwed(cell: MemoryCell<T>): void
  /** A dirty cell has nothing left to write. */
  wither(): void
}

/** An outer token that was dropped with its cells. */
interface Drop<T> {
  readonly outer: KeyToken
  /** Cells made up to this went with the outer token; later ones are others. */
  readonly seq: number
  /** The table's epoch at the drop. */
  readonly epoch: number
  /** Those that are not marked dead yet. */
  readonly rest: Iterator<MemoryCell<T>>
  /** How many bytes of which segment are dead once the drop is written. */
  readonly deadBytes: Map<Segment, number>
}

/**
 * The outer tokens of a table that were dropped, until they are written.
 *
 * To mark a million cells dead at once would hold the event loop. So they are marked a few at a time while other cells
 * are made, and the rest while the next snapshot is encoded. Invariant: a drop is written after all of its cells were
 * marked.
 */
export class PendingDrops<T> {
  readonly #host: DropHost<T>
  /** To be written with the next snapshot, and with the running one. */
  #next: Drop<T>[] = []
  #frozen: Drop<T>[] = []
  /** Those whose cells are not all marked, oldest first. The first `#frozenUnmarked` of them are in `#frozen`. */
  readonly #unmarked: Drop<T>[] = []
  #frozenUnmarked = 0
  /** By outer token: the highest `seq` of those in `#unmarked`. */
  readonly #unmarkedUpTo = new Map<KeyToken, number>()

  constructor(host: DropHost<T>) {
    this.#host = host
  }

  /** Whether everything frozen was written. */
  get isSettled(): boolean {
    return this.#frozen.length === 0
  }

  /** Whether a cell was dropped and is not marked yet. */
  covers(cell: MemoryCell<T>): boolean {
    if (this.#unmarkedUpTo.size === 0) return false
    const seq = this.#unmarkedUpTo.get(cell.outer)
    return seq !== undefined && cell.seq <= seq
  }

  /** Drops cells that are no longer in the index. Takes the same time for any number of them. */
  add(outer: KeyToken, seq: number, cells: OuterCells<T>): void {
    const drop = { outer, seq, epoch: this.#host.epoch(), rest: cells.values(), deadBytes: new Map() }
    this.#next.push(drop)
    this.#unmarked.push(drop)
    this.#unmarkedUpTo.set(outer, seq)
    this.mark(marksPerDrop)
  }

  /** Marks up to `count` of the dropped cells. */
  mark(count: number): void {
    for (let i = 0; i < count && this.#unmarked.length > 0; i++) this.#markOne()
  }

  /** The drops so far belong to the next snapshot. */
  freeze(): void {
    this.#frozen = this.#frozen.length === 0 ? this.#next : this.#frozen.concat(this.#next)
    this.#next = []
    this.#frozenUnmarked = this.#unmarked.length
  }

  /** Marks the next cell of the frozen drops; false if there is none. */
  markFrozen(): boolean {
    if (this.#frozenUnmarked === 0) return false
    this.#markOne()
    return true
  }

  /** Takes the next frozen drop to write; undefined if there is none. All of their cells must have been marked. */
  takeFrozen(): { readonly outer: KeyToken; readonly seq: number; readonly isNeeded: boolean } | undefined {
    const drop = this.#frozen.pop()
    if (drop === undefined) return undefined
    for (const [segment, bytes] of drop.deadBytes) segment.liveBytes -= bytes
    // Cells of which nothing was ever written leave nothing to overrule.
    return { outer: drop.outer, seq: drop.seq, isNeeded: drop.deadBytes.size > 0 }
  }

  #markOne(): void {
    const drop = this.#unmarked[0]!
    const { done, value: cell } = drop.rest.next()
    if (done !== true) {
      this.#markDead(cell, drop)
      return
    }
    this.#unmarked.shift()
    if (this.#frozenUnmarked > 0) this.#frozenUnmarked--
    if (this.#unmarkedUpTo.get(drop.outer) === drop.seq) this.#unmarkedUpTo.delete(drop.outer)
  }

  #markDead(cell: MemoryCell<T>, { epoch, deadBytes }: Drop<T>): void {
    // A cell that was changed in the epoch of its drop is not owed: the snapshot of that epoch holds the drop.
    if (cell.epoch !== 0 && cell.epoch !== epoch) this.#host.writeOwed(cell)
    const { segment } = cell
    if (segment !== undefined) deadBytes.set(segment, (deadBytes.get(segment) ?? 0) + cell.bytes)
    cell.isDead = true
    cell.segment = undefined
    if (cell.epoch === this.#host.epoch()) this.#host.wither()
  }
}
