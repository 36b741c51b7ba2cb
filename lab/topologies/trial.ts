import { simulateSeeds, type SeedsReport } from '@millrace/simulator'
import { endedEarlyInvariant } from './ended-early.ts'
import { clockInvariant, differencesOf } from './held-sink.ts'
import { pipelineOf, versionsOf } from './interpreter.ts'
import { foretell } from './oracle.ts'
import { topologyText } from './topology-text.ts'
import { goesByClock, type Topology } from './topology.ts'

/** How many seeds each topology is run with: few, so that many topologies are seen. */
export const seedsPerTopology = 5

/** What one topology has shown. */
export interface TopologyReport {
  readonly topology: Topology
  /** What the runs with faults have shown. */
  readonly runs: SeedsReport
  /** How many sinks there are, that of dead letters among them. */
  readonly sinks: number
  /** How many of them were held against the oracle. */
  readonly foretold: number
  /** What was wrong, each with all that is needed to see it again. */
  readonly failures: readonly string[]
}

/** Runs a topology without faults and with those that so many seeds choose, and holds it against the oracle. */
export async function tryTopology(topology: Topology, from: number, seeds: number): Promise<TopologyReport> {
  const foretold = foretell(topology)
  const invariants = [endedEarlyInvariant(topology, foretold)]
  if (topology.parts.some(goesByClock)) invariants.push(clockInvariant(topology, foretold))
  const runs = await simulateSeeds(pipelineOf(topology), {
    from,
    seeds,
    keepGoing: true,
    invariants,
    versions: versionsOf(topology),
    severalRuns: true,
  })
  const wrong: { readonly seed: number; readonly what: string }[] = []
  for (const what of differencesOf(foretold, runs.expected))
    wrong.push({ seed: from, what: `seed ${from}: without any fault: ${what}` })
  for (const { seed, message } of runs.failures) wrong.push({ seed, what: message })
  const failures = wrong.map(
    ({ seed, what }) =>
      `${topologyText(topology)}\n${what}\nOr: npm run simulate-everything -- topologies --from ${seed} --seeds 1`,
  )
  const sinks = Object.keys(runs.expected)
  const isForetold = (sink: string): boolean => foretold.records.has(sink) || foretold.figures.has(sink)
  return { topology, runs, sinks: sinks.length, foretold: sinks.filter(isForetold).length, failures }
}
