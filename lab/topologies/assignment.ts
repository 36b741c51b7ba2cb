import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { simulateSeeds } from '@millrace/simulator'
import { drawTopology } from './drawing.ts'
import { addRuns, addTopology, emptyTally, type Tally } from './tally.ts'
import { seedsPerTopology, tryTopology } from './trial.ts'

/** The subjects of simulation: examples, and drawn topologies. */
export const subjects = ['ssh-guard', 'card-fraud', 'topologies'] as const

/** One of what is simulated. */
export type Subject = (typeof subjects)[number]

/** A range of seeds of one subject. */
export interface Assignment {
  readonly subject: Subject
  readonly from: number
  readonly seeds: number
}

const examples = path.resolve(import.meta.dirname, '../../examples')

/** Runs an assignment. */
export async function carryOut({ subject, from, seeds }: Assignment): Promise<Tally> {
  const tally = emptyTally()
  if (subject === 'topologies') {
    for (let seed = from; seed < from + seeds;) {
      const number = Math.floor(seed / seedsPerTopology)
      const end = Math.min(from + seeds, (number + 1) * seedsPerTopology)
      addTopology(tally, await tryTopology(drawTopology(number), seed, end - seed))
      seed = end
    }
    return tally
  }
  const { file, parameters } =
    subject === 'ssh-guard'
      ? {
          file: '01-ssh-guard/ssh-guard.ts',
          parameters: { log: path.join(examples, '01-ssh-guard/sample.log'), year: 2026 },
        }
      : { file: '02-card-fraud/fraud.ts', parameters: {} }
  const module = (await import(pathToFileURL(path.join(examples, file)).href)) as { default: Pipeline }
  const { fs } = nodePlatform()
  const runs = await simulateSeeds(module.default, { from, seeds, parameters, fs, keepGoing: true })
  addRuns(tally, subject, runs)
  tally.failures.push(...runs.failures.map(({ message }) => message))
  return tally
}
