import { operatorHarness, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Aggregates } from './aggregate.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { sliding } from './sliding.ts'
import { sum } from './sum.ts'
import { SliceWindowOperator } from './slice-window-operator.ts'

interface Event {
  readonly id: number
  readonly key: string
  readonly n: number
  readonly time: number
}

interface Case {
  readonly size: number
  readonly slide: number
  readonly offset: number
  readonly latenessMs: number
  readonly disorder: number
  /** Events in order of arrival, each with its watermark. */
  readonly events: readonly (Event & { readonly watermark: number })[]
  /** After which events the operator is restarted, and with which parallelism. */
  readonly restarts: ReadonlyMap<number, number>
  readonly batch: number
  /** Whether all accumulators have a fixed size; then parts of windows are kept merged. */
  readonly isFixedSize: boolean
}

/** Event times advance with jumps back, some too far: then the record may be late. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    slide: fc.integer({ min: 1, max: 12 }),
    more: fc.integer({ min: 0, max: 30 }),
    shift: fc.integer({ min: -11, max: 11 }),
    latenessMs: fc.constantFrom(0, 0, 1, 7, 40),
    disorder: fc.integer({ min: 0, max: 10 }),
    start: fc.integer({ min: -100, max: 100 }),
    moves: fc.array(
      fc.record({
        key: fc.constantFrom('a', 'b', 'c', 'd'),
        n: fc.integer({ min: -9, max: 9 }),
        forward: fc.integer({ min: 0, max: 6 }),
        back: fc.integer({ min: 0, max: 25 }),
      }),
      { maxLength: 60 },
    ),
    restarts: fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 4 })), { maxLength: 3 }),
    batch: fc.integer({ min: 1, max: 9 }),
    isFixedSize: fc.boolean(),
  })
  .map(({ slide, more, shift, start, moves, restarts, ...rest }) => {
    let newest = start
    const events = moves.map(({ key, n, forward, back }, id) => {
      const watermark = id === 0 ? Number.NEGATIVE_INFINITY : newest - rest.disorder
      const time = newest + forward - back
      newest = Math.max(newest, time)
      return { id, key, n, time, watermark }
    })
    const size = slide + more
    return { ...rest, size, slide, offset: shift % slide, events, restarts: new Map(restarts) }
  })

/** The windows that contain `time`, found by trying all near it. */
function windowsOf({ size, slide, offset }: Case, time: number): number[] {
  const near = Math.floor(time / slide) * slide + offset
  const ends: number[] = []
  for (let start = near - Math.ceil(size / slide + 2) * slide; start <= near + 2 * slide; start += slide) {
    if (start <= time && time < start + size) ends.push(start + size)
  }
  return ends
}

interface Outcome {
  /** By key and window end: the sum of every result, in order, the last one being final. */
  readonly results: Readonly<Record<string, readonly number[]>>
  readonly late: readonly number[]
}

/** The expected results, computed from all events at once. */
function model(given: Case): Outcome {
  const windows = new Map<string, { onTime: number[]; after: number[] }>()
  const late: number[] = []
  for (const event of given.events) {
    const ends = windowsOf(given, event.time)
    if (Math.max(...ends) + given.latenessMs <= event.watermark) {
      late.push(event.id)
      continue
    }
    for (const end of ends) {
      if (end + given.latenessMs <= event.watermark) continue
      const name = `${event.key} until ${end}`
      const window = windows.get(name) ?? { onTime: [], after: [] }
      windows.set(name, window)
      if (end > event.watermark) window.onTime.push(event.n)
      else window.after.push(event.n)
    }
  }
  const results = [...windows].map(([name, { onTime, after }]) => {
    const first = onTime.reduce((total, n) => total + n, 0)
    const sums = onTime.length > 0 ? [first] : []
    let total = first
    for (const n of after) sums.push((total += n))
    return [name, sums] as const
  })
  return { results: Object.fromEntries(results), late }
}

function run(given: Case): { readonly outcome: Outcome; readonly harness: OperatorHarness<Event> } {
  const { size, slide, offset, latenessMs } = given
  const aggregates = {
    n: count<Event>(),
    total: sum((event: Event) => event.n),
    ...(given.isFixedSize ? {} : { ids: collect((event: Event) => event.id) }),
  }
  const harness = operatorHarness<Event>(
    () =>
      new SliceWindowOperator({
        name: 'window',
        assigner: sliding({ size, slide, offset }),
        aggregates: aggregates as Aggregates<unknown>,
        latenessMs,
      }),
    { keyBy: (event) => event.key, outputs: ['late'] },
  )
  let batch: { value: Event; time: number; watermark: number }[] = []
  for (const event of given.events) {
    const parallelism = given.restarts.get(event.id)
    if (batch.length >= given.batch || parallelism !== undefined) {
      harness.batch(batch)
      batch = []
    }
    if (parallelism !== undefined) harness.snapshotAndRestore(parallelism)
    batch.push({ value: event, time: event.time, watermark: event.watermark })
  }
  if (batch.length > 0) harness.batch(batch)
  harness.end()
  return { outcome: outcomeOf(harness), harness }
}

function outcomeOf(harness: OperatorHarness<Event>): Outcome {
  const results: Record<string, number[]> = {}
  for (const { value, time } of harness.outputs) {
    const { key, window, n, total, ids } = value as {
      key: string
      window: { start: number; end: number }
      n: number
      total: number
      ids?: readonly number[]
    }
    expect(time).toBe(window.end - 1)
    if (ids !== undefined) expect(ids).toHaveLength(n)
    ;(results[`${key} until ${window.end}`] ??= []).push(total)
  }
  const late = harness.side('late').map(({ value }) => (value as Event).id)
  return { results, late: late.toSorted((x, y) => x - y) }
}

describe('windows of any size, slide, offset, out-of-orderness and lateness', () => {
  test('EN-046 EN-050 EN-051 emit the expected results, for any batches and restarts', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { outcome, harness } = run(given)
        expect(outcome).toEqual(model(given))
        expect(harness.counted('late')).toBe(outcome.late.length)
        expect(Object.values(harness.cells()).every((size) => size === 0)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('EN-010 slices divide a window without gap or overlap', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: -1000, max: 1000 }), (given, time) => {
        const assigner = sliding(given)
        const slice = assigner.slice(time)
        expect(slice.start <= time && time < slice.end).toBe(true)
        const ends = windowsOf(given, time)
        expect([slice.firstWindowEnd, slice.lastWindowEnd]).toEqual([ends[0], ends.at(-1)])
        for (const [i, end] of ends.entries()) {
          // The next window to end is the first one around this end.
          if (i > 0) expect(assigner.slice(ends[i - 1]!).firstWindowEnd).toBe(end)
          const start = assigner.startOf(end)
          expect(start <= slice.start && slice.end <= end).toBe(true)
          let next = start
          while (next < end) next = assigner.slice(next).end
          expect(next).toBe(end)
        }
      }),
    )
  })
})
