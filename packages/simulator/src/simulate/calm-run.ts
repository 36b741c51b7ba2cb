import type { Random } from '@millrace/world'
import type { CallWatch } from './call-watch.ts'
import { staggeredOrder, type PieceOrder } from './pace.ts'
import { itemCount } from './inputs.ts'
import type { RunOutcome, RunPlan, Subject } from './run-plan.ts'
import { simulateRun } from './sim-run.ts'

/** The number of pieces into which an input is divided when splits take turns. */
const orderPieces = 60

/** The order in which the splits of an input take turns; undefined for an input with one split. */
export function orderOf({ inputs }: Subject, piecesMax: number = orderPieces): PieceOrder | undefined {
  let splits = 0
  for (const input of inputs.values()) splits += input.size
  return splits > 1
    ? staggeredOrder(inputs, Math.max(1, Math.ceil(itemCount(inputs) / piecesMax)))
    : undefined
}

/** A plan without faults and without delays. */
export function calmPlan(subject: Subject, changes: Partial<RunPlan> = {}): RunPlan {
  return {
    seed: 0,
    parallelism: 1,
    threads: false,
    faults: [],
    resumes: false,
    growsFrom: undefined,
    order: orderOf(subject),
    itemsMax: 1_024,
    waitMs: 0,
    checkpointEveryMs: 60_000,
    batchRecords: 1_024,
    edgeBatches: 4,
    workPerTurn: Number.POSITIVE_INFINITY,
    stepsMax: subject.stepsMax,
    ...changes,
  }
}

/** How fast records arrive, and how often a checkpoint is made. */
export type Paces = Pick<
  RunPlan,
  'itemsMax' | 'waitMs' | 'checkpointEveryMs' | 'batchRecords' | 'edgeBatches' | 'workPerTurn'
> & {
  /** The number of pieces in which a single split arrives. */
  readonly pieces: number
}

/** Draws the pace of one run over the given number of items. */
export function drawPaces(random: Random, items: number): Paces {
  const oneOf = <T>(choices: readonly T[]): T => choices[random.int(choices.length)]!
  const pieces = oneOf([4, 12, 25, 50])
  const workPerTurn = [10, 100, Number.POSITIVE_INFINITY][random.fork('work per turn').int(3)]!
  return {
    pieces,
    itemsMax: Math.max(1, Math.ceil((2 * items) / pieces)),
    waitMs: oneOf([0, 3, 10, 30]),
    checkpointEveryMs: oneOf([5, 20, 60, 200]),
    batchRecords: oneOf([7, 64, 1_024]),
    edgeBatches: oneOf([1, 4]),
    workPerTurn,
  }
}

/** A watch that observes nothing. */
export const noWatch: CallWatch = {
  call: (_operator, code) => code(),
  callAsync: (_operator, _value, _signal, code) => code(),
  value: (_operator, state) => state,
  map: (_operator, state) => state,
  emitted() {},
  usedClock() {},
  waitsForTime() {},
  expiresByTime() {},
}

/** Runs a pipeline without faults. Throws if it fails anyway. */
export async function calmRun(
  subject: Subject,
  changes: Partial<RunPlan> = {},
  watch: CallWatch = noWatch,
): Promise<RunOutcome> {
  return simulateRun(subject, calmPlan(subject, changes), watch)
}
