/**
 * One case of an operator in several lives with equal results: with records together or one by one, with snapshots or
 * restarts between them, with full outputs, in another order, and at another parallelism. (After Hazelcast Jet's
 * `TestSupport`.)
 */
import { seededRandom } from '@millrace/world'
import { describeValue, type EventTime } from '@millrace/core'
import type { Operator } from '@millrace/core/operator'
import { ContractViolation } from './conformance/conformance-case.ts'
import {
  operatorHarness,
  type HarnessOptions,
  type OperatorHarness,
  type BatchRecord,
} from './operator-harness.ts'

/** The events of an operator, in order; created by `at`, `watermark` and `clock`. */
export type Happening<In> =
  | { readonly kind: 'record'; readonly value: In; readonly time: EventTime; readonly input: number }
  | { readonly kind: 'watermark'; readonly time: EventTime }
  | { readonly kind: 'clock'; readonly now: number }

/** Creates a record with its event time, on the input with the number `input`. */
export function at<In>(time: EventTime, value: In, input = 0): Happening<In> {
  return { kind: 'record', value, time, input }
}

/** The watermark moves to `time`. */
export function watermark(time: EventTime): Happening<never> {
  return { kind: 'watermark', time }
}

/** The clock moves to `now`, in milliseconds since the epoch. */
export function clock(now: number): Happening<never> {
  return { kind: 'clock', now }
}

/** A case for `operatorLives`. */
export interface OperatorCase<In> extends Omit<HarnessOptions<In>, 'parallelism' | 'isTight'> {
  readonly create: () => Operator<In, unknown>
  /** The events before the input ends. */
  readonly input: readonly Happening<In>[]
  /** Whether the order of records between two other events affects only the order of results. Default false. */
  readonly isOrderFree?: boolean
  /** Whether state remains after the end, as for running totals. Default false. */
  readonly keepsState?: boolean
}

interface Life {
  readonly name: string
  readonly isTight?: boolean
  /** Whether results may be in another order. */
  readonly isOrderFree?: boolean
  readonly isTogether?: boolean
  readonly arrange?: <In>(input: readonly Happening<In>[]) => readonly Happening<In>[]
  readonly afterEach?: (
    harness: Pick<OperatorHarness<unknown>, 'snapshot' | 'snapshotAndRestore'>,
    step: number,
  ) => void
}

const lives: readonly Life[] = [
  { name: 'one record at a time' },
  { name: 'all in one batch', isTogether: true },
  { name: 'a snapshot after each step', afterEach: (harness) => harness.snapshot() },
  { name: 'restored after each step', afterEach: (harness) => harness.snapshotAndRestore() },
  { name: 'full outputs', isTogether: true, isTight: true },
]

/** Lives whose results are in another order. */
const orderFreeLives: readonly Life[] = [{ name: 'shuffled', isOrderFree: true, arrange: shuffled }]

const keyedLives: readonly Life[] = [
  {
    name: 'restored at another parallelism after each step',
    isOrderFree: true,
    afterEach: (harness, step) => harness.snapshotAndRestore((step % 3) + 1),
  },
]

/**
 * Runs a case in all lives, to the end of its input, and returns the first life. Throws a `ContractViolation` that
 * names the life and the difference if one of them emits or counts anything else, or leaves state or timers behind.
 *
 * @example
 * const { outputs } = operatorLives({
 *   create: () => new RunningTotal(),
 *   keyBy: (sale) => sale.shop,
 *   input: [at(1, { shop: 'a', amount: 2 }), watermark(5), at(6, { shop: 'a', amount: 3 })],
 *   keepsState: true,
 * })
 * outputs // => [{ value: 2, time: 1 }, { value: 5, time: 6 }]
 */
export function operatorLives<In>(parts: OperatorCase<In>): OperatorHarness<In> {
  const all = [
    ...lives,
    ...(parts.isOrderFree === true ? orderFreeLives : []),
    ...(parts.keyBy === undefined && parts.inputs === undefined ? [] : keyedLives),
  ]
  const [first, ...others] = all.map((life) => ({ life, harness: live(parts, life) }))
  for (const { life, harness } of others) {
    compare(life, figures(first!.harness, life), figures(harness, life))
  }
  return first!.harness
}

function live<In>(parts: OperatorCase<In>, life: Life): OperatorHarness<In> {
  const harness = operatorHarness(parts.create, { ...parts, isTight: life.isTight === true })
  const steps = stepsOf(life.arrange?.(parts.input) ?? parts.input, life.isTogether === true)
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'records') harness.batch(step.records)
    else if (step.kind === 'watermark') harness.watermark(step.time)
    else harness.processingTime(step.now)
    life.afterEach?.(harness, index)
  }
  harness.end()
  if (parts.keepsState === true || sizesOf(harness.cells()).length === 0) return harness
  // What later records may need stays at the end of the input.
  const left = sizesOf(harness.cellsAtLast())
  if (left.length > 0) {
    const what = left.map(([table, size]) => `${size} in ${table}`).join(', ')
    throw failure(life, `left cells behind: ${what}`)
  }
  return harness
}

function sizesOf(cells: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  return Object.entries(cells).filter(([, size]) => size > 0)
}

type LifeStep<In> =
  | { readonly kind: 'records'; readonly records: readonly BatchRecord<In>[] }
  | { readonly kind: 'watermark'; readonly time: EventTime }
  | { readonly kind: 'clock'; readonly now: number }

/** Within a batch, a watermark travels with the records after it, as on an edge. */
function stepsOf<In>(input: readonly Happening<In>[], isTogether: boolean): LifeStep<In>[] {
  const steps: LifeStep<In>[] = []
  let batch: BatchRecord<In>[] = []
  let current: EventTime = Number.NEGATIVE_INFINITY
  const flush = () => {
    if (batch.length > 0) steps.push({ kind: 'records', records: batch })
    batch = []
  }
  for (const happening of input) {
    if (happening.kind === 'record') {
      const { value, time, input } = happening
      batch.push({ value, time, watermark: current, input })
    } else if (happening.kind === 'watermark') {
      current = Math.max(current, happening.time)
    } else {
      flush()
      if (isTogether) steps.push({ kind: 'watermark', time: current })
      steps.push(happening)
    }
    if (isTogether) continue
    flush()
    if (happening.kind === 'watermark') steps.push(happening)
  }
  flush()
  if (isTogether) steps.push({ kind: 'watermark', time: current })
  return steps
}

/** Returns another order of the records between two other events, always the same one. */
function shuffled<In>(input: readonly Happening<In>[]): readonly Happening<In>[] {
  const random = seededRandom(1)
  const result: Happening<In>[] = []
  let start = 0
  for (const happening of input) {
    result.push(happening)
    if (happening.kind !== 'record') start = result.length
    else {
      const other = start + random.int(result.length - start)
      const last = result.length - 1
      ;[result[other], result[last]] = [result[last]!, result[other]!]
    }
  }
  return result
}

function figures<In>(harness: OperatorHarness<In>, { isOrderFree }: Life): readonly string[] {
  const emitted = harness.emitted.map(
    ({ output, value, time }) => `${describeValue(value, 10_000)} at ${time} to ${output}`,
  )
  const counts = (['late', 'skipped', 'deadLettered'] as const).map(
    (metric) => `${harness.counted(metric)} counted as ${metric}`,
  )
  return [...(isOrderFree === true ? emitted.toSorted() : emitted), ...counts]
}

function compare(life: Life, expected: readonly string[], actual: readonly string[]): void {
  const length = Math.max(expected.length, actual.length)
  for (let i = 0; i < length; i++) {
    if (expected[i] === actual[i]) continue
    throw failure(
      life,
      `result ${i} is\n  ${actual[i] ?? 'missing'}\nand one record at a time it is\n  ${expected[i] ?? 'missing'}`,
    )
  }
}

function failure(life: Life, what: string): ContractViolation {
  return new ContractViolation(`life '${life.name}': ${what}`)
}
