/**
 * Runs an operator that goes by the clock over random records: in batches of any size, restored at any point and at any
 * parallelism. What it emits must follow from the records and the moments at which the clock was moved.
 */
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { operatorHarness, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'

/** A record. */
export interface Numbered {
  readonly key: string
  readonly n: number
}

/** A record and the moment at which it came, or left. */
export interface AtMoment extends Numbered {
  readonly now: number
}

/** Records between moves of the clock, and how to run them. */
export interface ClockCase {
  /** In the order in which they came. */
  readonly records: readonly AtMoment[]
  /** The times to which the clock is moved, in order. */
  readonly moments: readonly number[]
  readonly batch: number
  /** After which records there is a restart, and with how many subtasks. */
  readonly restarts: ReadonlyMap<number, number>
  readonly isTight: boolean
}

/** Few keys and short pauses, so that limits are reached and passed. Values are distinct. */
export const clockCases: fc.Arbitrary<ClockCase> = fc
  .record({
    moments: fc.array(
      fc.record({
        pause: fc.integer({ min: 1, max: 12 }),
        keys: fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 6 }),
      }),
      { maxLength: 12 },
    ),
    batch: fc.integer({ min: 1, max: 7 }),
    restarts: fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 4 })), { maxLength: 3 }),
    isTight: fc.boolean(),
  })
  .map(({ moments, batch, restarts, isTight }) => {
    let now = 0
    let n = 0
    const records: AtMoment[] = []
    const times: number[] = []
    for (const { pause, keys } of moments) {
      now += pause
      times.push(now)
      for (const key of keys) records.push({ key, n: n++, now })
    }
    return { records, moments: times, batch, restarts: new Map(restarts), isTight }
  })

/** The moment of what leaves when the input ends. */
export const atTheEnd: number = Number.POSITIVE_INFINITY

/** Runs a case to its end: what was emitted, each with the moment, and the operator afterwards. */
export function runByClock(
  node: OperatorNode,
  { records, moments, batch, restarts, isTight }: ClockCase,
): {
  readonly emitted: readonly (readonly [now: number, value: unknown])[]
  readonly harness: OperatorHarness<Numbered>
} {
  const harness = operatorHarness<Numbered>(() => node.create(), { inputs: keysOf(node), isTight })
  const emitted: (readonly [now: number, value: unknown])[] = []
  const note = (now: number): void => {
    for (const { value } of harness.outputs.slice(emitted.length)) emitted.push([now, value])
  }
  for (const moment of moments) {
    harness.processingTime(moment)
    let waiting: Numbered[] = []
    const flush = (): void => {
      harness.batch(
        waiting.map((value) => ({ value, time: Number.NaN, watermark: Number.NEGATIVE_INFINITY })),
      )
      waiting = []
    }
    for (const { key, n, now } of records) {
      if (now !== moment) continue
      waiting.push({ key, n })
      const parallelism = restarts.get(n)
      if (waiting.length >= batch || parallelism !== undefined) flush()
      if (parallelism !== undefined) harness.snapshotAndRestore(parallelism)
    }
    flush()
    note(moment)
  }
  harness.end()
  note(atTheEnd)
  return { emitted, harness }
}
