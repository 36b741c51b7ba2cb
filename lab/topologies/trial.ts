import { simulateSeeds, type SeedsReport, type SimulationOptions } from '@millrace/simulator'
import { endedEarlyInvariant } from './ended-early.ts'
import { expecting } from './expecting.ts'
import { keptInvariant } from './kept-rows.ts'
import { clockInvariant, differencesOf, meetingInvariant, watermarkInvariant } from './held-sink.ts'
import { pipelineOf, versionsOf } from './interpreter.ts'
import { predict } from './oracle.ts'
import { topologyText } from './topology-text.ts'
import { goesByClock, type Topology } from './topology.ts'

/** The number of seeds per topology: few, so that many topologies are tried. */
export const seedsPerTopology = 5

/** The results of one topology. */
export interface TopologyReport {
  readonly topology: Topology
  /** The results of runs with faults. */
  readonly runs: SeedsReport
  /** The number of sinks, including that of dead letters. */
  readonly sinks: number
  /** How many of them were compared with the oracle. */
  readonly predicted: number
  /** The failures, each with all data to reproduce it. */
  readonly failures: readonly string[]
}

/** Runs a topology without faults and with the faults of several seeds, and compares it with the oracle. */
export async function tryTopology(
  topology: Topology,
  from: number,
  seeds: number,
  options: Pick<SimulationOptions, 'store'> = {},
): Promise<TopologyReport> {
  const predicted = predict(topology)
  const expectations = [endedEarlyInvariant, meetingInvariant, watermarkInvariant, keptInvariant]
  if (topology.parts.some(goesByClock)) expectations.push(clockInvariant)
  const invariants = expectations.map((make) => expecting(topology, predicted, make))
  const runs = await simulateSeeds(pipelineOf(topology), {
    from,
    seeds,
    keepGoing: true,
    invariants,
    versions: versionsOf(topology),
    severalRuns: true,
    ...options,
  })
  const wrong: { readonly seed: number; readonly what: string }[] = []
  for (const what of differencesOf(predicted, runs.expected))
    wrong.push({ seed: from, what: `seed ${from}: without any fault: ${what}` })
  for (const { seed, message } of runs.failures) wrong.push({ seed, what: message })
  const failures = wrong.map(
    ({ seed, what }) =>
      `${topologyText(topology)}\n${what}\nOr: npm run simulate-everything -- topologies --from ${seed} --seeds 1`,
  )
  const sinks = Object.keys(runs.expected)
  const isPredicted = (sink: string): boolean => predicted.records.has(sink) || predicted.figures.has(sink)
  return { topology, runs, sinks: sinks.length, predicted: sinks.filter(isPredicted).length, failures }
}
