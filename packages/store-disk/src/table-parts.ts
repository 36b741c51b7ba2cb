import type { KeyGroupRange, KeyToken } from '@millrace/core/store'
import type { BlockRecords } from './block-records.ts'
import type { CellCache } from './cell-cache.ts'
import type { DiskLog } from './disk-log.ts'

/** How many bytes to write count as one unit of work. */
const bytesPerUnit = 512

/** Numbers the cells of a job in the order of creation. */
export interface Sequence {
  last: number
}

/** What a table shares with the others of its store. */
export interface TableSurroundings {
  readonly log: DiskLog
  readonly cache: CellCache
  readonly sequence: Sequence
}

/** A cell as the log has it, and its tokens. */
export interface StoredCell {
  readonly entry: number
  readonly records: BlockRecords
  readonly record: number
  readonly outer: KeyToken
  readonly inner: KeyToken
}

export function isWithin(groups: KeyGroupRange, group: number): boolean {
  return group >= groups.first && group <= groups.last
}

/** The units of work of writing a record. */
export function unitsOf(bytes: number): number {
  return 1 + Math.floor(bytes / bytesPerUnit)
}
