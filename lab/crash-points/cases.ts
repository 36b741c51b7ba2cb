import { BrokenPromise } from './broken-promise.ts'

/** One case to try. */
export interface Case {
  readonly name: string
  /** Resolves to a short description of the outcome; rejects with `BrokenPromise` if that is wrong. */
  readonly run: () => Promise<string>
}

/** The cases that were tried and their outcomes. */
export interface CaseReport {
  readonly cases: number
  /** Number of cases by outcome. */
  readonly outcomes: ReadonlyMap<string, number>
  readonly failures: readonly string[]
}

/** Runs one case after the other until too many have failed. */
export async function runCases(all: Iterable<Case>, failuresMax = 5): Promise<CaseReport> {
  const outcomes = new Map<string, number>()
  const failures: string[] = []
  let cases = 0
  for (const { name, run } of all) {
    if (failures.length >= failuresMax) break
    cases++
    try {
      const outcome = await run()
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    } catch (error) {
      if (!(error instanceof BrokenPromise)) throw error
      failures.push(`${name}: ${error.message}`)
    }
  }
  return { cases, outcomes, failures }
}
