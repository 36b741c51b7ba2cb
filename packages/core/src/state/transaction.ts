/** Something whose changes are kept or taken back together with those of others. */
export interface Participant {
  /** Keeps what was changed since the transaction began. */
  commit(): void
  /** Takes back what was changed since the transaction began. */
  rollback(): void
}

/** Says when changes may still have to be taken back. */
export interface Transaction {
  readonly isOpen: boolean
  /** From now on `participant` takes part in every transaction. */
  join(participant: Participant): void
}
