/** Where a subtask's bytes are written, and how they become visible. Calls never overlap. */
export interface Target<Committable> {
  /** How many bytes to buffer before a call of `append`. */
  readonly flushBytes: number
  /** Whether the next byte will be the first of a file. */
  readonly isAtStart: boolean
  /** Appends complete records, hidden from readers. */
  append(bytes: Uint8Array): Promise<void>
  /** Makes all appended data durable, still hidden. */
  prepare(checkpoint: number): Promise<Committable>
  /** Makes prepared data and everything before it visible and durable. Idempotent. */
  commit(committable: Committable): Promise<void>
  /**
   * Closes everything. With `isSound`, when nothing has failed, it also removes data that no restart needs.
   * Resolves to whether no restart needs any data: everything appended is visible.
   */
  close(isSound: boolean): Promise<boolean>
}
