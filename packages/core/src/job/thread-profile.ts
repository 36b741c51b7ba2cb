import type { CpuProfile, PartFrame, Profiler, Profiling } from '../disk/profiler.ts'
import { MillraceError } from '../errors/errors.ts'
import type { LoopTimes } from '../observe/work-times.ts'
import type { Task } from '../task/task.ts'

/** What one thread of a job ran for some time, and what of it belongs to which part of the pipeline. Plain data. */
export interface ThreadProfile {
  /** "main", "worker 1". */
  readonly worker: string
  readonly cpu: CpuProfile
  /** Frames of the profile that run one part each. */
  readonly frames: readonly PartFrame[]
  readonly turns: Turns
}

/** Which subtask ran from when on, in order of time. */
export interface Turns {
  readonly subtasks: readonly { readonly task: string; readonly subtask: number }[]
  /** On the monotonic clock, in milliseconds. */
  readonly at: readonly number[]
  /** An index of `subtasks`; -1 where none of them ran. */
  readonly subtask: readonly number[]
}

/** Profiles one thread. Its parts have frames of their own meanwhile, which costs a call for each record and part. */
export class ThreadProfiling {
  readonly #loop: LoopTimes
  readonly #tasks: readonly Task[]
  readonly #profiling: Profiling
  readonly #frames: readonly PartFrame[]

  private constructor(loop: LoopTimes, tasks: readonly Task[], profiling: Profiling) {
    this.#loop = loop
    this.#tasks = tasks
    this.#profiling = profiling
    this.#frames = tasks.flatMap((task) => task.frameParts?.(true) ?? [])
    loop.noteTurns()
  }

  /** Begins. Rejects with `OPTION_INVALID` if the platform has no profiler. */
  static async begin(
    profiler: Profiler | undefined,
    loop: LoopTimes,
    tasks: readonly Task[],
  ): Promise<ThreadProfiling> {
    if (profiler === undefined) {
      throw new MillraceError('OPTION_INVALID', 'this platform has no profiler; run the job in Node')
    }
    return new ThreadProfiling(loop, tasks, await profiler.start())
  }

  async end(worker: string): Promise<ThreadProfile> {
    for (const task of this.#tasks) task.frameParts?.(false)
    const noted = this.#loop.turns()
    const index = new Map(this.#tasks.map(({ metrics }, at) => [metrics.times, at]))
    const turns: Turns = {
      subtasks: this.#tasks.map(({ metrics: { task, subtask } }) => ({ task, subtask })),
      at: noted.map(({ at }) => at),
      subtask: noted.map(({ times }) => (times === undefined ? -1 : (index.get(times) ?? -1))),
    }
    return { worker, cpu: await this.#profiling.stop(), frames: this.#frames, turns }
  }
}
