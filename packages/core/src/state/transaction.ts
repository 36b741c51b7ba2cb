/** Something whose changes are kept or taken back together with those of others. */
export interface Participant {
  /** Keeps what was changed since it joined. */
  commit(): void
  /** Takes back what was changed since it joined. */
  rollback(): void
}

/** Says when changes may still have to be taken back. Every participant joins anew in each transaction. */
export interface Transaction {
  readonly isOpen: boolean
  join(participant: Participant): void
}
