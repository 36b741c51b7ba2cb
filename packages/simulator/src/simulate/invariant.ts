import { describeError } from '@millrace/core'
import type { Finding } from './finding.ts'
import type { Inputs, SourceInput } from './inputs.ts'
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
  /**
   * How many items the input of the run has, by source and split: records, and bytes that cannot be decoded. All that
   * the source has, or only the first ones, where a run that failed is repeated with less input.
   */
  readonly items: Readonly<Record<string, Readonly<Record<string, number>>>>
  /**
   * What each operator keeps at the end: a line of text for each value, as `TABLE: OUTER, INNER = VALUE`. Operators without
   * any are left out. Undefined if there is no checkpoint.
   *
   * @example
   * const windowsAreDropped: Invariant = (_, { state }) => {
   *   if (state?.has('per-minute')) throw new Error('the windows of a day are still there')
   * }
   */
  readonly state: ReadonlyMap<string, readonly string[]> | undefined
}

/** A condition of the user on a run, besides the guarantees of the engine: throws if it does not hold. */
export type Invariant = (outputs: Readonly<Record<string, readonly unknown[]>>, run: RunFacts) => void

/** Collects the facts of a run that an invariant receives. */
export function factsOf({ events, spent, fallbacks, state }: RunOutcome, inputs: Inputs): RunFacts {
  return {
    faults: events,
    hasLost: [...spent.values()].some(({ isComplete }) => !isComplete),
    hasFallenBack: fallbacks > 0,
    items: Object.fromEntries(Array.from(inputs, ([source, input]) => [source, lengthsOf(input)])),
    state,
  }
}

function lengthsOf(input: SourceInput): Readonly<Record<string, number>> {
  return Object.fromEntries(Array.from(input, ([split, items]) => [split, items.length]))
}

/** Checks each invariant on a run that has ended, whose input was `inputs`. */
export function brokenInvariants(
  outcome: RunOutcome,
  inputs: Inputs,
  outputs: Readonly<Record<string, readonly unknown[]>>,
  invariants: readonly Invariant[],
): readonly Finding[] {
  if (outcome.stopped !== undefined) return []
  const facts = factsOf(outcome, inputs)
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
