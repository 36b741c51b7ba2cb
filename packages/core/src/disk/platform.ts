import type { Clock, Random, Scheduler } from '@millrace/world'
import type { Fs } from './fs.ts'

/**
 * Everything the engine may ask of the world, each by one door.
 *
 * The real one comes from `@millrace/node`, the simulated one from `@millrace/testkit`. Code that
 * reaches the world by any other way cannot be simulated, and lint refuses it.
 */
export interface Platform {
  readonly clock: Clock
  readonly random: Random
  readonly scheduler: Scheduler
  readonly fs: Fs
  readonly process: ProcessFacts
  /**
   * How many units of work (a record, a timer, a cell of state) the engine may do before the event loop gets a turn,
   * even if time is left. A simulation sets it, because its clock does not move while code runs. Default: no limit.
   */
  readonly workPerTurn?: number | undefined
}

/** What a lock on a data directory needs to know about processes. */
export interface ProcessFacts {
  /** This process. */
  readonly self: ProcessIdentity
  /**
   * Whether another process still runs. Resolves to `'unknown'` if it cannot be seen from here: it ran on another
   * machine, in another container, or the system does not tell when a process started.
   */
  fateOf(process: ProcessIdentity): Promise<'running' | 'gone' | 'unknown'>
}

/** Names a process among all that may ever meet on one disk. */
export interface ProcessIdentity {
  readonly pid: number
  /** The machine's name, or the container's. */
  readonly host: string
  /** When the process started, as text that differs when the id is used again. */
  readonly startedAt: string
  /** Names this run of the machine, from one boot to the next. Undefined where the system does not tell. */
  readonly boot?: string | undefined
  /** Names what `pid` is counted in: each container has its own. Undefined where the system does not tell. */
  readonly pidNamespace?: string | undefined
}
