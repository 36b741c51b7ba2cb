/** What clients have done to logs: the input of the checker. */

/**
 * One operation of a client: a transaction, or a step alone.
 *
 * `ok`: it was acknowledged, so it has happened. `failed`: it has not happened, and never will. `unknown`: either.
 */
export interface LogOperation {
  /** Operations of one process follow one another in the order of the history. */
  readonly process: string
  readonly outcome: 'ok' | 'failed' | 'unknown'
  readonly steps: readonly LogStep[]
}

/** One call of a client. */
export type LogStep = SendStep | PollStep | SeekStep

/** A record that was appended. Each value is sent once. */
export interface SendStep {
  readonly kind: 'send'
  readonly log: string
  readonly value: string
  /** Where it was appended, if the broker has said so. */
  readonly offset?: number
}

/** What a reader got of a log with one call, in order. */
export interface PollStep {
  readonly kind: 'poll'
  readonly log: string
  readonly records: readonly (readonly [offset: number, value: string])[]
}

/** From here on the reader may be anywhere in the log. */
export interface SeekStep {
  readonly kind: 'seek'
  readonly log: string
}

/** The names that Jepsen's checkers of logs give to what goes wrong. */
export type AnomalyKind =
  | 'duplicate'
  | 'G0'
  | 'G1a'
  | 'G1c'
  | 'inconsistent-offsets'
  | 'int-nonmonotonic-poll'
  | 'int-nonmonotonic-send'
  | 'int-poll-skip'
  | 'int-send-skip'
  | 'lost-write'
  | 'nonmonotonic-poll'
  | 'nonmonotonic-send'
  | 'poll-skip'
  | 'precommitted-read'
  | 'unseen'

/** Something in a history that a log must not show. */
export interface Anomaly {
  readonly kind: AnomalyKind
  /** What was seen, with its log, offsets and values. */
  readonly message: string
}

/** What Kafka allows: the writes of transactions may alternate in a log, and in another one in another order. */
export const allowedByKafka: ReadonlySet<AnomalyKind> = new Set(['G0', 'int-send-skip'])
