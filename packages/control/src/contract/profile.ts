/**
 * `GET /api/jobs/:job/profile?seconds=`: samples for 1 to 60 seconds what the threads of the job run, 10 by default, and answers
 * then. For admins only, and one at a time.
 */
export interface JobProfile {
  /** How long it took, in milliseconds. */
  readonly durationMs: number
  /** CPU time of all threads, in milliseconds, without the time in which they had nothing to do. */
  readonly cpuMs: number
  /** Every part of the pipeline, the most expensive first. */
  readonly operators: readonly OperatorProfile[]
  /** CPU time that belongs to no part. */
  readonly others: readonly OtherWork[]
  /** What each subtask does at the end of the profile. */
  readonly subtasks: readonly SubtaskState[]
  readonly threads: readonly ThreadCpu[]
}

/** What one part of the pipeline costs. */
export interface OperatorProfile {
  readonly operator: string
  readonly task: string
  /** In milliseconds, over all threads. */
  readonly cpuMs: number
  /** Of the CPU time of all, 0 to 1. */
  readonly share: number
  /** Records that it has received meanwhile, and CPU time for each, in nanoseconds; null without records. */
  readonly records: number
  readonly nsPerRecord: number | null
  /** The size of its state; null if it is not known yet. */
  readonly stateBytes: number | null
  /** The functions that cost most in it, by their own time; at most five. */
  readonly functions: readonly FunctionProfile[]
}

/** The own time of one function. */
export interface FunctionProfile {
  readonly name: string
  /** `FILE:LINE`; empty for functions of V8. */
  readonly place: string
  readonly cpuMs: number
}

/** CPU time that belongs to no part: garbage collection, the engine itself, other work of the process. */
export interface OtherWork {
  readonly name: string
  readonly cpuMs: number
  readonly functions: readonly FunctionProfile[]
}

/** What a subtask does. */
export interface SubtaskState {
  readonly task: string
  readonly subtask: number
  /** "busy", "has input, and waits for the event loop", "waits for input", "waits for room at the next task", in the last seconds. */
  readonly doing: string
  /** Shares of the time over the last seconds, 0 to 1. */
  readonly busy: number
  readonly backPressured: number
  readonly idle: number
  readonly waiting: number
  /** Records that wait before it. */
  readonly queued: number
  /** In milliseconds since the epoch; null: none yet, or the input has ended. */
  readonly watermark: number | null
}

/** One thread. */
export interface ThreadCpu {
  /** "main", "worker 1". */
  readonly thread: string
  readonly cpuMs: number
  readonly idleMs: number
  readonly profile: ProfileFile
}

/**
 * A `.cpuprofile` for developer tools and viewers of flame graphs: below its root are the parts of the pipeline, and below each
 * the functions that it calls. Times are in microseconds.
 */
export interface ProfileFile {
  readonly nodes: readonly ProfileFileNode[]
  readonly startTime: number
  readonly endTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** A function, as it was called by its parents. */
export interface ProfileFileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly scriptId: string
    readonly url: string
    readonly lineNumber: number
    readonly columnNumber: number
  }
  readonly hitCount: number
  readonly children: readonly number[]
}
