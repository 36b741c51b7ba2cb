import type { EventTime } from '../record/time.ts'

/** What event time waits for: a source or one of its splits that is behind the records of others. */
export interface EventTimeWait {
  readonly source: string
  readonly subtask: number
  /** The split; undefined for splits that were discovered and not opened yet. */
  readonly split: string | undefined
  /** Whether that split has returned all its data and nothing new. */
  readonly isQuiet: boolean
  /** How long a split of the source must be quiet to be idle, in milliseconds; undefined: none ever is. */
  readonly idleAfterMs: number | undefined
  /** The current watermark. */
  readonly watermark: EventTime
  /** The watermark that others have reached. */
  readonly ahead: EventTime
  /** Since when it has not advanced, in milliseconds since the epoch. */
  readonly since: number
}
