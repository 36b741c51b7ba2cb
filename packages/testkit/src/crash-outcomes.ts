import { seededRandom } from '@millrace/world'
import type { SimFs } from './sim-fs.ts'

/** What the next life may find after a crash, and how that came about. */
export type CrashOutcome = readonly [fate: string, next: SimFs]

/**
 * Returns the possible outcomes of a crash: everything is there, only what was synced, and that with a random part of the
 * rest for each seed. Those that are the same are there once.
 */
export function crashOutcomes(fs: SimFs, seeds: readonly number[]): readonly CrashOutcome[] {
  const outcomes: CrashOutcome[] = []
  const add = (fate: string, next: SimFs): void => {
    if (!outcomes.some(([, other]) => other.isSame(next))) outcomes.push([fate, next])
  }
  add('killed', fs.afterKill())
  add('power lost', fs.afterPowerLoss())
  for (const seed of seeds) add(`power lost (seed ${seed})`, fs.afterPowerLoss(seededRandom(seed)))
  return outcomes
}
