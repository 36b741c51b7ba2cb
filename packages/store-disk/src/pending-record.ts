/** A value in a block that is not closed yet. */
export interface PendingRecord {
  /** The number of the record in the block, and its length. */
  readonly index: number
  readonly bytes: number
}
