/** Samples what a thread runs. Each thread has its own. */
export interface Profiler {
  /** Begins. Rejects with `OPTION_INVALID` if this program cannot be profiled. */
  start(): Promise<Profiling>
}

/** A profile that is being made. */
export interface Profiling {
  /** Ends it. Called once. */
  stop(): Promise<CpuProfile>
}

/** What a thread ran, sampled: the format of V8 and of Chrome's developer tools, with times in microseconds. Plain data. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly startTime: number
  readonly endTime: number
  /** The ids of nodes: what ran at each sample. */
  readonly samples: readonly number[]
  /** The time before each sample since the one before it. */
  readonly timeDeltas: readonly number[]
  /** What `startTime` is on the monotonic clock of the platform, in milliseconds. */
  readonly startedAtMs: number
}

/** A function, as it was called by its parents. */
export interface ProfileNode {
  readonly id: number
  readonly callFrame: CallFrame
  readonly children?: readonly number[]
}

/** Where a function is. Lines and columns are counted from 0. */
export interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly scriptId: string
  readonly lineNumber: number
  readonly columnNumber: number
}

/** A generated function that runs one part of the pipeline: what it calls belongs to that part. */
export interface PartFrame {
  readonly url: string
  readonly functionName: string
  readonly part: string
}
