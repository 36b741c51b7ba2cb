/** `GET /api/jobs/:job/metrics`, and the event `metrics` of the stream, once a second. */
export interface JobFigures {
  /** When it was measured, in milliseconds since the epoch. */
  readonly at: number
  readonly operators: readonly OperatorFigures[]
  readonly tasks: readonly TaskFigures[]
  /** What holds back event time; empty while nothing does. */
  readonly holders: readonly TimeHolder[]
}

/** Figures of one operator, over all its subtasks, since the job started or restarted. */
export interface OperatorFigures {
  readonly operator: string
  readonly recordsIn: number
  readonly recordsOut: number
  /** Per second, over the last seconds. */
  readonly inRate: number
  readonly outRate: number
  /** Bytes that a source has read, or a sink has written; null for others, and where the connector does not count them. */
  readonly bytes: number | null
  readonly bytesRate: number | null
  readonly late: number
  readonly skipped: number
  readonly deadLettered: number
  readonly retries: number
  /** The state of its circuit breaker while the system behind it cannot be reached; otherwise null. */
  readonly breaker: 'closed' | 'open' | 'trying' | null
  readonly stateCells: number
  readonly stateBytes: number | null
  /** Timers that are set. */
  readonly timers: number
  /** Records in calls that run or wait, for mapAsync. */
  readonly inFlight: number
  /** The lowest watermark of its subtasks, in milliseconds since the epoch; null: none yet, or the input has ended. */
  readonly watermark: number | null
  readonly watermarkLagMs: number | null
  /** For a source: what it has not read yet; null where it cannot say, and for others. */
  readonly lagBytes: number | null
  readonly lagRecords: number | null
  readonly splits: number | null
}

/** Shares of the time over the last seconds, 0 to 1. They add up to 1. */
export interface Shares {
  /** It handled records, or waited for the calls and writes that it had begun. */
  readonly busy: number
  /** It had output that the next task had no room for. */
  readonly backPressured: number
  /** It had no input. */
  readonly idle: number
  /** It had input and room, and waited for its turn of the event loop. */
  readonly waiting: number
}

/** Figures of one task: the mean of its subtasks, and the busiest one. */
export interface TaskFigures {
  readonly task: string
  readonly shares: Shares
  readonly busiest: { readonly subtask: number; readonly busy: number }
  /** Records that wait before it, in all its subtasks. */
  readonly queued: number
  /** Whether it is what the tasks before it wait for. */
  readonly isBottleneck: boolean
}

/** What event time waits for. */
export interface TimeHolder {
  readonly source: string
  readonly subtask: number
  /** The label of the split; null for splits that were found and not read yet. */
  readonly split: string | null
  /** Whether that split has returned all its data. */
  readonly isQuiet: boolean
  /** How long a split must be quiet to be idle, in milliseconds; null: none ever is. */
  readonly idleAfterMs: number | null
  /** The watermark it holds, and the one that others have reached; null: no time yet. */
  readonly watermark: number | null
  readonly ahead: number | null
  /** Since when, in milliseconds since the epoch. */
  readonly since: number
  /** The same in a sentence. */
  readonly sentence: string
}

/** `GET /api/jobs/:job/operators/:operator`. */
export interface OperatorDetail {
  readonly figures: OperatorFigures
  readonly task: TaskFigures
  readonly subtasks: readonly SubtaskFigures[]
  /** Pieces of state, by table. */
  readonly tables: readonly StateTableRow[]
}

/** Figures of one subtask of an operator. */
export interface SubtaskFigures {
  readonly subtask: number
  readonly recordsIn: number
  readonly recordsOut: number
  readonly inRate: number
  readonly outRate: number
  readonly shares: Shares
  readonly queued: number
  readonly watermark: number | null
  readonly watermarkLagMs: number | null
  readonly stateCells: number
}

/** `GET /api/jobs/:job/splits?source=&sort=&limit=&cursor=`. */
export interface SplitPage {
  readonly splits: readonly SplitRow[]
  readonly total: number
  /** Pass it as `cursor` for the next page; null on the last one. */
  readonly next: string | null
}

/** What a list of splits can be sorted by: the most, or the furthest behind, first. */
export type SplitSort = 'name' | 'lag' | 'watermark' | 'records'

/** One split of a source. */
export interface SplitRow {
  readonly source: string
  readonly split: string
  /** The name for people, such as the path of a file. */
  readonly label: string
  readonly subtask: number
  readonly recordsOut: number
  readonly bytes: number | null
  readonly lagBytes: number | null
  readonly lagRecords: number | null
  readonly watermark: number | null
  readonly watermarkLagMs: number | null
  /** The newest event time that was read; null: none. */
  readonly newest: number | null
  /** How far it is ahead of the slowest split of its source, in milliseconds. */
  readonly skewMs: number | null
  /** `reading`: it has had records lately; `quiet`: it is caught up; `idle`: event time does not wait for it; `closed`: its reader is closed; `paused`. */
  readonly state: 'reading' | 'quiet' | 'idle' | 'closed' | 'paused'
  /** Whether event time waits for it. */
  readonly holdsTime: boolean
}

/** One piece of state of an operator. */
export interface StateTableRow {
  readonly operator: string
  /** The name of the piece of state. */
  readonly table: string
  readonly cells: number
  readonly bytes: number | null
}

/** `GET /api/jobs/:job/history`: what the charts begin with, one value for each point of `at`. */
export interface JobHistory {
  /** Milliseconds between two points. */
  readonly everyMs: number
  readonly at: readonly number[]
  readonly inRate: readonly number[]
  readonly outRate: readonly number[]
  readonly watermarkLagMs: readonly (number | null)[]
  readonly checkpointMs: readonly (number | null)[]
  readonly stateBytes: readonly number[]
  readonly residentBytes: readonly number[]
  readonly eventLoopDelayMs: readonly number[]
  /** Record rates of each operator, as far back. */
  readonly operators: readonly {
    readonly operator: string
    readonly inRate: readonly number[]
    readonly outRate: readonly number[]
    readonly busy: readonly number[]
  }[]
}
