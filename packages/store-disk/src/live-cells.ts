import type { BlockRecords } from './block-records.ts'
import type { CellCache } from './cell-cache.ts'
import type { CellEntries } from './cell-entries.ts'
import type { DiskCell } from './disk-cell.ts'
import { recordOf, slotOf } from './place.ts'

/** What a live cell takes besides its key and its value, and how much more memory these take than their bytes. */
const cellBytes = 260
const bytesFactor = 4
/** The length of a record before one is known. */
const firstBytes = 40

/** The cells of a table that are in memory. */
export class LiveCells<T> {
  readonly #entries: CellEntries
  readonly #cache: CellCache
  readonly #staysLive: boolean
  readonly #cells: (DiskCell<T> | undefined)[] = []
  readonly #free: number[] = []
  #bytes = 0
  /** Where the search for cells to evict continues. */
  #hand = 0
  /** A moving mean of the length of records. */
  #meanBytes = firstBytes

  /** With `staysLive` no cell is evicted. */
  constructor(entries: CellEntries, cache: CellCache, staysLive: boolean) {
    this.#entries = entries
    this.#cache = cache
    this.#staysLive = staysLive
  }

  /** Cells are in slots below this. */
  get slots(): number {
    return this.#cells.length
  }

  /** The memory of cells that may be evicted. */
  get evictableBytes(): number {
    return this.#staysLive ? 0 : this.#bytes
  }

  at(slot: number): DiskCell<T> | undefined {
    return this.#cells[slot]
  }

  /** The cell of an entry; undefined if its value is not in memory. */
  of(entry: number): DiskCell<T> | undefined {
    const slot = this.#entries.liveSlot(entry)
    return slot === undefined ? undefined : this.#cells[slot]
  }

  /** The entry whose latest record is this one; 0 if there is none. */
  entryAt(records: BlockRecords, record: number, placeA: number, slot: number): number {
    const entries = this.#entries
    const hash = records.hash(record)
    for (let entry = entries.first(hash); entry !== 0; entry = entries.after(entry)) {
      if (entries.hash(entry) !== hash) continue
      const live = this.of(entry)
      const a = live === undefined ? entries.placeA(entry) : live.placeA
      const b = live === undefined ? entries.placeB(entry) : live.placeB
      if (a === placeA && b !== 0 && slotOf(b) === slot && recordOf(b) === record) return entry
    }
    return 0
  }

  /** Adds a cell; `bytes` is the length of its record, if it has one. */
  add(cell: DiskCell<T>, bytes: number | undefined): void {
    cell.slot = this.#free.pop() ?? this.#cells.length
    this.#cells[cell.slot] = cell
    this.#entries.setLive(cell.entry, cell.slot)
    this.#weigh(cell, weightOf(bytes ?? this.#meanBytes))
  }

  /** The record of a cell was written. */
  written(cell: DiskCell<T>, bytes: number): void {
    this.#meanBytes += (bytes - this.#meanBytes) / 64
    if (cell.slot >= 0) this.#weigh(cell, weightOf(bytes) - cell.weight)
  }

  remove(cell: DiskCell<T>): void {
    this.#cells[cell.slot] = undefined
    this.#free.push(cell.slot)
    this.#bytes -= cell.weight
    if (!this.#staysLive) this.#cache.remove(cell.weight)
    cell.weight = 0
    cell.slot = -1
  }

  /** Cells of about this weight that were not used recently: those that the hand of a clock finds. */
  victims(bytes: number): readonly DiskCell<T>[] {
    const found: DiskCell<T>[] = []
    let weight = 0
    const { length } = this.#cells
    for (let looks = 2 * length; looks > 0 && weight < bytes; looks--) {
      this.#hand = (this.#hand + 1) % length
      const cell = this.#cells[this.#hand]
      if (cell === undefined || found.at(0) === cell) continue
      if (cell.isRecent) {
        cell.isRecent = false
        continue
      }
      cell.isRecent = true
      found.push(cell)
      weight += cell.weight
    }
    return found
  }

  #weigh(cell: DiskCell<T>, change: number): void {
    cell.weight += change
    this.#bytes += change
    if (this.#staysLive) return
    if (change > 0) this.#cache.add(change)
    else this.#cache.remove(-change)
  }
}

function weightOf(bytes: number): number {
  return cellBytes + bytesFactor * Math.round(bytes)
}
