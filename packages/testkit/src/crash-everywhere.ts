import { seededRandom } from '@millrace/world'
import { describeError } from '@millrace/core'
import type { CrashStyle } from './sim-disk.ts'
import type { SimFsOptions } from './sim-fs.ts'
import { SimFs } from './sim-fs.ts'
import { crashOutcomes } from './crash-outcomes.ts'
import { SimulatedCrash } from './simulated-crash.ts'

/** Code that must survive a crash at any moment, and a check of the result. */
export interface CrashTrial {
  /** Runs one life, and records what `verify` must find. */
  run(fs: SimFs): Promise<void>
  /**
   * Checks what the next life finds, and throws if a guarantee is broken. Called several times for one `run`, each time
   * with its own disk, so it must not change what `run` recorded.
   */
  verify(fs: SimFs): Promise<void>
}

/** Options for `crashEverywhere`. */
export interface CrashEverywhereOptions {
  /** The number of random outcomes for each crash, besides losing everything and nothing. Equal ones are tried once. Default 3. */
  readonly seeds?: number
  /** Options of the disk; its `random` is set here. */
  readonly disk?: SimFsOptions
}

/** What `crashEverywhere` has tried. */
export interface CrashReport {
  /** The number of operations at which it crashed. */
  readonly operations: number
  /** The number of verified outcomes. For one crash each is another. */
  readonly outcomes: number
}

const styles: readonly CrashStyle[] = ['before', 'during', 'after']

/**
 * Crashes a trial before, during and after each of its file system operations, and verifies the result of a kill and of
 * several kinds of power loss.
 *
 * Rejects at the first broken guarantee, with the crash and the log of the disk in the message. A trial that fails
 * without a crash is reported first.
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
      for (const [fate, next] of crashOutcomes(fs, [...Array(seeds).keys()])) {
        await verified(trial, next, `crash ${style} operation ${operation}, ${fate}`)
        outcomes++
      }
    }
  }
  return { operations: calm.operations, outcomes }
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
