/** What the worker and the measurement know of each other. */

export const leases = 4
export const partitions = 4

/** The argument of a worker. */
export interface Assignment {
  readonly brokers: string
  readonly job: string
  readonly input: string
  readonly output: string
  readonly directory: string
  /** Undefined: when it stops, others get its leases at once. */
  readonly name?: string | undefined
  readonly standbys: number
}

/** A new text of a key. */
export interface Update {
  readonly key: string
  /** The time at which it had to be written. */
  readonly due: number
  /** The partition that it is in. */
  readonly partition: number
  readonly text: string
}

/** The result of an update. */
export interface Sample {
  readonly key: string
  readonly due: number
  readonly partition: number
}

/** What a worker prints. */
export interface Notice {
  readonly kind: 'running' | 'releasing'
  readonly lease: number
}
