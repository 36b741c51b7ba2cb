import type { KeyToken } from '@millrace/core/store'
import type { OuterCells } from './cell-index.ts'
import type { MemoryCell } from './memory-cell.ts'
import type { Segment } from './segment.ts'

/** How many cells are marked at once with each drop: only larger drops are deferred. */
const marksPerDrop = 128

/** What a table does about a dropped cell. */
export interface DropHost<T> {
  /** The table's current epoch. */
  epoch(): number
  /** Writes a cell that is owed to the running snapshot: it was dropped after the freeze. */
  writeOwed(cell: MemoryCell<T>): void
  /** Removes a dirty cell, which has nothing left to write. */
  wither(): void
}

/** An outer token that was dropped with its cells. */
interface Drop {
  readonly outer: KeyToken
  /** The drop includes cells up to this `seq`; later ones are new cells. */
  readonly seq: number
  /** The table's epoch at the drop. */
  readonly epoch: number
  /** The number of bytes, by segment, that are dead once the drop is written. */
  readonly deadBytes: Map<Segment, number>
}

/** A drop whose cells are not all marked dead. Apart from it, because a drop outlives its cells. */
interface Unmarked<T> {
  readonly drop: Drop
  readonly rest: Iterator<MemoryCell<T>>
}

/**
 * The dropped outer tokens of a table, until they are written.
 *
 * Marking a million cells dead at once would block the event loop. So they are marked a few at a time while
 * other cells are created, and the rest while the next snapshot is encoded. Invariant: a drop is written
 * after all of its cells were marked.
 */
export class PendingDrops<T> {
  readonly #host: DropHost<T>
  /** To be written with the next snapshot, and with the running one. */
  #next: Drop[] = []
  #frozen: Drop[] = []
  /**
   * The drops whose cells are not all marked, oldest first. The first `#frozenUnmarked` of them are of drops in
   * `#frozen`.
   */
  readonly #unmarked: Unmarked<T>[] = []
  #frozenUnmarked = 0
  /** By outer token: the highest `seq` of the drops in `#unmarked`. */
  readonly #unmarkedUpTo = new Map<KeyToken, number>()

  constructor(host: DropHost<T>) {
    this.#host = host
  }

  /** Whether all frozen drops were written. */
  get isSettled(): boolean {
    return this.#frozen.length === 0
  }

  /** Whether a cell was dropped and is not marked yet. */
  covers(cell: MemoryCell<T>): boolean {
    if (this.#unmarkedUpTo.size === 0) return false
    const seq = this.#unmarkedUpTo.get(cell.outer)
    return seq !== undefined && cell.seq <= seq
  }

  /** Drops cells that were removed from the index, in constant time. */
  add(outer: KeyToken, seq: number, cells: OuterCells<T>): void {
    const drop = { outer, seq, epoch: this.#host.epoch(), deadBytes: new Map() }
    this.#next.push(drop)
    this.#unmarked.push({ drop, rest: cells.values() })
    this.#unmarkedUpTo.set(outer, seq)
    this.mark(marksPerDrop)
  }

  /** Marks up to `count` of the dropped cells. */
  mark(count: number): void {
    for (let i = 0; i < count && this.#unmarked.length > 0; i++) this.#markOne()
  }

  /** Assigns the drops so far to the next snapshot. */
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

  /**
   * The next frozen drop to write; undefined if there is none. All of their cells must be marked. Without dead bytes no
   * cell was ever written, and there is no record to delete.
   */
  takeFrozen(): { readonly outer: KeyToken; readonly seq: number; readonly deadBytes: number } | undefined {
    const drop = this.#frozen.pop()
    if (drop === undefined) return undefined
    let deadBytes = 0
    for (const [segment, bytes] of drop.deadBytes) {
      segment.liveBytes -= bytes
      deadBytes += bytes
    }
    return { outer: drop.outer, seq: drop.seq, deadBytes }
  }

  #markOne(): void {
    const { drop, rest } = this.#unmarked[0]!
    const { done, value: cell } = rest.next()
    if (done !== true) {
      this.#markDead(cell, drop)
      return
    }
    this.#unmarked.shift()
    if (this.#frozenUnmarked > 0) this.#frozenUnmarked--
    if (this.#unmarkedUpTo.get(drop.outer) === drop.seq) this.#unmarkedUpTo.delete(drop.outer)
  }

  #markDead(cell: MemoryCell<T>, { epoch, deadBytes }: Drop): void {
    // A cell that was changed in the epoch of its drop is not owed: the snapshot of that epoch contains the
    // drop.
    if (cell.epoch !== 0 && cell.epoch !== epoch) this.#host.writeOwed(cell)
    const { segment } = cell
    if (segment !== undefined) deadBytes.set(segment, (deadBytes.get(segment) ?? 0) + cell.bytes)
    cell.isDead = true
    cell.segment = undefined
    if (cell.epoch === this.#host.epoch()) this.#host.wither()
  }
}
