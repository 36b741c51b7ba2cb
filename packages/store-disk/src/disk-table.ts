import { assert } from '@millrace/core/store'
import type { Cell, KeyToken, Slicing, StateTable, TableSpec } from '@millrace/core/store'
import type { BlockRecords } from './block-records.ts'
import type { Evictable } from './cell-cache.ts'
import { CellEntries } from './cell-entries.ts'
import { DiskCell } from './disk-cell.ts'
import type { DiskLog } from './disk-log.ts'
import { DoomedEntries, type Doomed } from './doomed-entries.ts'
import { LiveCells } from './live-cells.ts'
import { OuterIndex } from './outer-index.ts'
import { bytesOf, recordOf, slotOf } from './place.ts'
import { isWithin, unitsOf, type StoredCell, type TableSurroundings } from './table-parts.ts'
import { TableWriters } from './table-writers.ts'
import { sameToken, TokenBytes } from './token-hash.ts'
import { ValueReaders } from './value-readers.ts'
import { Walks } from './walks.ts'

/** How many cells to visit count as one unit of work. */
const passedPerUnit = 16
/** Up to this many cells under an outer token get a tombstone each. */
const tombstonesMax = 8
/** How many dropped entries are removed for each created one. */
const removalsPerCell = 2

/**
 * One piece of state of one subtask: every key in the index, some of the cells in memory, the others in the log.
 *
 * Invariants between any two calls:
 *
 *  1. An entry of the index has either the slot of its cell in `live` or the place of its record.
 *  2. A cell that was returned since the last freeze is not owed. Owed cells are in memory: when one is evicted it is written.
 *  3. Records of a cell are written before its tombstone or the drop that covers it.
 */
export class DiskTable<T> implements StateTable<T>, Evictable {
  readonly spec: TableSpec<T>
  /** Records with a `seq` up to this belong to an earlier table of the same name. */
  readonly since: number
  readonly entries: CellEntries = new CellEntries()
  readonly lists: OuterIndex
  readonly #around: TableSurroundings
  readonly #log: DiskLog
  readonly #live: LiveCells<T>
  readonly #readers: ValueReaders<T>
  readonly writers: TableWriters<T>
  readonly #tokens = new TokenBytes()
  readonly #walks = new Walks()
  readonly #outerWalks = new Walks()
  readonly #doomed: DoomedEntries
  #epoch = 1
  /** The next cell to look at for the snapshot; infinity: all were. */
  #scanned = Number.POSITIVE_INFINITY
  #passed = 0
  #size = 0
  #hasRecords: boolean
  #last: DiskCell<T> | undefined = undefined

  constructor(
    spec: TableSpec<T>,
    around: TableSurroundings,
    restored: { readonly since: number } | undefined,
  ) {
    this.spec = spec
    this.#around = around
    this.lists = new OuterIndex(this.entries, (entry) => this.at(entry).outer)
    this.#log = around.log
    this.#live = new LiveCells(this.entries, around.cache, spec.staysLive === true)
    this.writers = new TableWriters(spec, around.log, this.entries, this.#live)
    this.#readers = new ValueReaders(spec)
    this.since = restored?.since ?? around.sequence.last
    this.#hasRecords = restored !== undefined
    this.#doomed = new DoomedEntries((doomed) => this.#removeDoomed(doomed))
    around.cache.register(this)
  }

  get size(): number {
    return this.#size
  }

  get cellBytes(): number {
    return this.#live.evictableBytes
  }

  get indexBytes(): number {
    return this.entries.bytes + this.lists.bytes
  }

  /** Whether any segment may contain records of this table. */
  get hasRecords(): boolean {
    return this.#hasRecords
  }

  /** Whether no frozen change is left to write. */
  get isSettled(): boolean {
    return this.#scanned === Number.POSITIVE_INFINITY
  }

  find(outer: KeyToken, inner: KeyToken): Cell<T> | undefined {
    const last = this.#last
    const isLast = last !== undefined && last.slot >= 0 && last.inner === inner && last.outer === outer
    const cell = isLast ? last : this.#lookUp(outer, inner)
    if (cell === undefined) return undefined
    this.#last = cell
    cell.isRecent = true
    if (this.#isOwed(cell)) this.#write(cell)
    return cell
  }

  create(outer: KeyToken, inner: KeyToken, group: number, value: T): Cell<T> {
    assert(isWithin(this.spec.groups, group), 'a cell is made by the subtask that owns its key group')
    for (let i = 0; i < removalsPerCell && !this.#doomed.isEmpty; i++) this.#doomed.step()
    const seq = ++this.#around.sequence.last
    const cell = new DiskCell({ outer, inner, group, value, seq, epoch: this.#epoch })
    cell.entry = this.entries.add(this.#tokens.set(outer, inner))
    const hash = this.#tokens.outerHash
    const list = this.lists.find(hash, outer) || this.lists.add(hash, outer)
    this.lists.append(list, cell.entry)
    this.#admit(cell)
    this.#size++
    this.#last = cell
    return cell
  }

  changed(cell: Cell<T>): void {
    const given = cell as DiskCell<T>
    if (given.epoch === this.#epoch && given.slot >= 0) return
    const own = this.#isGone(given) ? undefined : this.#present(given)
    if (own?.epoch === this.#epoch) return
    assert(own?.epoch === 0, 'a cell is looked up again after a barrier and after its deletion')
    own.epoch = this.#epoch
  }

  delete(cell: Cell<T>): void {
    const given = cell as DiskCell<T>
    const own = this.#isGone(given) ? undefined : this.#present(given)
    if (own === undefined) return
    if (this.#isOwed(own)) this.#write(own)
    if (own.hasRecord) this.writers.at(this.writers.level).tombstone(own.seq)
    const { entry } = own
    this.#walks.leave(entry, this.entries.next(entry))
    const list = this.lists.find(this.#tokens.enter(own.outer), own.outer)
    if (this.lists.count(list) === 1) this.#outerWalks.leave(list, this.lists.next(list))
    this.lists.unlink(list, entry)
    this.#kill(own, this.writers.level, this.#log.round)
    given.isDead = true
    this.#size--
  }

  deleteOuter(outer: KeyToken): void {
    const list = this.lists.find(this.#tokens.enter(outer), outer)
    if (list === 0) return
    if (this.lists.count(list) <= tombstonesMax) {
      for (const cell of this.cells(outer)) this.delete(cell)
      return
    }
    this.#walks.end(list)
    this.#outerWalks.leave(list, this.lists.next(list))
    this.#last = undefined
    this.#size -= this.lists.count(list)
    const { level } = this.writers
    const { last } = this.#around.sequence
    // After a freeze its snapshot still gets the records of cells that have none yet.
    if (this.#hasRecords || level > 0) this.writers.at(level).drop(outer, last)
    const next = this.lists.firstOf(list)
    this.lists.remove(list)
    const { round } = this.#log
    this.#doomed.add({ outer, seq: last, epoch: this.#epoch, level, round, next })
  }

  *cells(outer: KeyToken): Generator<Cell<T>> {
    const list = this.lists.find(this.#tokens.enter(outer), outer)
    if (list === 0) return
    const walk = this.#walks.begin(list, this.lists.firstOf(list))
    try {
      while (walk.next !== 0) {
        const entry = walk.next
        walk.next = this.entries.next(entry)
        const cell = this.at(entry)
        if (this.#isOwed(cell)) this.#write(cell)
        yield cell
      }
    } finally {
      this.#walks.finish(walk)
    }
  }

  count(outer: KeyToken): number {
    const list = this.lists.find(this.#tokens.enter(outer), outer)
    return list === 0 ? 0 : this.lists.count(list)
  }

  *outers(): Generator<KeyToken> {
    const walk = this.#outerWalks.begin(0, this.lists.first)
    try {
      while (walk.next !== 0) {
        const list = walk.next
        walk.next = this.lists.next(list)
        yield this.lists.token(list)
      }
    } finally {
      this.#outerWalks.finish(walk)
    }
  }

  /** Assigns all changes so far to the next snapshot, including those of an aborted one. */
  freeze(): void {
    this.writers.freeze()
    this.#epoch++
    this.#scanned = 0
  }

  /** Writes owed cells until none is left (returns true) or the slice is over. */
  encode(slicing: Slicing): boolean {
    while (this.#doomed.step()) if (this.#hasPassed() && slicing.spend()) return false
    while (this.#scanned < this.#live.slots) {
      const cell = this.#live.at(this.#scanned)
      const isOwed = cell !== undefined && this.#isOwed(cell)
      const units = isOwed ? unitsOf(this.#write(cell)) : this.#hasPassed() ? 1 : 0
      this.#scanned++
      if (units > 0 && slicing.spend(units)) return false
    }
    this.#scanned = Number.POSITIVE_INFINITY
    return true
  }

  evict(bytes: number): number {
    // A record written after the drop that covers it would bring the cell back.
    const victims = this.#live.victims(bytes).filter((cell) => !this.#isGone(cell))
    for (const cell of victims) if (cell.epoch !== 0) this.#write(cell)
    if (victims.some((cell) => cell.pending !== undefined)) this.writers.close()
    let freed = 0
    for (const cell of victims) {
      freed += cell.weight
      this.#live.remove(cell)
      this.entries.setPlace(cell.entry, cell.placeA, cell.placeB)
      if (this.#last === cell) this.#last = undefined
    }
    return freed
  }

  /** The cell of an entry, from the log if it is not in memory. */
  at(entry: number): DiskCell<T> {
    const live = this.#live.of(entry)
    if (live !== undefined) return live
    const word = this.entries.placeB(entry)
    const records = this.#log.read(slotOf(word), this.entries.placeA(entry))
    const record = recordOf(word)
    return this.#restore({
      entry,
      records,
      record,
      outer: records.outer(record),
      inner: records.inner(record),
    })
  }

  /**
   * Rewrites the record of an entry, if it is its latest one, into the snapshot that is being made. A record of a clean cell is
   * the same wherever and whenever it is written. Dirty and owed cells are rewritten anyway. Returns the bytes written.
   */
  relocate(records: BlockRecords, record: number, placeA: number, slot: number): number {
    const entry = this.#live.entryAt(records, record, placeA, slot)
    if (entry === 0) return 0
    if (!this.#doomed.isEmpty && this.#doomed.covers(records.outer(record), records.seq(record))) return 0
    const live = this.#live.of(entry)
    if (live !== undefined && (live.epoch !== 0 || live.pending !== undefined)) return 0
    if (!this.#readers.isCurrent(records.origin)) return this.#write(this.at(entry), 0)
    const placeB = live === undefined ? this.entries.placeB(entry) : live.placeB
    return this.writers.at(0).copy(records, record, entry, placeA, placeB)
  }

  /** Whether another codec wrote a block. Throws `CHECKPOINT_INCOMPATIBLE` if the table's cannot read it. */
  isForeign(records: BlockRecords): boolean {
    return this.#readers.isForeign(records.origin)
  }

  /** Brings the cell of a new entry into memory, as changed: it has no record that counts. */
  restoreChanged(entry: number, records: BlockRecords, record: number): void {
    const [outer, inner] = [records.outer(record), records.inner(record)]
    this.#restore({ entry, records, record, outer, inner }).epoch = this.#epoch
  }

  /** Counts a cell that was restored. */
  restored(): void {
    this.#size++
  }

  /** The cell with these tokens. */
  #lookUp(outer: KeyToken, inner: KeyToken): DiskCell<T> | undefined {
    const tokens = this.#tokens
    const hash = tokens.set(outer, inner)
    const { entries } = this
    for (let entry = entries.first(hash); entry !== 0; entry = entries.after(entry)) {
      if (entries.hash(entry) !== hash) continue
      const live = this.#live.of(entry)
      if (live !== undefined) {
        if (!sameToken(live.inner, inner) || !sameToken(live.outer, outer)) continue
        if (!this.#doomed.covers(outer, live.seq)) return live
        continue
      }
      const word = entries.placeB(entry)
      const records = this.#log.read(slotOf(word), entries.placeA(entry))
      const record = recordOf(word)
      const isSame =
        tokens.isInner(records.bytes, records.innerStart(record), records.innerEnd(record)) &&
        tokens.isOuter(records.bytes, records.outerStart(record), records.outerEnd(record))
      if (!isSame || this.#doomed.covers(outer, records.seq(record))) continue
      return this.#restore({ entry, records, record, outer, inner })
    }
    return undefined
  }

  /** Brings a cell into memory. */
  #restore({ entry, records, record, outer, inner }: StoredCell): DiskCell<T> {
    const value = this.#readers.read(records, record)
    const [group, seq] = [records.group(record), records.seq(record)]
    const cell = new DiskCell({ outer, inner, group, value, seq, epoch: 0 })
    cell.entry = entry
    cell.placeA = this.entries.placeA(entry)
    cell.placeB = this.entries.placeB(entry)
    this.#admit(cell)
    return cell
  }

  #admit(cell: DiskCell<T>): void {
    this.#live.add(cell, cell.placeB === 0 ? undefined : bytesOf(cell.placeB))
  }

  /** The live cell of the same value: the given one, taken back if it was evicted. Undefined if it was deleted. */
  #present(given: DiskCell<T>): DiskCell<T> | undefined {
    if (given.slot >= 0) return given
    const { entry } = given
    const live = this.#live.of(entry)
    if (live !== undefined) {
      if (live.seq !== given.seq) return undefined
      live.value = given.value
      return live
    }
    if (this.entries.placeA(entry) !== given.placeA || this.entries.placeB(entry) !== given.placeB)
      return undefined
    this.#admit(given)
    return given
  }

  /** Removes the next entry of a drop. */
  #removeDoomed(doomed: Doomed): void {
    const entry = doomed.next
    doomed.next = this.entries.next(entry)
    const cell = this.#live.of(entry)
    if (cell === undefined) {
      this.writers.bury(this.entries.placeB(entry), doomed.level, doomed.round)
      this.entries.remove(entry)
      return
    }
    // What was changed before the freeze that the drop came after is part of the snapshot.
    if (doomed.epoch === this.#epoch && this.#isOwed(cell)) this.#write(cell)
    this.#kill(cell, doomed.level, doomed.round)
  }

  #kill(cell: DiskCell<T>, level: number, round: number): void {
    cell.isDead = true
    this.writers.bury(cell.placeB, level, round)
    this.#live.remove(cell)
    this.entries.remove(cell.entry)
    if (this.#last === cell) this.#last = undefined
  }

  #isGone(cell: DiskCell<T>): boolean {
    return cell.isDead || this.#doomed.covers(cell.outer, cell.seq)
  }

  #isOwed(cell: DiskCell<T>): boolean {
    return cell.epoch !== this.#epoch && cell.epoch !== 0
  }

  /** Writes a cell, which is clean then. Returns the bytes written. */
  #write(cell: DiskCell<T>, level: number = this.#levelOf(cell)): number {
    const bytes = this.writers.at(level).value(cell)
    cell.epoch = 0
    this.#hasRecords = true
    this.#live.written(cell, bytes)
    return bytes
  }

  #levelOf(cell: DiskCell<T>): number {
    return this.#isOwed(cell) ? Math.max(0, this.writers.level - 1) : this.writers.level
  }

  /** Counts a visited cell; true when these make up a unit of work. */
  #hasPassed(): boolean {
    this.#passed = (this.#passed + 1) % passedPerUnit
    return this.#passed === 0
  }
}
