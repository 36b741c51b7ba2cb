import { assert } from '@millrace/core'
import type { Cell, KeyGroupRange, KeyToken, Slicing, StateTable, TableSpec } from '@millrace/core'
import type { BlockWriter } from './block-writer.ts'
import { CellIndex } from './cell-index.ts'
import { DirtyList } from './dirty-list.ts'
import { MemoryCell } from './memory-cell.ts'
import { PendingDrops } from './pending-drops.ts'
import type { SeqRange } from './seq-range.ts'

/** Writing so many bytes counts as one unit of work, and so does passing so many cells. */
const bytesPerUnit = 512
const passedPerUnit = 16
/** As many tombstones take no more room than a drop and what a restore has to remember of it. */
const tombstonesMax = 8
/** So many dropped cells are marked for each one that is made: they take no more memory than live ones. */
const marksPerCell = 2

/** Gives every cell of a job its place in the order of creation. */
export interface Sequence {
  last: number
}

/**
 * One piece of state of one subtask, every cell live.
 *
 * Three sets of cells (`MemoryCell.epoch` says which a cell is in): clean; dirty, in `#dirty`; owed to the
 * snapshot that is being written, in `#frozen`. True between any two calls:
 *
 *  1. Every dirty cell stands in `#dirty` once. Every owed cell stands in `#frozen`; entries of `#frozen`
 *     that are not owed were written early, because somebody asked for the cell.
 *  2. A cell that was handed out since the last freeze is not owed.
 *  3. Records of a cell are written before its tombstone or the drop that covers it.
 *  4. A cell is dead if it says so, or if `#drops` covers it.
 *
 * A token that is deleted and made again is another cell with a higher `seq`. Records and tombstones speak of a
 * `seq`, not of a token, so it does not matter in which order the old cell's tombstone and the new cell's
 * record are written.
 */
export class MemoryTable<T> implements StateTable<T> {
  readonly spec: TableSpec<T>
  /** Records with a `seq` up to this belong to an earlier table of the same name. */
  readonly since: number
  readonly #sequence: Sequence
  readonly #block: BlockWriter<T>
  readonly #index = new CellIndex<T>()
  #epoch = 1
  #dirty = new DirtyList<T>()
  readonly #frozen = new DirtyList<T>()
  readonly #drops: PendingDrops<T>
  /** Cells that were passed without work since the last unit was counted. */
  #passed = 0
  #hasRecords: boolean

  constructor(
    spec: TableSpec<T>,
    block: BlockWriter<T>,
    sequence: Sequence,
    restored: { readonly since: number } | undefined,
  ) {
    this.spec = spec
    this.#block = block
    this.#sequence = sequence
    this.since = restored?.since ?? sequence.last
    this.#hasRecords = restored !== undefined
    this.#drops = new PendingDrops({
      epoch: () => this.#epoch,
      writeOwed: (cell) => void this.#write(cell),
      wither: () => this.#dirty.wither(),
    })
  }

  get size(): number {
    return this.#index.size
  }

  /** Whether any segment may hold records of this table. */
  get hasRecords(): boolean {
    return this.#hasRecords
  }

  find(outer: KeyToken, inner: KeyToken): Cell<T> | undefined {
    const cell = this.#index.find(outer, inner)
    if (cell !== undefined && cell.epoch !== this.#epoch && cell.epoch !== 0) this.#write(cell)
    return cell
  }

  create(outer: KeyToken, inner: KeyToken, group: number, value: T): Cell<T> {
    assert(isWithin(this.spec.groups, group), 'a cell is made by the subtask that owns its key group')
    this.#drops.mark(marksPerCell)
    const cell = new MemoryCell(outer, inner, group, value, ++this.#sequence.last, this.#epoch)
    this.#index.add(cell)
    this.#dirty.push(cell)
    return cell
  }

  changed(cell: Cell<T>): void {
    const own = cell as MemoryCell<T>
    if (own.epoch === this.#epoch) return
    assert(
      own.epoch === 0 && !this.#isGone(own),
      'a cell is looked up again after a barrier and after its deletion',
    )
    own.epoch = this.#epoch
    this.#dirty.push(own)
  }

  delete(cell: Cell<T>): void {
    const own = cell as MemoryCell<T>
    if (this.#isGone(own)) return
    if (this.#isOwed(own)) this.#write(own)
    this.#index.remove(own)
    own.isDead = true
    if (own.epoch === this.#epoch) {
      if (own.segment === undefined) this.#dirty.wither()
      return
    }
    own.epoch = this.#epoch
    this.#dirty.push(own)
  }

  deleteOuter(outer: KeyToken): void {
    const cells = this.#index.under(outer)
    if (cells === undefined) return
    if (cells.size <= tombstonesMax) {
      for (const cell of cells.values()) this.delete(cell)
      return
    }
    this.#index.removeOuter(outer)
    this.#drops.add(outer, this.#sequence.last, cells)
  }

  *cells(outer: KeyToken): Generator<Cell<T>> {
    const cells = this.#index.under(outer)
    if (cells === undefined) return
    for (const cell of cells.values()) {
      if (cell.isDead) continue
      if (this.#drops.covers(cell)) return
      if (this.#isOwed(cell)) this.#write(cell)
      yield cell
    }
  }

  count(outer: KeyToken): number {
    return this.#index.under(outer)?.size ?? 0
  }

  outers(): Iterable<KeyToken> {
    return this.#index.outers()
  }

  /** Everything changed so far belongs to the next snapshot. What an abandoned one left over does too. */
  freeze(): void {
    this.#epoch++
    this.#frozen.append(this.#dirty)
    this.#dirty = new DirtyList()
    this.#drops.freeze()
  }

  /** Writes owed cells until none is left, which returns true, or until the slice is over. */
  encode(slicing: Slicing): boolean {
    return this.#markDropped(slicing) && this.#encodeCells(slicing) && this.#encodeDrops(slicing)
  }

  /** Whether nothing frozen is left to write. */
  get isSettled(): boolean {
    return this.#frozen.length === 0 && this.#drops.isSettled
  }

  /**
   * Writes clean cells anew whose records stand in victims, one after the other as the caller asks; yields
   * the units of work done. A record of a clean cell says the same wherever and whenever it is written, so this
   * may go on before, during and after a freeze. Cells that are dirty or owed leave the victims by themselves.
   */
  *rewriteVictims(): Generator<number> {
    for (const cell of this.#index.all()) {
      const isVictim = cell.epoch === 0 && cell.segment?.isVictim === true && !this.#isGone(cell)
      if (isVictim) yield unitsOf(this.#write(cell))
      else if (this.#hasPassed()) yield 1
    }
  }

  /** Takes in what the segments hold, none newer than the store's sequence. Yields after each cell or step. */
  *restore(cells: SeqRange<T>): Generator<undefined> {
    for (const cell of cells.inOrder()) {
      if (cell !== undefined) this.#index.add(cell)
      yield
    }
  }

  /** Whether a cell is dead, marked or not. */
  #isGone(cell: MemoryCell<T>): boolean {
    return cell.isDead || this.#drops.covers(cell)
  }

  #markDropped(slicing: Slicing): boolean {
    while (this.#drops.markFrozen()) if (this.#hasPassed() && slicing.spend()) return false
    return true
  }

  #encodeCells(slicing: Slicing): boolean {
    for (let cell = this.#frozen.first(); cell !== undefined; cell = this.#frozen.first()) {
      const units = this.#isOwed(cell) ? unitsOf(this.#write(cell)) : this.#hasPassed() ? 1 : 0
      this.#frozen.removeFirst()
      if (units > 0 && slicing.spend(units)) return false
    }
    return true
  }

  #encodeDrops(slicing: Slicing): boolean {
    for (let drop = this.#drops.takeFrozen(); drop !== undefined; drop = this.#drops.takeFrozen()) {
      if (drop.isNeeded) this.#block.drop(drop.outer, drop.seq)
      if (slicing.spend()) return false
    }
    return true
  }

  /** Counts a cell that was passed; true when these make up a unit of work. */
  #hasPassed(): boolean {
    this.#passed = (this.#passed + 1) % passedPerUnit
    return this.#passed === 0
  }

  #isOwed(cell: MemoryCell<T>): boolean {
    return cell.epoch !== this.#epoch && cell.epoch !== 0
  }

  /** Writes what an owed cell has to say, or a clean one anew; it is clean then. Returns the bytes written. */
  #write(cell: MemoryCell<T>): number {
    let bytes = 0
    if (!cell.isDead) bytes = this.#block.value(cell)
    else if (cell.segment !== undefined) this.#block.tombstone(cell)
    cell.epoch = 0
    this.#hasRecords = true
    return bytes
  }
}

function isWithin(groups: KeyGroupRange, group: number): boolean {
  return group >= groups.first && group <= groups.last
}

function unitsOf(bytes: number): number {
  return 1 + Math.floor(bytes / bytesPerUnit)
}
