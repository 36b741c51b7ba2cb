/**
 * The right to write: to a data directory, and to all external output of its job.
 *
 * One process has it at a time. It can lose it without noticing: a process that was paused for minutes, or
 * disconnected from its disk, may have been replaced before it continues. So everything that must not be
 * written twice is written in two steps: the owner confirms that it still owns the directory, and the last
 * step is one that the next owner makes impossible before it reads (it removes the temporary file that would
 * be renamed), or one that is idempotent.
 */
export interface Owner {
  /** Identifies the data directory permanently: the same for all its owners, also after it was moved. */
  readonly job: string
  /** Greater than the epoch of every process that owned the directory before. */
  readonly epoch: number
  /** Rejects with `DIRECTORY_LOCKED` once another process has acquired the directory. */
  confirm(): Promise<void>
}

/** The ownership of a data directory, which its job ends when it has ended. */
export interface HeldDirectory extends Owner {
  /** Ends the ownership. Rejects with `DIRECTORY_LOCKED` if it was lost before. */
  release(): Promise<void>
}
