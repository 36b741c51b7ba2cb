import { faultKinds, type SeedsReport } from '@millrace/simulator'
import { features, featuresOf, pairs, pairsOf } from './feature.ts'
import type { TopologyReport } from './trial.ts'

/** Counts of anything, by name. */
type Counts = Record<string, number>

/** What many runs have shown: plain data, so that one process can tell another. */
export interface Tally {
  topologies: number
  /** How many sinks the topologies have, how many of them the oracle has foretold, and how many were not compared after crashes. */
  sinks: number
  foretold: number
  notCompared: number
  /** Seeds by what they were run with. */
  readonly seeds: Counts
  lives: number
  steps: number
  readonly faults: Counts
  /** By feature of topologies: how often each kind of fault has met it. */
  readonly met: Record<string, Counts>
  /** In how many topologies one part feeds another. */
  readonly pairs: Counts
  readonly failures: string[]
}

const kinds = Object.keys(faultKinds)

/** Nothing yet. */
export function emptyTally(): Tally {
  return {
    topologies: 0,
    sinks: 0,
    foretold: 0,
    notCompared: 0,
    seeds: {},
    lives: 0,
    steps: 0,
    faults: {},
    met: {},
    pairs: {},
    failures: [],
  }
}

/** Counts the runs of one pipeline. */
export function addRuns(tally: Tally, what: string, { seeds, lives, steps, faults }: SeedsReport): void {
  addTo(tally.seeds, { [what]: seeds })
  addTo(tally.faults, faults)
  tally.lives += lives
  tally.steps += steps
}

/** Counts a topology and its runs. */
export function addTopology(tally: Tally, report: TopologyReport): void {
  const { topology, runs, sinks, foretold, failures } = report
  addRuns(tally, 'topologies', runs)
  tally.topologies++
  tally.sinks += sinks
  tally.foretold += foretold
  tally.notCompared += runs.notCompared.filter(({ sink }) => Object.hasOwn(runs.expected, sink)).length
  tally.failures.push(...failures)
  for (const feature of featuresOf(topology)) addTo((tally.met[feature] ??= {}), runs.faults)
  for (const pair of pairsOf(topology)) addTo(tally.pairs, { [pair]: 1 })
}

/** Adds one tally to another. */
export function addTally(tally: Tally, other: Tally): void {
  tally.topologies += other.topologies
  tally.sinks += other.sinks
  tally.foretold += other.foretold
  tally.notCompared += other.notCompared
  tally.lives += other.lives
  tally.steps += other.steps
  tally.failures.push(...other.failures)
  addTo(tally.seeds, other.seeds)
  addTo(tally.faults, other.faults)
  addTo(tally.pairs, other.pairs)
  for (const [feature, counts] of Object.entries(other.met)) addTo((tally.met[feature] ??= {}), counts)
}

function addTo(counts: Counts, more: Readonly<Counts>): void {
  for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count
}

/** All counts together. */
export function sumOf(counts: Readonly<Counts>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** What was never met: features, kinds of faults, pairs of both, and parts that never fed another. */
export function holesOf({ met, pairs: found }: Tally): readonly string[] {
  const holes: string[] = []
  for (const feature of features) {
    const missed = kinds.filter((kind) => met[feature]?.[kind] === undefined)
    holes.push(...missed.map((kind) => `${feature} has not met ${kind}`))
  }
  holes.push(...pairs.filter((pair) => found[pair] === undefined).map((pair) => `nothing like ${pair}`))
  return holes
}

/** How often each kind of fault has met each feature, as a table. */
export function tableOf({ met }: Tally): string {
  const width = Math.max(...features.map(({ length }) => length))
  const columns = kinds.map((kind) => kind.padStart(6))
  const row = (name: string, cells: readonly string[]): string => `${name.padEnd(width)} ${cells.join(' ')}`
  const rows = features.map((feature) =>
    row(
      feature,
      kinds.map((kind, column) => String(met[feature]?.[kind] ?? 0).padStart(columns[column]!.length)),
    ),
  )
  return [row('', columns), ...rows].join('\n')
}
