/** The harness for planted bugs: builds the program with the bug, runs the catcher, returns its message. */
import path from 'node:path'
import { buildMutant, runMutant, type ChangedLine } from './mutant.ts'
import type { PlantedBug } from './planted-bug.ts'
import { failingTests } from './failing-tests.ts'
import { seedsPerTopology } from '../topologies/trial.ts'

/** The paths of planted bugs are relative to this directory. */
export const packages: string = path.resolve(import.meta.dirname, '../../packages')
/** How many seeds may be tried for a bug. */
export const seedsMax = 200
/** A catcher that runs longer than this hangs. */
const limitMs = 600_000

/**
 * The catcher's message for the program with the bug; undefined if it was not caught.
 *
 * With `isFromStart` seeds are tried from 0 on. Otherwise the seed that is known to catch it comes first; all
 * others follow, since changes to the engine move bugs to other seeds.
 */
export async function catchBug(
  { plant, caughtBy }: Pick<PlantedBug, 'plant' | 'caughtBy'>,
  directory: string,
  { isFromStart = false, seeds = seedsMax } = {},
): Promise<string | undefined> {
  switch (caughtBy.kind) {
    case 'simulator': {
      const run = await trial(plant, directory, 'simulator-trial.ts')
      const near = isFromStart ? undefined : await run(Math.max(0, caughtBy.seed - 1), 2)
      return near ?? run(0, seeds)
    }
    case 'topologies': {
      const { seed, feature } = caughtBy
      const more = feature === undefined ? [] : [feature]
      const run = await trial(plant, directory, 'topology-trial.ts')
      const near = isFromStart
        ? undefined
        : await run(seed - (seed % seedsPerTopology), seedsPerTopology, ...more)
      return near ?? run(0, seeds, ...more)
    }
    case 'clusters': {
      const run = await trial(plant, directory, 'cluster-trial.ts')
      return (isFromStart ? undefined : await run(caughtBy.seed, 1)) ?? run(0, seeds)
    }
    case 'crash points':
      return (await trial(plant, directory, 'crash-trial.ts'))(caughtBy.trial, caughtBy.near.source)
    case 'schedules':
      return (await trial(plant, directory, 'channel-trial.ts'))()
    case 'tests':
      return failingTests(plant, caughtBy.files, directory, limitMs)
  }
}

type Run = (...args: readonly (string | number)[]) => Promise<string | undefined>

/** Builds a trial with a changed line; the result runs it. */
async function trial(plant: ChangedLine, directory: string, entry: string): Promise<Run> {
  const options = { root: packages, entry: path.join(import.meta.dirname, entry), directory }
  const program = await buildMutant(plant, options)
  return (...args) => runMutant(program, args.map(String), limitMs)
}
