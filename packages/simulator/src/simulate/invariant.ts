import { describeError } from '@millrace/core'
import type { Finding } from './finding.ts'
import type { FaultEvent, RunOutcome } from './run-plan.ts'

/** Facts about a run that an invariant may need besides the contents of the sinks. */
export interface RunFacts {
  /** The injected faults, in order. */
  readonly faults: readonly FaultEvent[]
  /** Whether a volatile source has delivered records to a process that died. These records are lost. */
  readonly hasLost: boolean
  /**
   * Whether the job has resumed from an older checkpoint, because the newest one was damaged. Committed results are
   * then emitted again, also in exactly-once sinks.
   */
  readonly hasFallenBack: boolean
}

/** A condition of the user on a run, besides the guarantees of the engine: throws if it does not hold. */
export type Invariant = (outputs: Readonly<Record<string, readonly unknown[]>>, run: RunFacts) => void

/** Collects the facts of a run that an invariant receives. */
export function factsOf({ events, spent, fallbacks }: RunOutcome): RunFacts {
  return {
    faults: events,
    hasLost: [...spent.values()].some(({ isComplete }) => !isComplete),
    hasFallenBack: fallbacks > 0,
  }
}

/** Checks each invariant on a run that has ended. */
export function brokenInvariants(
  outcome: RunOutcome,
  outputs: Readonly<Record<string, readonly unknown[]>>,
  invariants: readonly Invariant[],
): readonly Finding[] {
  if (outcome.stopped !== undefined) return []
  const facts = factsOf(outcome)
  const findings: Finding[] = []
  for (const [index, invariant] of invariants.entries()) {
    try {
      invariant(outputs, facts)
    } catch (error) {
      const where = invariant.name || `number ${index + 1}`
      const what = `invariant ${where} does not hold: ${describeError(error)}`
      findings.push({ kind: 'invariant', where, what })
    }
  }
  return findings
}
