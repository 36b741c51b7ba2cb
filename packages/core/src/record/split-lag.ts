/** How much of a split was not read yet: in bytes, in records, or both. */
export interface SplitLag {
  readonly bytes?: number
  readonly records?: number
}
