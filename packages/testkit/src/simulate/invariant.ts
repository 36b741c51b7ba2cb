import type { FaultEvent, RunOutcome } from './run-plan.ts'
import type { Invariant as BoundInvariant } from './verdict.ts'

/** What an invariant may have to know of a run beside what is in the sinks. */
export interface RunFacts {
  /** What went wrong on purpose, in order. */
  readonly faults: readonly FaultEvent[]
  /** Whether a source that cannot be read again has given records to a process that died. They count nowhere. */
  readonly hasLost: boolean
  /**
   * Whether the job has gone on from an older checkpoint, because the newest one was damaged. Results that were out
   * then come again, in exactly-once sinks as well.
   */
  readonly hasFallenBack: boolean
}

/** What the user demands of a run beside what the engine promises: throws if it does not hold. */
export type Invariant = (outputs: Readonly<Record<string, readonly unknown[]>>, run: RunFacts) => void

/** Invariants that know of which run they are asked; each keeps its name. */
export function boundTo(outcome: RunOutcome, invariants: readonly Invariant[]): readonly BoundInvariant[] {
  const facts: RunFacts = {
    faults: outcome.events,
    hasLost: [...outcome.spent.values()].some((spent) => !spent.isComplete),
    hasFallenBack: outcome.fallbacks > 0,
  }
  return invariants.map((invariant) => {
    const bound: BoundInvariant = (outputs) => invariant(outputs, facts)
    return Object.defineProperty(bound, 'name', { value: invariant.name })
  })
}
