import type { CallWatch } from './call-watch.ts'
import { evenOrder, type PieceOrder } from './pace.ts'
import { itemCount } from './inputs.ts'
import type { RunOutcome, RunPlan, Subject } from './run-plan.ts'
import { simulateRun } from './sim-run.ts'

/** How many pieces an input is cut into where splits take turns. */
const orderPieces = 60

/** The one order in which the splits of an input take turns; undefined for an input that is one split. */
export function orderOf({ inputs }: Subject, piecesMax: number = orderPieces): PieceOrder | undefined {
  let splits = 0
  for (const input of inputs.values()) splits += input.size
  return splits > 1 ? evenOrder(inputs, Math.max(1, Math.ceil(itemCount(inputs) / piecesMax))) : undefined
}

/** A plan in which nothing goes wrong and nothing takes long. */
export function calmPlan(subject: Subject, changes: Partial<RunPlan> = {}): RunPlan {
  return {
    seed: 0,
    parallelism: 1,
    faults: [],
    order: orderOf(subject),
    itemsMax: 1_024,
    waitMs: 0,
    checkpointEveryMs: 60_000,
    batchRecords: 1_024,
    edgeBatches: 4,
    stepsMax: 1_000_000,
    ...changes,
  }
}

/** Sees nothing. */
export const noWatch: CallWatch = { call: (_operator, code) => code(), emitted() {}, usedClock() {} }

/** Runs a pipeline in which nothing goes wrong. Throws if it fails all the same. */
export async function calmRun(
  subject: Subject,
  changes: Partial<RunPlan> = {},
  watch: CallWatch = noWatch,
): Promise<RunOutcome> {
  return simulateRun(subject, calmPlan(subject, changes), watch)
}
