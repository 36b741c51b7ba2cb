import path from 'node:path'
import { buildMutant, runMutant, type ChangedLine } from '@millrace/testkit'
import { build } from 'vite'

/** A mistake that the simulator has to find: one place in one file, which must stand there exactly once. */
export interface SimulatorBug {
  readonly name: string
  readonly plant: ChangedLine
  /** What must be said of it. */
  readonly shows: RegExp
  /** The first seed that is known to find it. */
  readonly seed: number
}

/** What the files of planted bugs are relative to. */
export const packages = path.resolve(import.meta.dirname, '../../..')
const trial = path.join(import.meta.dirname, 'trial.ts')
/** How many seeds a bug may take. */
export const seedsMax = 200
/** A trial that runs so long is stuck. */
const limitMs = 600_000

/** What a trial says of a program with a changed line, within so many seeds from one on; `more` is for the trial. */
export async function hunt(
  plant: ChangedLine,
  directory: string,
  { from = 0, seeds = seedsMax, entry = trial, more = [] as readonly string[] } = {},
): Promise<string | undefined> {
  const program = await buildMutant(build, plant, { root: packages, entry, directory })
  return runMutant(program, [String(from), String(seeds), ...more], limitMs)
}

/** The seed that a message of the simulator names. */
export function seedOf(message: string): number {
  return Number(/^seed (\d+): /.exec(message)![1])
}
