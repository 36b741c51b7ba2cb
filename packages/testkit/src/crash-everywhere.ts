import { seededRandom } from '@millrace/world'
import { describeError } from '@millrace/core'
import type { CrashStyle } from './sim-disk.ts'
import type { SimFsOptions } from './sim-fs.ts'
import { SimFs } from './sim-fs.ts'
import { SimulatedCrash } from './simulated-crash.ts'

/** Something that must survive a crash at any moment, and what its survival means. */
export interface CrashTrial {
  /** Lives one life. Keeps its own account of what was promised, for `verify`. */
  run(fs: SimFs): Promise<void>
  /**
   * Looks at what the next life finds, and throws if a promise is broken. Called several times for one
   * `run`, with a disk of its own each time: must leave the account as it is.
   */
  verify(fs: SimFs): Promise<void>
}

/** How thoroughly to look. */
export interface CrashEverywhereOptions {
  /** How many outcomes by chance are tried for each crash, besides losing all and nothing. Default 3. */
  readonly seeds?: number
  /** What the disk is like; its `random` is chosen here. */
  readonly disk?: SimFsOptions
}

/** How much `crashEverywhere` has tried. */
export interface CrashReport {
  /** How many operations there were to crash at. */
  readonly operations: number
  /** How many outcomes were verified. */
  readonly outcomes: number
}

const styles: readonly CrashStyle[] = ['before', 'during', 'after']

/**
 * Crashes a trial before, during and after each of its file system operations, and verifies what a kill
 * and several kinds of power loss leave.
 *
 * Rejects at the first broken promise, with the crash and the story of the disk in the message. A trial
 * that fails without a crash is an error of its own, found first.
 *
 * @example
 * const report = await crashEverywhere(() => ({
 *   run: (fs) => publishFile(fs, '.', 'manifest', bytes),
 *   verify: async (fs) => expect([undefined, 'whole']).toContain(contentOf(fs.peek('manifest'))),
 * }))
 * report.operations // => 5: create, write, sync, rename, sync of the directory
 */
export async function crashEverywhere(
  create: () => CrashTrial,
  options: CrashEverywhereOptions = {},
): Promise<CrashReport> {
  const { seeds = 3, disk = {} } = options
  const whole = create()
  const calm = new SimFs(disk)
  await whole.run(calm)
  await verified(whole, calm.afterKill(), 'without a crash')
  let outcomes = 1
  for (let operation = 1; operation <= calm.operations; operation++) {
    for (const style of styles) {
      const trial = create()
      const fs = new SimFs({ ...disk, random: seededRandom(operation) })
      fs.crashAt(operation, style)
      await untilCrash(trial.run(fs))
      for (const [fate, next] of fates(fs, seeds)) {
        await verified(trial, next, `crash ${style} operation ${operation}, ${fate}`)
        outcomes++
      }
    }
  }
  return { operations: calm.operations, outcomes }
}

/** What may be left of a life: everything, what was synced, and some of the rest by chance. */
function* fates(fs: SimFs, seeds: number): Generator<readonly [fate: string, next: SimFs]> {
  yield ['killed', fs.afterKill()]
  yield ['power lost', fs.afterPowerLoss()]
  for (let seed = 0; seed < seeds; seed++) {
    yield [`power lost (seed ${seed})`, fs.afterPowerLoss(seededRandom(seed))]
  }
}

async function untilCrash(run: Promise<void>): Promise<void> {
  try {
    await run
  } catch (error) {
    if (!(error instanceof SimulatedCrash)) throw error
  }
}

async function verified(trial: CrashTrial, next: SimFs, event: string): Promise<void> {
  try {
    await trial.verify(next)
  } catch (error) {
    throw new Error(`${event}: ${describeError(error)}\n${next.describe()}`, { cause: error })
  }
}
