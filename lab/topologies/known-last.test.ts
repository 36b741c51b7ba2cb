import { expect, test } from 'vitest'
import { foldOf } from './item.ts'
import { lastOf } from './known-last.ts'
import type { KnownStream } from './known-stream.ts'
import type {
  CallLimit,
  Expiry,
  Kept,
  Lives,
  Living,
  Meeting,
  Pacing,
  Passing,
  Spans,
  Summary,
} from './last-shapes.ts'
import { pairFigure, summaryFigure } from './table-values.ts'
import type { LastPart } from './topology.ts'

const from = { node: 'source', output: 'main' }
const common = { name: 'part', from, policy: undefined, poison: undefined, by: { kind: 'key' } } as const
const { by: _, ...rest } = common

/** Records of one key, in this order, with the figures 10, 11, 12 and so on. */
const at = (...times: readonly number[]): KnownStream =>
  times.map((time, index) => ({
    value: { id: index, key: 'k', value: 10 + index },
    time,
    line: 'source split',
    under: undefined,
    isOnTime: true,
  }))

/** The values of the results. */
function values(part: LastPart, input: KnownStream, other: KnownStream = []): readonly unknown[] | undefined {
  return lastOf(part, input, other)?.map((result) => (result as { readonly value: unknown }).value)
}

const pacing = (how: Pacing): LastPart => ({ ...common, kind: 'pacing', how })
const expiry = (how: Expiry): LastPart => ({ ...common, kind: 'expiry', how })
const spans = (how: Spans): LastPart => ({ ...common, kind: 'spans', how })
const states = (how: Kept): LastPart => ({ ...common, kind: 'states', how })
const meeting = (how: Meeting): LastPart => ({ ...common, kind: 'meeting', other: from, how })

test('records that are gathered, held back or thinned out', () => {
  expect(values(pacing({ kind: 'batch', size: 2 }), at(1, 2, 3))).toEqual([
    [1, 2],
    [3, 3],
  ])
  expect(values(pacing({ kind: 'batch', size: 1 }), at(1, 2))).toEqual([
    [1, 1],
    [2, 2],
  ])
  expect(values(pacing({ kind: 'sample', every: 2 }), at(1, 2, 3))).toEqual([1, 3])
  expect(values(pacing({ kind: 'delay', byMs: 5, clock: 'processing' }), at(1, 2))).toEqual([10, 11])
  expect(values(pacing({ kind: 'throttle', records: 1, perMs: 5, drops: true }), at(1, 2))).toEqual([1])
  expect(values(pacing({ kind: 'debounce', quietMs: 5, clock: 'processing' }), at(1, 2))).toEqual([2])
  const quiet = pacing({ kind: 'debounce', quietMs: 5, clock: 'event' })
  expect(values(quiet, at(9, 1, 4, 9))).toEqual([4, 9])
  expect(values(quiet, [{ ...at(1)[0]!, isOnTime: false }])).toBeUndefined()
})

test('state that expires so long after it was created, written or read', () => {
  const counts = (refresh: Expiry['refresh'], of: Expiry['of'], ...times: readonly number[]): unknown =>
    values(expiry({ afterMs: 10, refresh, of }), at(...times))
  // The figures 12 and 15 write; the others read.
  expect(counts('create', 'value', 0, 4, 8, 12)).toEqual([0, 1, 1, 0])
  expect(counts('write', 'value', 0, 4, 8, 12, 18)).toEqual([0, 1, 1, 2, 0])
  expect(counts('read', 'value', 0, 4, 8, 12, 18)).toEqual([0, 1, 1, 2, 2])
  expect(counts('write', 'scan', 0, 9, 18, 28)).toEqual([1, 2, 3, 1])
  const [first, second] = at(0, 5)
  const mixed = [first!, { ...second!, line: 'another' }]
  expect(values(expiry({ afterMs: 10, refresh: 'read', of: 'scan' }), mixed)).toBeUndefined()
})

test('other kinds of state, and values that live as long as their write says', () => {
  // The figures are 10, 11, 12, 13: of these 12 clears, and deletes the version of its time.
  expect(values(states({ kind: 'aggregating' }), at(1, 2, 3, 4))).toEqual([
    [1, 10, 10],
    [2, 11, 21],
    [3, 12, 33],
    [1, 13, 13],
  ])
  expect(values(states({ kind: 'reducing' }), at(1, 2, 3, 4))).toEqual([
    10,
    foldOf([10, 11]),
    foldOf([foldOf([10, 11]), 12]),
    13,
  ])
  expect(values(states({ kind: 'versioned', backMs: 2 }), at(1, 3, 4, 5))).toEqual([
    [-1, 10, 10],
    [10, 11, 11],
    [10, -1, -1],
    [11, 13, 13],
  ])
  // A version that was superseded too long before the watermark is forgotten, but not the one that is valid then.
  const [first, second, late] = at(1, 3, 2)
  const forgotten = [first!, second!, { ...late!, isOnTime: false, under: 4 }]
  expect(values(states({ kind: 'versioned', backMs: 0 }), forgotten)?.at(-1)).toEqual([-1, -1, 11])
  // 10 deletes all entries before 12, and 11 none.
  expect(values(states({ kind: 'orderedMap' }), at(1, 2, 3))).toEqual([
    [1, foldOf([10, 1]), foldOf([10, 1])],
    [1, foldOf([11, 1]), foldOf([11, 1])],
    [2, foldOf([11, 1, 12, 1]), foldOf([12, 1, 11, 1])],
  ])
})

test('each write may say how long its value lives', () => {
  const shown = (how: Partial<Lives>, ...times: readonly number[]): unknown =>
    values(
      states({ kind: 'lives', of: 'value', afterMs: 10, refresh: 'write', ownMs: 3, ...how }),
      at(...times),
    )
  // The figures 12 and 15 live for themselves.
  expect(shown({}, 0, 4, 8, 11, 22)).toEqual([-1, 10, 11, -1, -1])
  expect(shown({ refresh: 'create' }, 0, 4, 9, 10, 11)).toEqual([-1, 10, 11, 12, 13])
  expect(shown({ afterMs: undefined }, 0, 4, 900, 902, 9_000)).toEqual([-1, 10, 11, 12, 13])
  expect(shown({ of: 'list' }, 0, 9, 10, 12)).toEqual([
    foldOf([]),
    foldOf([10]),
    foldOf([11]),
    foldOf([11, 12]),
  ])
})

test('windows without a key, without slices, or without event time', () => {
  const result = (part: LastPart, ...times: readonly number[]): unknown =>
    lastOf(part, at(...times), [])?.map((each) => {
      const { window, value, most } = each as {
        window: { start: number; end: number }
        value: number
        most: number
      }
      return [window.start, window.end, value, most]
    })
  expect(result(spans({ kind: 'trailing', sizeMs: 5 }), 1, 5, 6)).toEqual([
    [-3, 2, 1, 10],
    [1, 6, 2, 11],
    [2, 7, 2, 12],
  ])
  const day = 86_400_000
  const calendar = {
    kind: 'calendar',
    zone: 'Europe/Berlin',
    zoneMs: 3_600_000,
    offsetMs: 3_600_007,
  } as const
  expect(result(spans(calendar), 6, 7)).toEqual([
    [7 - day, 7, 1, 10],
    [7, 7 + day, 1, 11],
  ])
  expect(result(spans({ kind: 'whole', sizeMs: 10 }), -1, 0, 9)).toEqual([
    [-10, 0, 1, 10],
    [0, 10, 2, 12],
  ])
  expect(values(spans({ kind: 'count', size: 2, slide: undefined }), at(1, 2, 3))).toEqual([
    [1, 2, 2],
    [3, 3, 1],
  ])
  expect(values(spans({ kind: 'count', size: 2, slide: 1 }), at(1, 2, 3))).toEqual([
    [1, 1, 1],
    [1, 2, 2],
    [2, 3, 2],
  ])
  const evicting = (when: 'before' | 'after', kind: 'count' | 'where') =>
    values(spans({ kind: 'evicting', every: 2, evicts: { kind, keeps: 1, when } }), at(1, 2, 3))
  expect(evicting('before', 'count')).toEqual([
    [2, 2, 1],
    [3, 3, 1],
  ])
  expect(evicting('after', 'where')).toEqual([
    [1, 2, 2],
    [1, 3, 2],
  ])
  expect(values(spans({ kind: 'global', every: 2, panes: 'accumulating' }), at(1, 2, 3))).toEqual([
    [1, 2, 2],
    [1, 3, 3],
  ])
  expect(values(spans({ kind: 'byClock', sizeMs: 2 }), at(1, 2, 3))).toEqual([3])
})

test('versions as of a time, and what windows have of two streams', () => {
  const count = (how: Meeting, left: KnownStream, right: KnownStream): number | undefined =>
    values(meeting(how), left, right)?.length
  const asOf = { kind: 'asOf', validForMs: 5, join: 'inner' } as const
  expect(count(asOf, at(1, 2, 6, 7), at(2))).toBe(2)
  expect(count({ ...asOf, validForMs: undefined, join: 'left' }, at(1, 2, 6, 7), at(2))).toBe(4)
  const [one] = at(2)
  const another = { ...one!, line: 'another', value: { ...one!.value, value: 99 } }
  expect(count(asOf, at(3), [one!, another])).toBeUndefined()
  const group = { kind: 'group', sizeMs: 10, use: 'semi' } as const
  expect(count(group, at(1, 2, 11), at(9))).toBe(2)
  expect(count({ ...group, use: 'anti' }, at(1, 2, 11), at(9))).toBe(1)
  expect(values(meeting({ ...group, use: 'cogroup' }), at(1, 2, 11), at(9))).toEqual([
    [2, 21, 1, 10],
    [1, 12, 0, 0],
  ])
  const broadcast: LastPart = { ...common, kind: 'broadcast', other: from, everyMs: 10 }
  expect(values(broadcast, at(1, 11), at(2))).toEqual([
    [0, 17, 317],
    [1, 18, -1],
  ])
})

test('a row for each record, or none', () => {
  const lookup: LastPart = { ...rest, kind: 'lookup', rows: 3, batch: 1, kept: 0 }
  // The figures 10, 11 and 12 have the keys 1, 2 and 0, and there is no row for 0.
  expect(values(lookup, at(1, 2, 3))).toEqual([48, 80, [12]])
})

test('headers behind operators, and those of timers', () => {
  const headers = (through: Passing['through'], ...times: readonly number[]): unknown =>
    values({ ...common, kind: 'headers', how: { through } }, at(...times))
  // The figure 10 has headers, and 12 has none.
  expect(headers('steps', 1, 2, 3)).toEqual([
    [10, 10, 3, 10],
    [11, 11, 4, 0],
    [12, -1],
  ])
  expect(headers('process', 1)).toEqual([
    [10, 10, 3, 10],
    [10, 11, 4, 0],
    [10, -1],
    [10, 10, 3, 10],
  ])
})

test('the answers of calls, or what replaces them', () => {
  const calls = (limit: CallLimit): unknown =>
    values({ ...common, kind: 'calls', how: { order: 'input', concurrency: 1, limit } }, at(1, 2))
  expect(calls({ kind: 'rate', calls: 3 })).toEqual([31, 34])
  // Calls for the figure 10 fail.
  expect(calls({ kind: 'fallback' })).toEqual([[10], 34])
})

test('rows that expire before the last watermark', () => {
  const living = (how: Living, watermark: number | undefined, ...times: readonly number[]): unknown =>
    lastOf({ ...common, kind: 'living', other: from, how }, at(...times), at(...times), watermark)?.map(
      (result) => (result as { readonly value: unknown }).value,
    )
  const within: Living = { kind: 'expireAfter', afterMs: 5 }
  // The second record is older than the row of its key, and the row is the third.
  expect(living(within, 7, 2, 1, 3)).toEqual([[11], 12])
  expect(living(within, 8, 2, 1, 3)).toEqual([[11]])
  expect(living(within, undefined, 2)).toBeUndefined()
  const joined = (refresh: 'create' | 'write'): Living => ({
    kind: 'byKey',
    required: ['left', 'right'],
    ttl: { after: 5, refresh },
  })
  expect(living(joined('write'), 7, 1, 3)).toEqual([pairFigure(11, 11)])
  expect(living(joined('create'), 7, 1, 3)).toEqual([])
  // The row of the first record has expired when the second comes.
  expect(living(joined('create'), 7, 1, 6)).toEqual([pairFigure(11, 11)])
})

test('windows with one result, and tables in other forms', () => {
  const summary = (how: Summary, input: KnownStream): unknown =>
    values({ ...common, kind: 'summary', how }, input)
  for (const kind of ['final', 'updates'] as const) {
    const results = [summaryFigure(3, [12, 11, 10]), summaryFigure(1, [13])]
    // A row of a table is inserted once.
    const [first, second] = kind === 'final' ? results : results.map((figure) => [figure, 1])
    const windows = { kind, spans: { slideMs: 5, overlap: 1, latenessMs: 2 }, early: undefined }
    expect(summary(windows, at(1, 2, 3, 6))).toEqual([first, second])
    const overlapping = { ...windows, spans: { ...windows.spans, overlap: 2 } }
    expect(summary(overlapping, at(1, 2, 3))).toEqual([first, first])
    const lateUnder = (under: number): KnownStream =>
      at(1, 2, 3, 6).map((each, index) => (index === 3 ? each : { ...each, under, isOnTime: false }))
    expect(summary(windows, lateUnder(6))).toEqual([first, second])
    expect(summary(windows, lateUnder(7))).toEqual([second])
    expect(summary(windows, [{ ...at(1)[0]!, isOnTime: false }])).toBeUndefined()
  }
  // The figure 14 deletes the row.
  expect(summary({ kind: 'upserts' }, at(1, 2))).toEqual([11])
  expect(summary({ kind: 'upserts' }, at(1, 2, 3, 4, 5))).toEqual([])
  // The figure 12 is left out.
  expect(summary({ kind: 'filter' }, at(1, 2))).toEqual([11])
  expect(summary({ kind: 'filter' }, at(1, 2, 3))).toEqual([])
  const inKeys = at(1, 2, 3, 4).map((each, key) => ({ ...each, value: { key, value: 10 + 3 * key } }))
  expect(summary({ kind: 'topRows' }, inKeys)).toEqual([19, 16])
})
