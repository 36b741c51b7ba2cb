import type { Cell, KeyToken } from '@millrace/core/store'
import type { PendingRecord } from './pending-record.ts'

/** What a cell is created from. */
export interface CellParts<T> {
  readonly outer: KeyToken
  readonly inner: KeyToken
  readonly group: number
  readonly value: T
  readonly seq: number
  readonly epoch: number
}

/**
 * One value in memory.
 *
 * `epoch`, compared with the epoch of the table, says what a snapshot must do, as in the memory store: 0: clean; the
 * table's epoch: dirty; any other: owed to the snapshot that is being written.
 *
 * A cell that was evicted is still the one that its holder knows: `slot` is -1, and the table takes it back when it is
 * changed or deleted.
 */
export class DiskCell<T> implements Cell<T> {
  declare value: T
  declare epoch: number
  /** Whether it was looked up since the last search for cells to evict. */
  declare isRecent: boolean
  declare isDead: boolean
  /** Its entry in the index. */
  declare entry: number
  /** Where it is among the live cells of its table; -1: it was evicted. */
  declare slot: number
  /** The place of its latest record: see `placeWord`. `placeB` is 0 before the first one is placed. */
  declare placeA: number
  declare placeB: number
  /** Its latest record, while that is in a block that is not closed yet. */
  declare pending: PendingRecord | undefined
  /** How many bytes of memory it counts for. */
  declare weight: number
  declare readonly seq: number
  declare readonly outer: KeyToken
  declare readonly inner: KeyToken
  declare readonly group: number

  constructor({ outer, inner, group, value, seq, epoch }: CellParts<T>) {
    this.value = value
    this.epoch = epoch
    this.isRecent = true
    this.isDead = false
    this.entry = 0
    this.slot = -1
    this.placeA = 0
    this.placeB = 0
    this.pending = undefined
    this.weight = 0
    this.seq = seq
    this.outer = outer
    this.inner = inner
    this.group = group
  }

  /** Whether the log holds a record of it. */
  get hasRecord(): boolean {
    return this.pending !== undefined || this.placeB !== 0
  }
}
