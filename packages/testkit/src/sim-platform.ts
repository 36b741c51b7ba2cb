import { ManualClock, seededRandom, systemScheduler } from '@millrace/world'
import type { Random, Scheduler } from '@millrace/world'
import type { Platform, ProcessFacts } from '@millrace/core/disk'
import { SimFs } from './sim-fs.ts'

/** When simulated time begins unless a test says otherwise: 2026-01-01T00:00Z. */
const START_MS = 1_767_225_600_000

/** Options of a simulated platform. */
export interface SimPlatformOptions {
  /** The seed of all random choices. The same seed gives the same run. */
  readonly seed: number
  /** The disk, for a life after a crash or for a second process on the same disk. Default: an empty one. */
  readonly fs?: SimFs
  /** Where the wall clock starts, in milliseconds since the epoch. Default: the beginning of 2026. */
  readonly startMs?: number
  /** See `Platform.workPerTurn`. Default: 1 to 64, chosen by the seed, so that long work is done in many slices. */
  readonly workPerTurn?: number
}

/** A platform with a clock that the test moves, seeded choices, and a disk that can crash. */
export interface SimPlatform extends Platform {
  readonly clock: ManualClock
  readonly fs: SimFs
}

/**
 * Creates a simulated platform for one life of one process.
 *
 * Time advances only with `clock.advance`. A turn of the scheduler takes one to three turns of the event loop, chosen
 * by the seed, so that seeds explore the orders in which tasks run. Process ids are counted per disk, as in containers,
 * so they repeat after each crash. A process runs until its disk has crashed.
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

/** Only the event loop orders turns, and a simulation has nothing but turns in it. */
function unevenScheduler(random: Random, clock: ManualClock): Scheduler {
  return {
    async turn() {
      // A task that takes a turn has work left: a timer that is due now keeps the driver from moving time on meanwhile.
      using _due = clock.schedule(0, () => {})
      for (let turns = random.int(3); turns >= 0; turns--) await systemScheduler.turn()
    },
  }
}

/** The processes on a disk: the start time of each, at the index of its id. Ends with the disk. */
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
