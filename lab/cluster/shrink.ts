import type { RunReport } from './cluster-run.ts'
import type { Scenario } from './scenario.ts'

/** So many runs are spent on a shorter scenario. */
const attemptsMax = 60

/** A shorter scenario, and what it has shown. */
export interface Shrunk {
  readonly scenario: Scenario
  readonly report: RunReport
}

/**
 * Searches a shorter scenario that breaks a promise of the same kind: with fewer happenings, fewer parts, fewer records, fewer workers
 * and an easier setting.
 */
export async function shrink(
  scenario: Scenario,
  report: RunReport,
  run: (scenario: Scenario) => Promise<RunReport>,
): Promise<Shrunk> {
  const kinds = new Set(report.problems.map(({ kind }) => kind))
  let best: Shrunk = { scenario, report }
  let left = attemptsMax
  const isShorter = async (shorter: Scenario): Promise<boolean> => {
    if (left-- <= 0) return false
    const found = await run(shorter)
    if (!found.problems.some(({ kind }) => kinds.has(kind))) return false
    best = { scenario: shorter, report: found }
    return true
  }
  for (let at = scenario.happenings.length - 1; at >= 0; at--)
    await isShorter({ ...best.scenario, happenings: best.scenario.happenings.toSpliced(at, 1) })
  for (let at = scenario.parts.length - 1; at >= 0 && best.scenario.parts.length > 1; at--)
    await isShorter({ ...best.scenario, parts: best.scenario.parts.toSpliced(at, 1) })
  for (const share of [0.1, 0.5, 0.5, 0.5]) {
    const inputs = best.scenario.inputs.map((input) => ({
      ...input,
      records: Math.ceil(input.records * share),
    }))
    await isShorter({ ...best.scenario, inputs })
  }
  for (const easier of easierSettings(scenario))
    await isShorter({ ...best.scenario, setting: { ...best.scenario.setting, ...easier } })
  return best
}

function easierSettings({ setting }: Scenario): readonly Partial<Scenario['setting']>[] {
  const { leases, workers } = setting
  const all: readonly Partial<Scenario['setting']>[] = [
    { standbys: 0 },
    { slowShare: 0 },
    { store: 'memory' },
    { skewMs: 0 },
    { areNamed: false },
    { markMs: 0 },
    { latencyMs: 1 },
    { workers: Math.ceil(workers / 2) },
    { workers: 2 },
    { leases: Math.ceil(leases / 2) },
    { leases: 2 },
  ]
  const values = setting as unknown as Readonly<Record<string, unknown>>
  return all.filter((easier) => Object.entries(easier).some(([name, value]) => values[name] !== value))
}
