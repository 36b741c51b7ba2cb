/**
 * The right to write: to a data directory, and to whatever its job writes to elsewhere.
 *
 * One process has it at a time. It can lose it without noticing: a process that was paused for minutes, or cut off from
 * its disk, may have been replaced before it goes on. So whatever must not be written twice is written in two steps: the
 * owner confirms that it still owns the directory, and the last step is one that the next owner makes impossible before
 * it reads (it removes the temporary file that would be renamed), or one that has the same effect when it is repeated.
 */
export interface Owner {
  /** Names the data directory for good: the same in every process that ever owns it, also after it was moved. */
  readonly job: string
  /** Greater than the epoch of every process that owned the directory before. */
  readonly epoch: number
  /** Rejects with `DIRECTORY_LOCKED` once another process has taken over. */
  confirm(): Promise<void>
}
