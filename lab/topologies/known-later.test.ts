import { expect, test } from 'vitest'
import { foldOf } from './item.ts'
import { lastOf } from './known-last.ts'
import type { KnownStream } from './known-stream.ts'
import { watermarkAfter } from './known-watermarks.ts'
import type { Kept, Seeded, Spans, Summary } from './last-shapes.ts'
import { sketchFigure } from './sketch-values.ts'
import { setBy, timerNumber } from './timer-values.ts'
import type { LastPart } from './topology.ts'

const common = {
  name: 'part',
  from: { node: 'source', output: 'main' },
  policy: undefined,
  poison: undefined,
  by: { kind: 'key' },
} as const

/** Records of the key 'k1', in this order, with the figures 10, 11, 12 and so on. */
const at = (...times: readonly number[]): KnownStream =>
  times.map((time, index) => ({
    value: { id: index, key: 'k1', value: 10 + index },
    time,
    line: 'source split',
    under: undefined,
    isOnTime: true,
  }))

function values(part: LastPart, input: KnownStream): readonly unknown[] | undefined {
  return lastOf(part, input, [])?.map((result) => (result as { readonly value: unknown }).value)
}

const states = (how: Kept): LastPart => ({ ...common, kind: 'states', how })
const summary = (how: Summary): LastPart => ({ ...common, kind: 'summary', how })
const spans = (how: Spans): LastPart => ({ ...common, kind: 'spans', how })

test('state begins with the rows of its key, of which the last one counts where there is one value', () => {
  const seeded = (of: Seeded['of'], rows: number): Kept => ({ kind: 'seeded', of, rows, from: 'array' })
  // The rows 1 and 15 have the key 'k1', and the row 8 has another.
  expect(values(states(seeded('scan', 16)), at(1, 2))).toEqual([16, 17])
  expect(values(states(seeded('reduce', 2)), at(1, 2))).toEqual([11, 22])
  expect(values(states(seeded('scan', 1)), at(1, 2))).toEqual([1, 2])
  expect(values(states(seeded('process', 2)), at(1, 2))).toEqual([
    // A key without records.
    [0, 1],
    [-1, 1, foldOf([0, 0])],
    2,
    3,
    [1, 3],
    [-1, 3, foldOf([1, 1])],
  ])
  const [first, second] = at(1, 2)
  const mixed = [first!, { ...second!, line: 'another' }]
  expect(values(states(seeded('scan', 2)), mixed)).toHaveLength(2)
  expect(values(states(seeded('reduce', 2)), mixed)).toBeUndefined()
})

test('the timers of a key come in the order in which they fire', () => {
  const number = (figure: number): number => timerNumber(setBy(figure, false))
  const shown = (usesClock: boolean): readonly unknown[] | undefined =>
    values(states({ kind: 'timers', usesClock }), at(1, 2))
  // The figures 10 and 11 set timers of one time.
  expect(shown(false)).toEqual([
    foldOf([number(10)]),
    foldOf([number(10), number(11)]),
    [10, foldOf([number(11)])],
    [11, foldOf([])],
  ])
  // Those of the clock come behind those of event time.
  const onClock = [10, 11].map((figure) => timerNumber(setBy(figure, true)))
  expect(shown(true)).toEqual([foldOf([onClock[0]!]), foldOf(onClock)])
})

test('the first records of each key, sessions as rows, and windows of several lengths', () => {
  expect(values(summary({ kind: 'topRecords', n: 2, offset: 1 }), at(1, 2, 3, 4))).toEqual([12, 11])
  const sessions = summary({ kind: 'sessionRows', gapMs: 5, early: undefined })
  expect(values(sessions, at(1, 6, 20))).toEqual([foldOf([2, 11]), foldOf([1, 12])])
  expect(values(sessions, [{ ...at(1)[0]!, isOnTime: false }])).toBeUndefined()
  const custom = spans({ kind: 'custom', lengthsMs: [3, 1, 6], offsetMs: 2 })
  const windows = lastOf(custom, at(1, 2, 4, 5, 6, 11), [])
  expect(windows?.map((each) => (each as { readonly window: unknown }).window)).toEqual([
    { start: -4, end: 2 },
    { start: 2, end: 5 },
    { start: 5, end: 6 },
    { start: 6, end: 12 },
  ])
})

test('sketches are shown by what is exact of them', () => {
  const sketches = (counters: number, windows: Extract<Summary, { kind: 'sketches' }>['windows']) =>
    values(summary({ kind: 'sketches', windows, counters, error: 0.1 }), at(1, 2, 9))
  expect(sketches(100, { gapMs: 5 })).toEqual([sketchFigure(2, [1, 1], [10, 11]), sketchFigure(1, [1], [12])])
  expect(sketches(2, { slideMs: 5, overlap: 2 })).toEqual([
    sketchFigure(2, [], [10, 11]),
    sketchFigure(3, [], [10, 11, 12]),
    sketchFigure(1, [], [12]),
  ])
})

test('the watermark of a split follows from its generator', () => {
  const records = at(5, 9, 7).map(({ value, time }) => ({ value, time }))
  const after = (watermark: Parameters<typeof watermarkAfter>[0]['watermark']) =>
    watermarkAfter({ watermark, disorderMs: 2 }, records)
  expect(after(undefined)).toEqual({ most: 7, isExact: true })
  expect(after({ kind: 'behind', records: 2 })).toEqual({ most: 3, isExact: true })
  expect(after({ kind: 'behind', records: 5 }).most).toBe(Number.NEGATIVE_INFINITY)
  // Of the figures 10, 11 and 12 only the last one is a mark.
  expect(after({ kind: 'punctuated', marks: { mod: 4, below: 1 } })).toEqual({ most: 5, isExact: true })
  expect(after({ kind: 'adaptive', share: 1 })).toEqual({ most: 7, isExact: false })
})
