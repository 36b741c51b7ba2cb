import type { Additions } from './added-sinks.ts'
import { stateOf, type Baseline, type JudgedRun, type NotCompared } from './baseline.ts'
import { compareCounts, compareSink, compareState, type SinkDemand } from './expectation.ts'
import { earlyEnds } from './fault.ts'
import type { Finding } from './finding.ts'
import { brokenInvariants, factsOf, type Invariant } from './invariant.ts'
import type { RunOutcome, RunPlan, Subject } from './run-plan.ts'

/** The verdict on a run. */
export interface Verdict extends JudgedRun {
  /** The baseline of the comparison: less than the whole input if records were lost. */
  readonly against: Baseline
  readonly notCompared: readonly NotCompared[]
}

/** Conditions besides the comparison with a run without faults. */
export interface Demands {
  readonly additions: Additions
  readonly invariants: readonly Invariant[]
}

/** Compares the outcome of a run with one without faults. */
export async function judge(
  outcome: RunOutcome,
  plan: RunPlan,
  baseline: Baseline,
  { additions, invariants }: Demands,
): Promise<Verdict> {
  if (outcome.broken.length > 0) {
    const broken = outcome.broken.map(({ kind, where = '', what }) => ({ kind, where, what }))
    return { findings: broken, against: baseline, isParallel: false, isRestarted: false, notCompared: [] }
  }
  const { hasLost, hasFallenBack } = factsOf(outcome, baseline.subject.inputs)
  // What a source that cannot be read again has given to a process that died is lost: the rest must count once.
  const fair = hasLost ? await withoutLost(baseline, plan, outcome) : baseline
  const isParallel = plan.parallelism > 1 || outcome.events.some(({ kind }) => kind === 'rescale')
  const isUpgraded = outcome.events.some(({ kind }) => kind === 'upgrade')
  // A run whose input was to grow has read a part of it to the end, even if the job stopped for good before it grew.
  const hasEndedEarly = plan.growsFrom !== undefined || outcome.events.some(({ kind }) => earlyEnds.has(kind))
  const unsure = baseline.unsureIn({ isParallel, isForked: outcome.isForked, isUpgraded, hasEndedEarly })
  const findings: Finding[] = []
  for (const [sink, guarantee] of baseline.guarantees) {
    const demand: SinkDemand = {
      guarantee,
      mayMiss: guarantee === 'at-most-once' || outcome.stopped !== undefined,
      mayRepeat: guarantee === 'at-least-once' || hasFallenBack,
      // Results of what was lost may be out: by a sink that shows them at once, or by a checkpoint that was damaged.
      mayDiffer: hasLost && (guarantee === 'at-least-once' || hasFallenBack),
      // A process that was paused finds all there at once: records meet in another order, and such a sink shows it.
      mayDifferAfterPause: guarantee === 'at-least-once' && baseline.isEntangled(sink),
      mayMix: baseline.mixed.has(sink),
    }
    const [expected, actual] = [fair.expected(sink), outcome.outputs.get(sink) ?? []]
    const countedIn = hasEndedEarly && baseline.timed.has(sink) ? undefined : baseline.countable.get(sink)
    if (!unsure.has(sink)) findings.push(...compareSink(sink, expected, actual, demand))
    else if (countedIn !== undefined)
      findings.push(...compareCounts(sink, countedIn, expected, actual, demand))
  }
  if (fair.state !== undefined && outcome.state !== undefined)
    findings.push(
      ...compareState(
        fair.state,
        outcome.state,
        (operator) => !unsure.has(stateOf(operator)) && fair.operators.has(operator),
      ),
    )
  findings.push(...additions.compare(outcome, hasFallenBack))
  findings.push(...brokenInvariants(outcome, baseline.subject.inputs, valuesOf(outcome), invariants))
  const notCompared = Array.from(unsure, ([sink, why]) => ({ sink, why })).filter(({ sink }) =>
    baseline.has(sink),
  )
  return { findings, against: fair, isParallel, isRestarted: outcome.starts > 1, notCompared }
}

/** The values in each sink. */
export function valuesOf(outcome: Pick<RunOutcome, 'outputs'>): Readonly<Record<string, readonly unknown[]>> {
  return Object.fromEntries(
    Array.from(outcome.outputs, ([sink, records]) => [sink, records.map(({ value }) => value)]),
  )
}

/** Returns the baseline without the lost records, in the same order. */
async function withoutLost(baseline: Baseline, plan: RunPlan, { spent }: RunOutcome): Promise<Baseline> {
  const isLeft = (source: string, split: string, item: number): boolean =>
    !(spent.get(source)?.isLost(`${source}/${split}`, item) ?? false)
  const inputs: Subject['inputs'] = new Map(
    Array.from(baseline.subject.inputs, ([source, input]) => [
      source,
      new Map(
        Array.from(input, ([split, items]) => [
          split,
          items.filter((_, item) => isLeft(source, split, item)),
        ]),
      ),
    ]),
  )
  if (plan.order === undefined) return baseline.withInputs(inputs)
  const leftUpTo = (source: string, split: string, end: number): number => {
    let left = 0
    for (let item = 0; item < end; item++) if (isLeft(source, split, item)) left++
    return left
  }
  const order = plan.order.map(({ source, split, from, to }) => ({
    source,
    split,
    from: leftUpTo(source, split, from),
    to: leftUpTo(source, split, to),
  }))
  return baseline.withInputs(
    inputs,
    order.filter(({ from, to }) => to > from),
  )
}
