/** What a job does now. */
export type Phase = 'starting' | 'running' | 'restarting' | 'stopping' | 'ended'

/** `GET /api/jobs`. */
export interface JobList {
  readonly jobs: readonly JobSummary[]
  /**
   * The job that several workers run together, whose parts these are: its routes for state answer for all of its parts. Null if each is
   * a job of its own.
   */
  readonly whole: string | null
}

/** One job of the process. */
export interface JobSummary {
  /** The pipeline's name. It is the `:job` of the other routes. */
  readonly job: string
  readonly phase: Phase
  /** Records per second read by its sources, and written by its sinks without dead letters. */
  readonly inRate: number
  readonly outRate: number
  readonly restarts: number
  readonly readiness: Readiness
}

/** Whether a job is restored and reads, and what it waits for if not. */
export interface Readiness {
  readonly isReady: boolean
  /** Sentences; empty if it is ready. */
  readonly reasons: readonly string[]
}

/** `GET /api/jobs/:job`, and the event `status` of the stream. */
export interface JobOverview extends JobSummary {
  /** The data directory. */
  readonly directory: string
  readonly parallelism: number
  readonly isBounded: boolean
  /** When the job was started, in milliseconds since the epoch. */
  readonly startedAt: number
  /** How it ended; null before. */
  readonly outcome: 'finished' | 'stopped' | 'failed' | null
  /** The last failure; null if there was none. */
  readonly failure: Failure | null
  /** The checkpoint that the job started from; null if it started from the beginning. */
  readonly restoredFrom: number | null
  readonly checkpointEveryMs: number
  readonly lastCheckpoint: CheckpointRow | null
  readonly totals: Totals
  readonly runtime: RuntimeFigures
  /** The sources that were paused by an action. */
  readonly pausedSources: readonly string[]
  readonly logLevel: LogLevel
}

/** Counts of a whole job since it started or restarted. */
export interface Totals {
  readonly recordsIn: number
  readonly recordsOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly late: number
  readonly skipped: number
  readonly deadLettered: number
  readonly retries: number
  readonly stateCells: number
  /** The size of a full snapshot, in bytes. */
  readonly stateBytes: number
  /** The bytes that state takes on disk. */
  readonly diskBytes: number
  /** The lowest watermark of all tasks, in milliseconds since the epoch; null: none yet, or the input has ended. */
  readonly watermark: number | null
  /** How far it is behind the clock, in milliseconds. */
  readonly watermarkLagMs: number | null
  /** What the sources have not read yet; null where a source cannot say. */
  readonly lagBytes: number | null
  readonly lagRecords: number | null
}

/** Figures of the process. */
export interface RuntimeFigures {
  /** How late the event loop is for its timers, in milliseconds, over the last seconds: mean and longest. */
  readonly eventLoopDelayMs: number
  readonly eventLoopDelayMaxMs: number
  /** The share of the time that the event loop was busy, 0 to 1. */
  readonly eventLoopUtilization: number
  /** Garbage collection since the start: time in milliseconds, and runs. */
  readonly gcMs: number
  readonly gcRuns: number
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly heapLimitBytes: number
  /** CPU time since the start, in milliseconds. */
  readonly cpuMs: number
}

/** A failure of a job. */
export interface Failure {
  /** The code that docs/operating/errors.md explains; null for a foreign error. */
  readonly code: string | null
  readonly message: string
  readonly docs: string | null
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number
}

/** `GET /api/jobs/:job/checkpoints`: the newest first, of this process. */
export interface CheckpointList {
  readonly checkpoints: readonly CheckpointRow[]
  /** How many were completed and aborted since the process started. */
  readonly completed: number
  readonly aborted: number
  /** The checkpoint that runs now; null if none does. */
  readonly running: RunningCheckpoint | null
}

/** One checkpoint that was completed or aborted. */
export interface CheckpointRow {
  readonly checkpoint: number
  readonly outcome: 'completed' | 'aborted'
  readonly kind: 'checkpoint' | 'savepoint'
  /** When it was over, in milliseconds since the epoch. */
  readonly at: number
  /** From the first barrier to the published manifest, in milliseconds. */
  readonly durationMs: number
  /** Part of that: until every subtask had its barriers aligned and its state encoded; null if it was aborted. */
  readonly alignAndEncodeMs: number | null
  /** Bytes written for it; null if it was aborted. */
  readonly bytes: number | null
  /** Why it was aborted; null if it was completed. */
  readonly reason: string | null
  /** The subtasks that took longest, the slowest first; at most ten. */
  readonly slowest: readonly CheckpointPart[]
  /** What took most of its time, as a phrase; null if it was aborted. */
  readonly cause: string | null
  /** The operators with most state, the largest first; at most ten. */
  readonly largest: readonly CheckpointState[]
}

/** The state of one operator in a checkpoint. */
export interface CheckpointState {
  readonly operator: string
  /** The size of all of it, also of what earlier checkpoints have written. */
  readonly bytes: number
}

/** What one subtask took for its part of a checkpoint. */
export interface CheckpointPart {
  readonly task: string
  readonly subtask: number
  /** From the start of the checkpoint until its barriers were aligned, in milliseconds. */
  readonly alignedMs: number
  /** From then until its state was encoded and its output prepared. */
  readonly encodeMs: number
}

/** A checkpoint that runs. */
export interface RunningCheckpoint {
  readonly checkpoint: number
  readonly startedAt: number
  /** The subtasks that have not done their part yet, as `task/subtask`; at most twenty. */
  readonly missing: readonly string[]
  readonly participants: number
}

/** The level of lines that are logged. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error'
