import type { EventTime } from '../record/time.ts'

/** What event time waits for: a source or a split of it that is behind records which others have brought. */
export interface EventTimeWait {
  readonly source: string
  readonly subtask: number
  /** The split that is waited for; undefined for splits that were found and not opened yet. */
  readonly split: string | undefined
  /** Whether that split is caught up and brings nothing. */
  readonly isQuiet: boolean
  /** How long a split of the source must be quiet to be idle, in milliseconds; undefined: none ever is. */
  readonly idleAfterMs: number | undefined
  /** Where the watermark is. */
  readonly watermark: EventTime
  /** Where it would be without the wait. */
  readonly ahead: EventTime
  /** Since when it has been there, in milliseconds since the epoch. */
  readonly since: number
}
