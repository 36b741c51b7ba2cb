import type { TableSpec } from '@millrace/core/store'
import type { CellEntries } from './cell-entries.ts'
import type { DiskCell } from './disk-cell.ts'
import type { DiskLog } from './disk-log.ts'
import type { LiveCells } from './live-cells.ts'
import type { PendingRecord } from './pending-record.ts'
import { bytesOf, slotOf } from './place.ts'
import { RecordWriter, type RecordOwner, type RecordPlace } from './record-writer.ts'

/** What a table writes, at the level that its freezes say: see `DiskLog`. */
export class TableWriters<T> implements RecordOwner<T> {
  readonly #spec: TableSpec<T>
  readonly #log: DiskLog
  readonly #entries: CellEntries
  readonly #live: LiveCells<T>
  readonly #writers: RecordWriter<T>[] = []
  /** How often the table was frozen since the last snapshot was named, and when. */
  #freezes = 0
  #frozenRound = -1
  /** The highest level of what it wrote since the last snapshot was named, and when. */
  #writtenLevel = 0
  #writtenRound = -1

  constructor(spec: TableSpec<T>, log: DiskLog, entries: CellEntries, live: LiveCells<T>) {
    this.#spec = spec
    this.#log = log
    this.#entries = entries
    this.#live = live
  }

  /** How often the table was frozen since the last snapshot was named: the level of what it writes now. */
  get level(): number {
    return this.#frozenRound === this.#log.round ? this.#freezes : 0
  }

  /** Whether what was written belongs to a snapshot of these levels, or is above them. */
  isWithin(levels: number): boolean {
    const hasWritten = this.#writtenRound === this.#log.round
    return !hasWritten || this.level === levels || this.#writtenLevel < Math.max(1, this.level)
  }

  freeze(): void {
    this.#freezes = this.level + 1
    this.#frozenRound = this.#log.round
  }

  /** The writer of a level. */
  at(level: number): RecordWriter<T> {
    const { round } = this.#log
    this.#writtenLevel = this.#writtenRound === round ? Math.max(this.#writtenLevel, level) : level
    this.#writtenRound = round
    while (this.#writers.length <= level) {
      this.#writers.push(new RecordWriter(this.#spec, this.#log, this.#writers.length, this))
    }
    return this.#writers[level]!
  }

  /** Closes the blocks of all levels up to that of the table, so that every record has a place. */
  close(): void {
    for (let level = 0; level <= this.level; level++) this.#writers[level]?.close()
  }

  placed(cell: DiskCell<T>, record: PendingRecord, { target, offset, level, word }: RecordPlace): void {
    const isLatest = cell.pending === record
    if (isLatest) cell.pending = undefined
    if (!isLatest || cell.isDead) {
      this.#log.bury(target.segment, bytesOf(word), this.level)
      return
    }
    this.bury(cell.placeB, level, this.#log.round)
    cell.placeA = offset
    cell.placeB = word
  }

  copied(
    entry: number,
    [placeA, placeB]: readonly [number, number],
    { target, offset, word }: RecordPlace,
  ): void {
    const live = this.#live.of(entry)
    const isSame =
      live === undefined
        ? this.#entries.placeA(entry) === placeA && this.#entries.placeB(entry) === placeB
        : live.placeA === placeA && live.placeB === placeB
    if (!isSame) {
      this.#log.bury(target.segment, bytesOf(word), this.level)
      return
    }
    this.bury(placeB, 0, this.#log.round)
    if (live === undefined) this.#entries.setPlace(entry, offset, word)
    else {
      live.placeA = offset
      live.placeB = word
    }
  }

  /** The record at a place is dead, because of something that was done at this level in this round. */
  bury(word: number, level: number, round: number = this.#log.round): void {
    if (word !== 0) this.#log.bury(this.#log.at(slotOf(word)).segment, bytesOf(word), level, round)
  }
}
