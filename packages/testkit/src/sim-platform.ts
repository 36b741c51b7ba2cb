import { ManualClock, seededRandom, systemScheduler } from '@millrace/world'
import type { Random, Scheduler } from '@millrace/world'
import type { Platform, ProcessFacts } from '@millrace/core/disk'
import { SimFs } from './sim-fs.ts'

/** When simulated time begins unless a test says otherwise: 2026-01-01T00:00Z. */
const START_MS = 1_767_225_600_000

/** What to simulate. */
export interface SimPlatformOptions {
  /** Chooses everything that is left to chance. The same seed gives the same run. */
  readonly seed: number
  /** The disk, for a life after a crash or for a second process on the same disk. Default: an empty one. */
  readonly fs?: SimFs
  /** Where the wall clock starts, in milliseconds since the epoch. Default: the beginning of 2026. */
  readonly startMs?: number
  /** See `Platform.workPerTurn`. Default: 1 to 64, by seed, so that long work is done in many slices. */
  readonly workPerTurn?: number
}

/** A world whose clock the test moves, that behaves by seed, and can crash. */
export interface SimPlatform extends Platform {
  readonly clock: ManualClock
  readonly fs: SimFs
}

/**
 * Makes a simulated world for one life of one process.
 *
 * Time moves only by `clock.advance`. A turn of the scheduler takes one to three turns of the event
 * loop, by seed, so that seeds explore the orders in which tasks run. The process has the id that its place
 * among the processes on its disk gives it, as in containers, so ids return after each crash; a process
 * runs until its disk has crashed.
 *
 * @example
 * const first = simPlatform({ seed: 7 })
 * first.fs.crashAt(12)
 * // ... run until it dies ...
 * const second = simPlatform({ seed: 8, fs: first.fs.afterPowerLoss(first.random) })
 */
export function simPlatform(options: SimPlatformOptions): SimPlatform {
  const random = seededRandom(options.seed)
  const clock = new ManualClock(options.startMs ?? START_MS)
  const fs = options.fs ?? new SimFs({ random: random.fork('fs'), clock })
  return {
    clock,
    random,
    scheduler: unevenScheduler(random.fork('scheduler'), clock),
    fs,
    process: startProcess(fs),
    workPerTurn: options.workPerTurn ?? 1 + random.fork('work per turn').int(64),
  }
}

/** Nothing but the event loop orders turns, and in a simulation nothing but turns is in it. */
function unevenScheduler(random: Random, clock: ManualClock): Scheduler {
  return {
    async turn() {
      // A task that takes a turn has work left: a timer that is due now keeps the driver from moving time on meanwhile.
      using _due = clock.schedule(0, () => {})
      for (let turns = random.int(3); turns >= 0; turns--) await systemScheduler.turn()
    },
  }
}

/** Who runs on a disk: the start of each process, at the place of its id. Dies with the disk. */
const processesOn = new WeakMap<SimFs, string[]>()

function startProcess(fs: SimFs): ProcessFacts {
  const running = processesOn.get(fs) ?? []
  processesOn.set(fs, running)
  const startedAt = `life ${fs.life}, process ${running.length}`
  running.push(startedAt)
  return {
    self: { pid: running.length, host: 'simulated', startedAt },
    fateOf: (other) =>
      Promise.resolve(!fs.hasCrashed && running[other.pid - 1] === other.startedAt ? 'running' : 'gone'),
  }
}
