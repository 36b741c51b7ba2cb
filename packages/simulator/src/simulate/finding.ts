/** The ways in which a guarantee can be broken. */
export type FindingKind =
  /** User code does not do the same thing twice. */
  | 'nondeterminism'
  /** User code starts work that is not waited for. */
  | 'unawaited work'
  /** User code changes state in a way that no checkpoint sees. */
  | 'unset state'
  /** User code changes a record that it was given, or a value that it has emitted. */
  | 'mutation'
  | 'missing'
  | 'doubled'
  /** Something came out that does not come out of a run without faults. */
  | 'wrong'
  | 'order'
  | 'state'
  /** The engine did too much before it let anything else happen. */
  | 'held'
  /** Every task waits and none can be woken, or the run never ends. */
  | 'stuck'
  /** The job failed although only faults had occurred that it must tolerate. */
  | 'failed'
  /** A sink was used against its contract. */
  | 'sink'
  | 'invariant'

/** A broken guarantee. */
export interface Finding {
  readonly kind: FindingKind
  /** The sink or operator; undefined for the job as a whole. */
  readonly where: string
  /** One or more lines for people. */
  readonly what: string
}
