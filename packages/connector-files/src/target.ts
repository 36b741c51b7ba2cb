/** Where a subtask's bytes go, and how they become visible. Calls never overlap. */
export interface Target<Committable> {
  /** How many bytes to gather before a call of `append`. */
  readonly flushBytes: number
  /** Whether the next byte will be the first of a file. */
  readonly isAtStart: boolean
  /** Takes whole records, out of sight. */
  append(bytes: Uint8Array): Promise<void>
  /** Makes everything appended durable, still out of sight. */
  prepare(checkpoint: number): Promise<Committable>
  /** Makes visible and durable what was prepared, and everything before it. Does nothing the second time. */
  commit(committable: Committable): Promise<void>
  /**
   * Closes everything; with `isSound`, when nothing has failed, it also removes what no restart needs. Resolves with
   * whether no restart needs anything: all that was appended is visible.
   */
  close(isSound: boolean): Promise<boolean>
}
