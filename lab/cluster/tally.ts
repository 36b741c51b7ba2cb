import type { RunReport } from './cluster-run.ts'
import type { Scenario } from './scenario.ts'

type Counts = Record<string, number>

/** What many runs have shown: plain data, so that processes can exchange it. */
export interface Tally {
  seeds: number
  cpuSeconds: number
  simulatedSeconds: number
  results: number
  /** Seeds by how many workers they began with. */
  readonly workers: Counts
  readonly parts: Counts
  readonly settings: Counts
  /** What has happened to clusters, and what workers have done. */
  readonly events: Counts
  readonly failures: string[]
}

/** Nothing. */
export function emptyTally(): Tally {
  return {
    seeds: 0,
    cpuSeconds: 0,
    simulatedSeconds: 0,
    results: 0,
    workers: {},
    parts: {},
    settings: {},
    events: {},
    failures: [],
  }
}

/** What one run has shown. */
export function tallyOf(
  { setting, parts }: Scenario,
  report: RunReport,
  cpuSeconds: number,
  failures: readonly string[],
): Tally {
  const tally = emptyTally()
  const settings = {
    bounded: setting.isBounded,
    named: setting.areNamed,
    standbys: setting.standbys > 0,
    'disk store': setting.store === 'disk',
    'slow disks': setting.slowShare > 0,
  }
  addTo(tally.workers, { [workersText(setting.workers)]: 1 })
  for (const { kind } of parts) addTo(tally.parts, { [kind]: 1 })
  for (const [name, is] of Object.entries(settings)) if (is) addTo(tally.settings, { [name]: 1 })
  addTo(tally.events, report.events)
  return {
    ...tally,
    seeds: 1,
    cpuSeconds,
    simulatedSeconds: report.tookMs / 1_000,
    results: report.results,
    failures: [...failures],
  }
}

/** Adds one tally to another. */
export function addTally(tally: Tally, other: Tally): void {
  tally.seeds += other.seeds
  tally.cpuSeconds += other.cpuSeconds
  tally.simulatedSeconds += other.simulatedSeconds
  tally.results += other.results
  tally.failures.push(...other.failures)
  for (const counts of ['workers', 'parts', 'settings', 'events'] as const)
    addTo(tally[counts], other[counts])
}

/** The tally as text, with its summary as the last line. */
export function tallyText(tally: Tally): string {
  const { seeds, cpuSeconds, simulatedSeconds, results, failures } = tally
  const hours = (simulatedSeconds / 3_600).toFixed(1)
  return [
    `workers at first: ${countsText(tally.workers)}`,
    `parts: ${countsText(tally.parts)}`,
    `settings: ${countsText(tally.settings)}`,
    `events: ${countsText(tally.events)}`,
    `${results.toLocaleString('en')} results, ${hours} simulated hours, ${cpuSeconds.toFixed(0)} CPU seconds`,
    `${seeds.toLocaleString('en')} seeds, ${failures.length} failures`,
  ].join('\n')
}

function workersText(workers: number): string {
  const from = 2 ** Math.floor(Math.log2(workers))
  return from < 4 ? String(workers) : from === 64 ? '64' : `${from} to ${2 * from - 1}`
}

function countsText(counts: Readonly<Counts>): string {
  return Object.entries(counts)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
    .join(', ')
}

function addTo(counts: Counts, more: Readonly<Counts>): void {
  for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count
}
