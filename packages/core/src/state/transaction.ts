/** An object whose changes are kept or undone together with those of others. */
export interface Participant {
  /** Keeps what was changed since the transaction began. */
  commit(): void
  /** Undoes all changes since the transaction began. */
  rollback(): void
}

/** Knows whether changes may still have to be undone. */
export interface Transaction {
  readonly isOpen: boolean
  /** From now on `participant` is part of every transaction. */
  join(participant: Participant): void
}
