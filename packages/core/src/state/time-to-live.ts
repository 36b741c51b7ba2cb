/** The clock that a time to live counts on: the times of records and the watermark, or the time of day. */
export type ExpiryClock = 'event' | 'processing'

/** How long a value of a piece of state lives. */
export interface TimeToLive {
  /** In milliseconds, above 0. Infinite: only values that were written with a time to live of their own expire. */
  readonly afterMs: number
  /**
   * `event`: a value has expired once the time of the current record or event timer, or the watermark, is
   * `afterMs` past its stamp, so a replay expires the same values. `processing`: once the clock is.
   */
  readonly clock: ExpiryClock
  /**
   * When a value is stamped anew: never after its creation, when it is written, or also when it is read. A
   * stamp never moves back, whatever the order of records.
   */
  readonly refresh: 'create' | 'write' | 'read'
}
