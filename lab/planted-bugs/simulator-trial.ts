/**
 * The main module of a program with a planted bug: simulates the pipelines with many seeds from one on, and
 * prints the failure with the lowest seed on the last line. A message of the simulator begins with its seed.
 */
import { argv, stdout } from 'node:process'
import { simulateSeeds, SimulationFailure } from '@millrace/simulator'
import { ledgerSink } from './ledger-sink.ts'
import { pipelines } from './pipelines.ts'

/**
 * Seeds are run in rounds, so that an immediate failure of one pipeline does not wait for 200 seeds of
 * another.
 */
const rounds = [2, 10, 40, 150]

const [, , first, seeds] = argv.map(Number) as [number, number, number, number]

/** The failure with the lowest seed of a round, over all pipelines. */
async function failureIn(from: number, to: number): Promise<SimulationFailure | undefined> {
  let end = to
  let found: SimulationFailure | undefined
  for (const pipeline of pipelines) {
    if (end === from) break
    try {
      const sinks = pipeline.name === 'keyed' ? { 'totals-out': ledgerSink } : {}
      await simulateSeeds(pipeline, { from, seeds: end - from, sinks })
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error
      found = error
      end = error.seed
    }
  }
  return found
}

let found: SimulationFailure | undefined
for (let from = first, round = 0; from < first + seeds && found === undefined; round++) {
  const to = Math.min(first + seeds, from + rounds[Math.min(round, rounds.length - 1)]!)
  found = await failureIn(from, to)
  from = to
}
stdout.write(`${JSON.stringify({ broken: found?.message.split('\n')[0] ?? null })}\n`)
