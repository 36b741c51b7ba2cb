/** How far a restore has got. */
export interface RestoreProgress {
  /** Bytes that were read. */
  readonly bytes: number
  /** How many bytes there are, estimated from the offsets. */
  readonly ofBytes: number
  /** For how long it will take at the pace so far, in milliseconds; undefined before the first bytes. */
  readonly remainingMs: number | undefined
}
