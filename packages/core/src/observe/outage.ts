/** The state of a circuit breaker. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** A part of a job that waits for a system that cannot be reached. */
export interface Outage {
  /** The source, sink or operator. */
  readonly part: string
  /** Since when, in milliseconds since the epoch. */
  readonly since: number
  /** The first failure, as text. */
  readonly reason: string
  /** The state of its breaker; undefined if it has none. */
  readonly breaker: BreakerState | undefined
}
