import { describeValue } from '@millrace/core'
import { simulateSeeds, type SeedsReport } from '@millrace/testkit'
import { pipelineOf } from './interpreter.ts'
import type { Item } from './item.ts'
import { textOf } from './known-stream.ts'
import { expectedOf, type KnownLetter } from './oracle.ts'
import { topologyText } from './topology-text.ts'
import { lettersName, type Topology } from './topology.ts'

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
  const expected = expectedOf(topology)
  const runs = await simulateSeeds(pipelineOf(topology), { from, seeds, keepGoing: true })
  const wrong: { readonly seed: number; readonly what: string }[] = []
  for (const [sink, values] of expected) {
    const what = differenceOf(sink, values, runs.expected[sink] ?? [])
    if (what !== undefined) wrong.push({ seed: from, what: `without any fault: ${what}` })
  }
  for (const { seed, message } of runs.failures) wrong.push({ seed, what: message })
  const failures = wrong.map(
    ({ seed, what }) =>
      `${topologyText(topology)}\n${what}\nOr: npm run simulate-everything -- topologies --from ${seed} --seeds 1`,
  )
  const sinks = Object.keys(runs.expected)
  const foretold = sinks.filter((sink) => expected.has(sink)).length
  return { topology, runs, sinks: sinks.length, foretold, failures }
}

const shownMax = 3

/** In which way a sink is not what the oracle has foretold; undefined if it is. */
function differenceOf(
  sink: string,
  expected: readonly unknown[],
  actual: readonly unknown[],
): string | undefined {
  const left = new Map<string, number>()
  const texts = expected.map((value) =>
    sink === lettersName ? foretoldText(value as KnownLetter) : textOf(value),
  )
  for (const text of texts) left.set(text, (left.get(text) ?? 0) + 1)
  const beside: string[] = []
  for (const value of actual) {
    const text = sink === lettersName ? letterText(value as Letter) : textOf(value)
    const count = left.get(text) ?? 0
    if (count > 0) left.set(text, count - 1)
    else beside.push(text)
  }
  const missing = Array.from(left).flatMap(([text, count]) => Array.from({ length: count }, () => text))
  if (missing.length === 0 && beside.length === 0) return undefined
  const shown = (all: readonly string[]): string => `${all.length} (${all.slice(0, shownMax).join(', ')})`
  return `the oracle foretells ${expected.length} records for sink '${sink}'; ${shown(missing)} are missing and ${shown(beside)} are there beside them`
}

/** A dead letter, as far as the data decide it. */
interface Letter {
  readonly operator: string
  readonly value: string | null
}

function foretoldText({ operator, item }: KnownLetter): string {
  return `${operator}: ${item === undefined ? 'bytes' : describeValue(item, longest)}`
}

/** The simulator's dead letters hold records in the boxes in which it keeps them. */
function letterText({ operator, value }: Letter): string {
  const box = value === null ? undefined : (JSON.parse(value) as { readonly value: Item })
  return `${operator}: ${box === undefined ? 'bytes' : describeValue(box.value, longest)}`
}

const longest = 100_000
