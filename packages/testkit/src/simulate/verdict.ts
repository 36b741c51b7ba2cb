import { describeError } from '@millrace/core'
import type { Baseline, NotCompared } from './baseline.ts'
import { compareSink, compareState, type SinkDemand } from './expectation.ts'
import type { Finding } from './finding.ts'
import type { RunOutcome, RunPlan, Subject } from './run-plan.ts'

/** What the user demands of a run beside what the engine promises: throws if it does not hold. */
export type Invariant = (outputs: Readonly<Record<string, readonly unknown[]>>) => void

/** What a run was found to be. */
export interface Verdict {
  readonly findings: readonly Finding[]
  readonly notCompared: readonly NotCompared[]
}

/** Holds the outcome of a run against one without faults. */
export async function judge(
  outcome: RunOutcome,
  plan: RunPlan,
  baseline: Baseline,
  invariants: readonly Invariant[],
): Promise<Verdict> {
  if (outcome.broken.length > 0) {
    return { findings: outcome.broken.map(({ kind, what }) => ({ kind, where: '', what })), notCompared: [] }
  }
  const hasLost = [...outcome.spent.values()].some((spent) => !spent.isComplete)
  // What a source that cannot be read again has given to a process that died is lost: the rest must count once.
  const fair = hasLost ? await baseline.withInputs(withoutLost(baseline.subject, outcome)) : baseline
  const isParallel = plan.parallelism > 1 || outcome.events.some(({ kind }) => kind === 'rescale')
  const unsure = new Map([...baseline.unsure, ...(isParallel ? baseline.unsureIfParallel : [])])
  const findings: Finding[] = []
  for (const [sink, guarantee] of baseline.guarantees) {
    if (unsure.has(sink)) continue
    const demand: SinkDemand = {
      guarantee,
      mayMiss: guarantee === 'at-most-once' || outcome.stopped !== undefined,
      mayRepeat: guarantee === 'at-least-once' || outcome.fallbacks > 0,
      mayDiffer: guarantee === 'at-least-once' && hasLost,
    }
    findings.push(...compareSink(sink, fair.expected(sink), outcome.outputs.get(sink) ?? [], demand))
  }
  if (unsure.size === 0 && fair.state !== undefined && outcome.state !== undefined) {
    findings.push(...compareState(fair.state, outcome.state))
  }
  findings.push(...brokenInvariants(outcome, invariants))
  return { findings, notCompared: Array.from(unsure, ([sink, why]) => ({ sink, why })) }
}

/** The values in each sink. */
export function valuesOf(outcome: RunOutcome): Readonly<Record<string, readonly unknown[]>> {
  return Object.fromEntries(
    Array.from(outcome.outputs, ([sink, records]) => [sink, records.map(({ value }) => value)]),
  )
}

function brokenInvariants(outcome: RunOutcome, invariants: readonly Invariant[]): readonly Finding[] {
  if (outcome.stopped !== undefined) return []
  const findings: Finding[] = []
  for (const [index, invariant] of invariants.entries()) {
    try {
      invariant(valuesOf(outcome))
    } catch (error) {
      const where = invariant.name || `number ${index + 1}`
      findings.push({
        kind: 'invariant',
        where,
        what: `invariant ${where} does not hold: ${describeError(error)}`,
      })
    }
  }
  return findings
}

function withoutLost({ inputs }: Subject, { spent }: RunOutcome): Subject['inputs'] {
  return new Map(
    Array.from(inputs, ([source, input]) => [
      source,
      new Map(
        Array.from(input, ([split, items]) => [
          split,
          items.filter((_, index) => !(spent.get(source)?.isLost(`${source}/${split}`, index) ?? false)),
        ]),
      ),
    ]),
  )
}
