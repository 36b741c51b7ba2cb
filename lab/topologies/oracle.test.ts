import { expect, test } from 'vitest'
import { foldOf, type Reading } from './item.ts'
import { predict } from './oracle.ts'
import type { PaneWindows } from './last-shapes.ts'
import type { Part, PartOf, Topology } from './topology.ts'

/** The expected content of each sink. */
const expectedOf = (topology: Topology): ReadonlyMap<string, readonly unknown[]> => predict(topology).records

const common = { from: { node: 'source', output: 'main' }, policy: undefined, poison: undefined } as const

/** Readings of one key, or alternating between two, at these times. */
const readingsAt = (times: readonly number[], keys: number): readonly Reading[] =>
  times.map((at, id) => ({ id, at, key: `k${id % keys}`, value: 10 + id }))

/** A topology of one part after one source; each split is a list of times. */
function oneOf(part: Part, splits: readonly (readonly number[])[], keys = 1): Topology {
  const sinks = ['main', 'late'].map((output) => ({
    name: output,
    from: { node: part.name, output },
    guarantee: 'exactly-once' as const,
  }))
  const source = {
    name: 'source',
    durability: 'replayable' as const,
    splits: splits.map((times, index) => ({
      name: `split${index}`,
      readings: readingsAt(times, keys),
      spoiled: [],
    })),
    disorderMs: 100,
    step: undefined,
  }
  return { seed: 0, sources: [source], parts: [part], sinks, policy: 'fail', letters: 'exactly-once' }
}

const tumbling: Part = {
  ...common,
  kind: 'window',
  name: 'tumbling',
  by: { kind: 'key' },
  shape: { sizeMs: 1_000, slideMs: undefined, offsetMs: 0 },
  aggregates: [
    { field: 'value', kind: 'count', only: undefined },
    { field: 'more', kind: 'collect', only: undefined },
  ],
  latenessMs: 0,
}

test('a window contains the records before its end, and a record that no window accepts is late', () => {
  const times = [0, 999, 1_000, 1_100, 998, 2_000]
  const expected = expectedOf(oneOf(tumbling, [times]))
  expect(expected.get('main')).toEqual([
    { key: 'k0', window: { start: 0, end: 1_000 }, value: 2, more: [10, 11] },
    { key: 'k0', window: { start: 1_000, end: 2_000 }, value: 2, more: [12, 13] },
    { key: 'k0', window: { start: 2_000, end: 3_000 }, value: 1, more: [15] },
  ])
  expect(expected.get('late')).toEqual([{ id: 4, at: 998, key: 'k0', value: 14 }])
})

test('with allowed lateness each record after the end emits an update', () => {
  const expected = expectedOf(oneOf({ ...tumbling, latenessMs: 500 }, [[0, 1_100, 998, 997]]))
  expect(expected.get('main')).toEqual([
    { key: 'k0', window: { start: 0, end: 1_000 }, value: 1, more: [10] },
    { key: 'k0', window: { start: 0, end: 1_000 }, value: 2, more: [10, 12] },
    { key: 'k0', window: { start: 0, end: 1_000 }, value: 3, more: [10, 12, 13] },
    { key: 'k0', window: { start: 1_000, end: 2_000 }, value: 1, more: [11] },
  ])
})

test('overlapping sliding windows each contain the record', () => {
  const shape = { sizeMs: 300, slideMs: 200, offsetMs: 0 }
  const expected = expectedOf(oneOf({ ...tumbling, shape }, [[150, 50]]))
  // Figures are in order of time between slices, and of arrival within one.
  expect(expected.get('main')).toEqual([
    { key: 'k0', window: { start: -200, end: 100 }, value: 1, more: [11] },
    { key: 'k0', window: { start: 0, end: 300 }, value: 2, more: [11, 10] },
  ])
  // The first of three windows has ended when the second record arrives.
  const late = expectedOf(oneOf({ ...tumbling, shape }, [[250, 50]])).get('main')
  expect(late).toHaveLength(2)
})

test('timers fire before the first record at or after them', () => {
  const process: Part = {
    ...common,
    kind: 'process',
    name: 'process',
    by: { kind: 'key' },
    program: {
      keeps: 'value',
      timers: 'silence',
      emitsAtOnce: false,
      keepsMax: 1_000,
      side: undefined,
      delayMs: 1_000,
      aheadMs: 0,
    },
  }
  // The silence of k0 ends at 1,000: the watermark is beyond it when its next record arrives.
  const expected = expectedOf(oneOf(process, [[0, 1_200, 1_250]], 2))
  expect(expected.get('main')).toEqual([
    { key: 'k0', value: 10 },
    { key: 'k0', value: 12 },
    { key: 'k1', value: 11 },
  ])
})

test('windows of two alternating lengths follow one another, and custom aggregates are known', () => {
  const shape = { sizeMs: 1_000, slideMs: undefined, offsetMs: 0, otherMs: 300 }
  const aggregates = [
    { field: 'value', kind: 'distinct', only: undefined },
    { field: 'more', kind: 'trail', only: undefined },
  ] as const
  const expected = expectedOf(oneOf({ ...tumbling, shape, aggregates }, [[0, 999, 1_000, 1_300, 2_300]]))
  expect(expected.get('main')).toEqual([
    { key: 'k0', window: { start: 0, end: 1_000 }, value: 2, more: foldOf([10, 11]) },
    { key: 'k0', window: { start: 1_000, end: 1_300 }, value: 1, more: foldOf([12]) },
    { key: 'k0', window: { start: 1_300, end: 2_300 }, value: 1, more: foldOf([13]) },
    { key: 'k0', window: { start: 2_300, end: 2_600 }, value: 1, more: foldOf([14]) },
  ])
})

test('output that depends on the clock: the figures are known, unless they wait for an end that never comes', () => {
  const program = {
    keeps: 'value',
    timers: 'clock',
    emitsAtOnce: false,
    keepsMax: 3,
    side: { mod: 2, below: 1 },
    delayMs: 5,
    aheadMs: 0,
  } as const
  const process: Part = { ...common, kind: 'process', name: 'process', by: { kind: 'key' }, program }
  const gathering = oneOf({ ...process, poison: { mod: 11, below: 1 } }, [[0, 100, 200, 300]], 2)
  const sides = [
    { name: 'side', from: { node: 'process', output: 'side' }, guarantee: 'exactly-once' } as const,
  ]
  const { records, figures } = predict({ ...gathering, sinks: [...gathering.sinks, ...sides] })
  expect(records.has('main')).toBe(false)
  expect(figures.get('main')).toEqual({ texts: ['k0: 10', 'k0: 12', 'k1: 13'], isAll: true })
  expect(records.get('side')).toEqual([
    { id: 0, at: 0, key: 'k0', value: 10 },
    { id: 2, at: 200, key: 'k0', value: 12 },
  ])
  const [source] = gathering.sources
  const untimed = predict({ ...gathering, sources: [{ ...source!, disorderMs: undefined }] })
  expect(untimed.figures.get('main')).toMatchObject({ isAll: false })
})

test('a record without key or time is a dead letter, and does not advance the watermark', () => {
  const mild = oneOf({ ...tumbling, keyPoison: { mod: 12, below: 1 } }, [[0, 1_300, 100, 2_000]])
  const [source] = mild.sources
  const expected = expectedOf({
    ...mild,
    sources: [{ ...source!, untimely: { mod: 11, below: 1 } }],
    policy: 'deadLetter',
  })
  // Without its time the second reading has not made the third one late; but that has no key.
  expect(expected.get('main')).toMatchObject([{ more: [10] }, { more: [13] }])
  expect(expected.get('letters')).toEqual([
    { operator: 'source times', item: { id: 1, at: 1_300, key: 'k0', value: 11 } },
    { operator: 'tumbling', item: { id: 2, at: 100, key: 'k0', value: 12 } },
  ])
})

test('nothing is expected where the result depends on how splits interleave', () => {
  const inOrder = [0, 400, 800]
  const reduce: Part = { ...common, kind: 'reduce', name: 'reduce', by: { kind: 'all' }, how: 'mix' }
  expect(expectedOf(oneOf(reduce, [inOrder, inOrder])).has('main')).toBe(false)
  expect(expectedOf(oneOf(reduce, [inOrder])).get('main')).toHaveLength(3)
  const counts: Part = { ...tumbling, aggregates: [{ field: 'value', kind: 'count', only: undefined }] }
  expect(expectedOf(oneOf(counts, [inOrder, inOrder])).get('main')).toEqual([
    { key: 'k0', window: { start: 0, end: 1_000 }, value: 6 },
  ])
  // The last of these is late only if its own split decides.
  expect(expectedOf(oneOf(counts, [inOrder, [0, 2_000, 500]])).has('main')).toBe(false)
})

const meeting = (how: PartOf<'meeting'>['how']): Part => ({
  ...common,
  kind: 'meeting',
  name: 'meeting',
  other: common.from,
  by: { kind: 'all' },
  how,
})

test('records of two streams join by their definition, and the joins of possibly late records are not predicted', () => {
  const figures = (how: PartOf<'meeting'>['how'], times: readonly number[]) =>
    expectedOf(oneOf(meeting(how), [times])).get('main')?.length
  expect(figures({ kind: 'window', sizeMs: 100, join: 'inner' }, [0, 99, 100])).toBe(5)
  expect(figures({ kind: 'between', lowerMs: 0, upperMs: 50, join: 'inner' }, [0, 50, 101])).toBe(4)
  expect(figures({ kind: 'between', lowerMs: 10, upperMs: 50, join: 'full' }, [0, 50, 101])).toBe(5)
  expect(figures({ kind: 'rounds', everyMs: 100 }, [0, 99, 100])).toBe(2)
  expect(figures({ kind: 'rounds', everyMs: 100 }, [0, 1_000, 5])).toBeUndefined()
})

test('sessions end a gap after their last record, and touch no other', () => {
  const sessions: Part = { ...common, kind: 'session', name: 'sessions', by: { kind: 'key' }, gapMs: 10 }
  expect(expectedOf(oneOf(sessions, [[0, 20, 10, 31]])).get('main')).toEqual([
    { key: 'k0', window: { start: 0, end: 30 }, value: 3, most: 12 },
    { key: 'k0', window: { start: 31, end: 41 }, value: 1, most: 13 },
  ])
})

const table = (how: PartOf<'table'>['how']): Part => ({
  ...common,
  kind: 'table',
  name: 'table',
  other: common.from,
  by: { kind: 'key' },
  how,
})

test('tables have the rows that follow from the newest records, unless it is not known which are newest', () => {
  const rows = (how: PartOf<'table'>['how'], splits: readonly (readonly number[])[], keys: number) =>
    expectedOf(oneOf(table(how), splits, keys)).get('main')
  // The figures are 10, 11, 12 and so on; 14 deletes the row of its key.
  expect(rows({ kind: 'topOfStream', n: 2 }, [[0, 1, 2, 3]], 2)).toEqual([
    { key: ['k0', 1], value: 12 },
    { key: ['k0', 2], value: 10 },
    { key: ['k1', 1], value: 13 },
    { key: ['k1', 2], value: 11 },
  ])
  expect(rows({ kind: 'topOfTable', n: 1, offset: 0 }, [[9, 1, 2, 3]], 2)).toEqual([
    { key: [1, 1], value: 13 },
  ])
  expect(rows({ kind: 'topOfTable', n: 1, offset: 0 }, [[0, 1, 2, 3, 4]], 2)).toHaveLength(1)
  expect(rows({ kind: 'byKey', required: [] }, [[0, 1, 2, 3, 4]], 2)).toHaveLength(1)
  expect(rows({ kind: 'first', withinMs: 10 }, [[20, 9, 10, 30]], 1)).toMatchObject([
    { id: 1 },
    { id: 0 },
    { id: 3 },
  ])
  expect(rows({ kind: 'aggregate' }, [[5], [5]], 1)).toHaveLength(1)
  expect(rows({ kind: 'first', withinMs: 1 }, [[5, 6], [6]], 1)).toBeUndefined()
})

test('windows that share their start contain what came before, and those with pauses not every record', () => {
  const panes = (windows: PaneWindows): Part => ({
    ...common,
    kind: 'panes',
    name: 'panes',
    by: { kind: 'key' },
    windows,
    stepMs: 10,
    early: 2,
  })
  const ends = (windows: PaneWindows): unknown =>
    expectedOf(oneOf(panes(windows), [[5, 12, 31]]))
      .get('main')
      ?.map((record) => {
        const { window, value } = record as { window: { end: number }; value: number }
        return [window.end, value]
      })
  expect(ends('cumulative')).toEqual([
    [10, 1],
    [20, 2],
    [30, 2],
    [40, 1],
    [50, 1],
    [60, 1],
  ])
  expect(ends('tumbling')).toEqual([
    [10, 1],
    [20, 1],
    [40, 1],
  ])
  expect(ends('paused')).toEqual([[10, 1]])
})
