import { assert } from '@millrace/core/store'
import type { Cell, KeyGroupRange, KeyToken, Slicing, StateTable, TableSpec } from '@millrace/core/store'
import type { BlockWriter } from './block-writer.ts'
import { CellIndex } from './cell-index.ts'
import { DirtyList } from './dirty-list.ts'
import { MemoryCell } from './memory-cell.ts'
import { PendingDrops } from './pending-drops.ts'
import type { SeqRange } from './seq-range.ts'

/** How many bytes to write, or cells to visit, count as one unit of work. */
const bytesPerUnit = 512
const passedPerUnit = 16
/** This many tombstones take no more space than a drop and its memory in a restore. */
const tombstonesMax = 8
/**
 * How many dropped cells are marked for each created one, so that they take no more memory than live ones.
 */
const marksPerCell = 2

/** Numbers the cells of a job in the order of creation. */
export interface Sequence {
  last: number
}

/**
 * One piece of state of one subtask, with every cell live.
 *
 * Three sets of cells (`MemoryCell.epoch` tells them apart): clean; dirty, in `#dirty`; owed to the snapshot
 * being written, in `#frozen`. Invariants between any two calls:
 *
 *  1. Every dirty cell is in `#dirty` once. Every owed cell is in `#frozen`; entries of `#frozen` that are
 *     not owed were written early, because the cell was accessed.
 *  2. A cell that was returned since the last freeze is not owed.
 *  3. Records of a cell are written before its tombstone or the drop that covers it.
 *  4. A cell is dead if it says so, or if `#drops` covers it.
 *
 * A token that is deleted and created again is another cell with a higher `seq`. Records and tombstones refer
 * to a `seq`, not to a token, so the old cell's tombstone and the new cell's record can be written in any
 * order.
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
  /** Number of cells visited without work since the last unit was counted. */
  #passed = 0
  #hasRecords: boolean
  #bytes = 0

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

  /** The length of the latest records of its cells, as of the last snapshot. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether any segment may contain records of this table. */
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

  /** Assigns all changes so far to the next snapshot, including those of an aborted one. */
  freeze(): void {
    this.#epoch++
    this.#frozen.append(this.#dirty)
    this.#dirty = new DirtyList()
    this.#drops.freeze()
  }

  /** Writes owed cells until none is left (returns true) or the slice is over. */
  encode(slicing: Slicing): boolean {
    return this.#markDropped(slicing) && this.#encodeCells(slicing) && this.#encodeDrops(slicing)
  }

  /** Whether no frozen change is left to write. */
  get isSettled(): boolean {
    return this.#frozen.length === 0 && this.#drops.isSettled
  }

  /**
   * Rewrites clean cells whose records are in victims, one at a time; yields the units of work done. A record
   * of a clean cell is the same wherever and whenever it is written, so this may continue before, during and
   * after a freeze. Dirty and owed cells are rewritten anyway.
   */
  *rewriteVictims(): Generator<number> {
    for (const cell of this.#index.all()) {
      const isVictim = cell.epoch === 0 && cell.segment?.isVictim === true && !this.#isGone(cell)
      if (isVictim) yield unitsOf(this.#write(cell))
      else if (this.#hasPassed()) yield 1
    }
  }

  /** Adds cells from the segments, none newer than the store's sequence. Yields after each cell or step. */
  *restore(cells: SeqRange<T>): Generator<undefined> {
    for (const cell of cells.inOrder()) {
      if (cell !== undefined) {
        this.#index.add(cell)
        this.#bytes += cell.bytes
      }
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
      this.#bytes -= drop.deadBytes
      if (drop.deadBytes > 0) this.#block.drop(drop.outer, drop.seq)
      if (slicing.spend()) return false
    }
    return true
  }

  /** Counts a visited cell; true when these make up a unit of work. */
  #hasPassed(): boolean {
    this.#passed = (this.#passed + 1) % passedPerUnit
    return this.#passed === 0
  }

  #isOwed(cell: MemoryCell<T>): boolean {
    return cell.epoch !== this.#epoch && cell.epoch !== 0
  }

  /** Writes an owed cell, or rewrites a clean one; it is clean then. Returns the bytes written. */
  #write(cell: MemoryCell<T>): number {
    let bytes = 0
    if (cell.segment !== undefined) this.#bytes -= cell.bytes
    if (!cell.isDead) bytes = this.#block.value(cell)
    else if (cell.segment !== undefined) this.#block.tombstone(cell)
    cell.epoch = 0
    this.#bytes += bytes
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
