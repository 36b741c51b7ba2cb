import { describeError } from '@millrace/core'
import type { Finding } from './finding.ts'
import type { FaultEvent, RunOutcome } from './run-plan.ts'

/** What an invariant may have to know of a run beside what is in the sinks. */
export interface RunFacts {
  /** What went wrong on purpose, in order. */
  readonly faults: readonly FaultEvent[]
  /** Whether a source that cannot be read again has given records to a process that died. They count nowhere. */
  readonly hasLost: boolean
  /**
   * Whether the job has resumed from an older checkpoint, because the newest one was damaged. Results that were out
   * then come again, in exactly-once sinks as well.
   */
  readonly hasFallenBack: boolean
}

/** What the user demands of a run beside what the engine promises: throws if it does not hold. */
export type Invariant = (outputs: Readonly<Record<string, readonly unknown[]>>, run: RunFacts) => void

/** The facts of a run that an invariant receives. */
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
