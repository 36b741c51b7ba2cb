import type { Clock, Random, Scheduler } from '@millrace/channels'
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
  /** This process's id. */
  readonly id: number
  /** The machine's name. */
  readonly host: string
  /** When this process started, as text that differs when the id is used again. */
  readonly startedAt: string
  /** Whether the process that called itself (`id`, `startedAt`) on this host still runs. */
  isRunning(id: number, startedAt: string): Promise<boolean>
}
