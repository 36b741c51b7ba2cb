import type { Clock, Random, Scheduler } from '@millrace/world'
import type { Fs } from './fs.ts'
import type { Profiler } from './profiler.ts'

/**
 * Everything external that the engine uses, each through one interface.
 *
 * The real platform comes from `@millrace/node`, the simulated one from `@millrace/testkit`. Code with other
 * external access cannot be simulated; a lint rule forbids it.
 */
export interface Platform {
  readonly clock: Clock
  readonly random: Random
  readonly scheduler: Scheduler
  readonly fs: Fs
  readonly process: ProcessFacts
  /** Samples what the calling thread runs. Default: `Job.profile` rejects. */
  readonly profiler?: Profiler | undefined
  /**
   * How many units of work (a record, a timer, a cell of state) the engine may do before the event loop gets
   * a turn, even if time is left. A simulation sets it, because its clock does not move while code runs.
   * Default: no limit.
   */
  readonly workPerTurn?: number | undefined
}

/** What a lock on a data directory must know about processes. */
export interface ProcessFacts {
  /** This process. */
  readonly self: ProcessIdentity
  /**
   * Whether another process still runs. Resolves to `'unknown'` if that cannot be determined: it ran on
   * another machine, in another container, or the system does not report the start time of processes.
   */
  fateOf(process: ProcessIdentity): Promise<'running' | 'gone' | 'unknown'>
}

/** Identifies a process among all that may use one disk. */
export interface ProcessIdentity {
  readonly pid: number
  /** The machine's name, or the container's. */
  readonly host: string
  /** When the process started, as text that differs when the id is used again. */
  readonly startedAt: string
  /** Identifies this boot of the machine. Undefined if the system does not report it. */
  readonly boot?: string | undefined
  /**
   * Identifies the namespace of `pid`: each container has its own. Undefined if the system does not report
   * it.
   */
  readonly pidNamespace?: string | undefined
}
