import { faultKinds, type SeedsReport } from '@millrace/simulator'
import { features, featuresOf, pairs, pairsOf } from './feature.ts'
import type { TopologyReport } from './trial.ts'

/** Counts by name. */
type Counts = Record<string, number>

/** The results of many runs: plain data, so that processes can exchange it. */
export interface Tally {
  topologies: number
  /** The number of sinks, of those compared with the oracle, and of those not compared after crashes. */
  sinks: number
  predicted: number
  notCompared: number
  /** Number of seeds by their options. */
  readonly seeds: Counts
  lives: number
  steps: number
  readonly faults: Counts
  /** By feature of topologies: how often it was combined with each kind of fault. */
  readonly met: Record<string, Counts>
  /** In how many topologies one part feeds another. */
  readonly pairs: Counts
  readonly failures: string[]
}

const kinds = Object.keys(faultKinds)

/** An empty tally. */
export function emptyTally(): Tally {
  return {
    topologies: 0,
    sinks: 0,
    predicted: 0,
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
  const { topology, runs, sinks, predicted, failures } = report
  addRuns(tally, 'topologies', runs)
  tally.topologies++
  tally.sinks += sinks
  tally.predicted += predicted
  tally.notCompared += runs.notCompared.filter(({ sink }) => Object.hasOwn(runs.expected, sink)).length
  tally.failures.push(...failures)
  for (const feature of featuresOf(topology)) addTo((tally.met[feature] ??= {}), runs.faults)
  for (const pair of pairsOf(topology)) addTo(tally.pairs, { [pair]: 1 })
}

/** Adds one tally to another. */
export function addTally(tally: Tally, other: Tally): void {
  tally.topologies += other.topologies
  tally.sinks += other.sinks
  tally.predicted += other.predicted
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

/** The gaps: features, kinds of faults, combinations of both, and pairs of parts that never occurred. */
export function holesOf({ met, pairs: found }: Tally): readonly string[] {
  const holes: string[] = []
  for (const feature of features) {
    const missed = kinds.filter((kind) => met[feature]?.[kind] === undefined)
    holes.push(...missed.map((kind) => `${feature} has not met ${kind}`))
  }
  holes.push(...pairs.filter((pair) => found[pair] === undefined).map((pair) => `nothing like ${pair}`))
  return holes
}

/** How often each kind of fault was combined with each feature, as a table. */
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
