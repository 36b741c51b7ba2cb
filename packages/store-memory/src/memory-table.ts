import { assert } from '@millrace/core'
import type { Cell, KeyGroupRange, KeyToken, StateTable, TableSpec } from '@millrace/core'
import type { BlockWriter } from './block-writer.ts'
import { CellIndex } from './cell-index.ts'
import { DirtyList } from './dirty-list.ts'
import { MemoryCell } from './memory-cell.ts'
import { inSeqOrder } from './seq-order.ts'
import type { Segment } from './segment.ts'
import type { Slice } from './slice.ts'

/** The work of looking at a cell, in the unit of `Slice`: about what writing so many bytes takes. */
const cellWork = 512
/** The same for a cell that compaction passes by. */
const passingWork = 32
/** As many tombstones take no more room than a drop and what a restore has to remember of it. */
const tombstonesMax = 8

/** Gives every cell of a job its place in the order of creation. */
export interface Sequence {
  last: number
}

/** Cells that went together: all under one outer token that were made up to `seq`. */
interface Drop {
  readonly outer: KeyToken
  readonly seq: number
  /** How many bytes of which segment are dead once the drop is written. */
  readonly dead: ReadonlyMap<Segment, number>
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
  #drops: Drop[] = []
  #frozenDrops: Drop[] = []
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
    const cell = new MemoryCell(outer, inner, group, value, ++this.#sequence.last, this.#epoch)
    this.#index.add(cell)
    this.#dirty.push(cell)
    return cell
  }

  changed(cell: Cell<T>): void {
    const own = cell as MemoryCell<T>
    if (own.epoch === this.#epoch) return
    assert(own.epoch === 0 && !own.isDead, 'a cell is looked up again after a barrier and after its deletion')
    own.epoch = this.#epoch
    this.#dirty.push(own)
  }

  delete(cell: Cell<T>): void {
    const own = cell as MemoryCell<T>
    if (own.isDead) return
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
    const dead = new Map<Segment, number>()
    for (const cell of cells.values()) {
      if (this.#isOwed(cell)) this.#write(cell)
      const { segment } = cell
      if (segment !== undefined) dead.set(segment, (dead.get(segment) ?? 0) + cell.bytes)
      cell.isDead = true
      cell.segment = undefined
      if (cell.epoch === this.#epoch) this.#dirty.wither()
    }
    this.#index.removeOuter(outer)
    if (dead.size > 0) this.#drops.push({ outer, seq: this.#sequence.last, dead })
  }

  *cells(outer: KeyToken): Generator<Cell<T>> {
    const cells = this.#index.under(outer)
    if (cells === undefined) return
    for (const cell of cells.values()) {
      if (this.#isOwed(cell)) this.#write(cell)
      yield cell
    }
  }

  count(outer: KeyToken): number {
    return this.#index.under(outer)?.size ?? 0
  }

  /** In the order of their oldest cells, which is the same before and after a restore. */
  outers(): readonly KeyToken[] {
    return this.#index.outers()
  }

  /** Everything changed so far belongs to the next snapshot. What an abandoned one left over does too. */
  freeze(): void {
    this.#epoch++
    this.#frozen.append(this.#dirty)
    this.#dirty = new DirtyList()
    this.#frozenDrops = this.#frozenDrops.length === 0 ? this.#drops : this.#frozenDrops.concat(this.#drops)
    this.#drops = []
  }

  /** Writes owed cells until none is left, which returns true, or the slice is over. */
  encode(slice: Slice): boolean {
    for (let cell = this.#frozen.first(); cell !== undefined; cell = this.#frozen.first()) {
      const work = this.#isOwed(cell) ? cellWork + this.#write(cell) : passingWork
      this.#frozen.removeFirst()
      if (slice.spend(work)) return false
    }
    for (let drop = this.#frozenDrops.at(-1); drop !== undefined; drop = this.#frozenDrops.at(-1)) {
      this.#writeDrop(drop)
      this.#frozenDrops.pop()
      if (slice.spend(cellWork)) return false
    }
    return true
  }

  /** Whether nothing frozen is left to write. */
  get isSettled(): boolean {
    return this.#frozen.length === 0 && this.#frozenDrops.length === 0
  }

  /**
   * Writes clean cells anew whose records stand in victims, one after the other as the caller asks; yields
   * the work done. A record of a clean cell says the same wherever and whenever it is written, so this
   * may go on before, during and after a freeze. Cells that are dirty or owed leave the victims by themselves.
   */
  *rewriteVictims(): Generator<number> {
    let work = 0
    for (const cell of this.#index.all()) {
      if (cell.epoch === 0 && cell.segment?.isVictim === true) work += cellWork + this.#write(cell)
      work += passingWork
      if (work < 8 * cellWork) continue
      yield work
      work = 0
    }
  }

  /** Takes in what the segments hold: each cell once, in any order, none newer than the store's sequence. */
  restore(cells: readonly MemoryCell<T>[]): void {
    for (const cell of inSeqOrder(cells)) this.#index.add(cell)
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

  #writeDrop(drop: Drop): void {
    this.#block.drop(drop.outer, drop.seq)
    for (const [segment, bytes] of drop.dead) segment.liveBytes -= bytes
  }
}

function isWithin(groups: KeyGroupRange, group: number): boolean {
  return group >= groups.first && group <= groups.last
}
