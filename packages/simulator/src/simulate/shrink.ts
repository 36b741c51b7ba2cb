import type { Baseline } from './baseline.ts'
import { orderOf } from './calm-run.ts'
import { withoutFault, type Fault } from './fault.ts'
import type { Finding } from './finding.ts'
import { shortened } from './inputs.ts'
import type { RunPlan } from './run-plan.ts'
import type { FailedRun } from './simulation-failure.ts'

/** Runs a plan and compares it with a baseline. Returns a finding, or undefined if every guarantee holds. */
export type Attempt = (plan: RunPlan, baseline: Baseline) => Promise<FailedRun | undefined>

/** The maximum number of runs spent on shrinking. */
const attemptsMax = 80

/**
 * Searches a shorter run that breaks the same guarantee: with fewer faults, then fewer records, then without
 * parallelism, and again with fewer faults. Undefined if none is found.
 */
export async function shrink(
  plan: RunPlan,
  baseline: Baseline,
  finding: Finding,
  attempt: Attempt,
): Promise<FailedRun | undefined> {
  const search = new Search(plan, baseline, finding, attempt)
  await search.dropFaults()
  await search.dropRecords()
  await search.dropParallelism()
  await search.dropFaults()
  return search.found
}

class Search {
  found: FailedRun | undefined
  readonly #finding: Finding
  readonly #attempt: Attempt
  #plan: RunPlan
  #baseline: Baseline
  #left = attemptsMax

  constructor(plan: RunPlan, baseline: Baseline, finding: Finding, attempt: Attempt) {
    this.#plan = plan
    this.#baseline = baseline
    this.#finding = finding
    this.#attempt = attempt
  }

  async dropFaults(): Promise<void> {
    for (let index = this.#plan.faults.length - 1; index >= 0; index--) {
      const faults = withoutFault(this.#plan.faults, index)
      await this.#try({ ...this.#plan, faults }, this.#baseline)
    }
  }

  async dropRecords(): Promise<void> {
    for (const share of [0.1, 0.5, 0.5, 0.5, 0.75, 0.9]) {
      const inputs = shortened(this.#baseline.subject.inputs, share)
      const baseline = await this.#baseline.withInputs(inputs)
      if (baseline.items === this.#baseline.items || baseline.findings.length > 0) continue
      const { order } = this.#plan
      const plan = order === undefined ? this.#plan : { ...this.#plan, order: orderOf(baseline.subject) }
      // A life with fewer records takes fewer steps, so what went wrong late in it must come sooner.
      const isShorter = await this.#try(plan, baseline)
      if (!isShorter) await this.#try({ ...plan, faults: sooner(plan.faults, share) }, baseline)
    }
  }

  async dropParallelism(): Promise<void> {
    if (this.#plan.parallelism > 1) await this.#try({ ...this.#plan, parallelism: 1 }, this.#baseline)
  }

  /** Whether the plan breaks the same guarantee; the search then continues from it. */
  async #try(plan: RunPlan, baseline: Baseline): Promise<boolean> {
    if (this.#left-- <= 0) return false
    const failed = await this.#attempt(plan, baseline)
    const { kind, where } = this.#finding
    if (failed === undefined || !failed.findings.some((each) => each.kind === kind && each.where === where))
      return false
    this.#plan = plan
    this.#baseline = baseline
    this.found = failed
    return true
  }
}

/** Returns the same faults at the same relative step of a shorter life. */
function sooner(faults: readonly Fault[], share: number): readonly Fault[] {
  return faults.map((fault) => ({ ...fault, step: Math.floor(fault.step * share) }))
}
