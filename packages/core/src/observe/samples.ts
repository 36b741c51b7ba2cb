import type { SplitLag } from '../record/split-lag.ts'
import type { EventTime } from '../record/time.ts'
import type { TimeSpent } from './work-times.ts'

/** The counters of one subtask at one moment, as plain data: it can be sent from a thread. */
export interface TaskSample {
  readonly task: string
  readonly subtask: number
  readonly kind: 'source' | 'chain' | 'async' | 'sink'
  readonly recordsIn: number
  readonly recordsOut: number
  readonly watermark: EventTime
  /** The newest event time that a source has seen. */
  readonly newest: EventTime
  /** Records that wait before it. */
  readonly queued: number
  /** Bytes that a source has read, or a sink has written; absent where the connector does not count them. */
  readonly bytes?: number
  readonly times: TimeSpent
  /** Each part of the pipeline that runs in it once. */
  readonly operators: readonly OperatorFlow[]
  /** Late records, skipped ones, dead letters, retries. */
  readonly counts: readonly OperatorCount[]
  /** For `mapAsync`: records whose calls run or wait. */
  readonly calls?: CallsSample
}

/** The records that one part of the pipeline has received and emitted, on all its outputs. */
export interface OperatorFlow {
  readonly operator: string
  readonly recordsIn: number
  readonly recordsOut: number
}

/** How often something has happened at one operator. */
export interface OperatorCount {
  readonly operator: string
  readonly metric: string
  readonly count: number
}

/** The calls of one subtask of `mapAsync`. */
export interface CallsSample {
  readonly inFlight: number
}

/** One split that a subtask of a source reads. */
export interface SplitSample {
  readonly source: string
  readonly subtask: number
  readonly split: string
  /** The name for people. */
  readonly label: string
  /** Records that were read since the job started or restarted. */
  readonly records: number
  /** Bytes that were read; undefined if its reader does not count them. */
  readonly bytes: number | undefined
  /** What its reader knows to be unread; undefined if it does not say. */
  readonly lag: SplitLag | undefined
  /** How far it has got in event time by itself, and the newest time that was read. */
  readonly watermark: EventTime
  readonly newest: EventTime
  /** `quiet`: all its data was read. `idle`: event time does not wait for it. `closed`: its reader is closed. */
  readonly state: 'reading' | 'quiet' | 'idle' | 'closed' | 'paused'
  /** Whether the watermark of its source waits for it. */
  readonly holdsTime: boolean
}
