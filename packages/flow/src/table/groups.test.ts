import { memory } from '@millrace/connector-memory'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { operatorHarness, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runMeeting, type Arrivals } from '../../test/meeting-trial.ts'
import { applied, arrivalsOf, changesOfTable, groupsOf, rowsOf } from '../../test/table-trial.ts'
import { pipeline } from '../pipeline.ts'
import type { GroupedTable, Table, TimedKeyedStream } from '../stream.ts'
import { collect } from '../window/collect.ts'
import { count } from '../window/count.ts'
import { max, min } from '../window/extreme.ts'
import { sum } from '../window/sum.ts'
import { top } from '../window/top.ts'
import { grouping } from './grouped-change.ts'
import { changesOf, type RowChange } from './row-change.ts'

interface Item {
  readonly group: string
  readonly n: number
}

const items = fc.record({ group: fc.constantFrom('x', 'y'), n: fc.integer({ min: -3, max: 3 }) })

/** The last operator of what `build` makes of a keyed stream. */
function lastOf(build: (stream: TimedKeyedStream<Item, string>) => Table<unknown, unknown>): OperatorNode {
  const { graph } = pipeline('test', (p) => {
    const stream = p
      .from('in', memory.read<Item>([]))
      .withTimestamps({ timestamp: () => 0 })
      .keyBy(({ group }) => group)
    build(stream).toStream().to('out', memory.write())
  }).describe()
  return graph.nodes.findLast((node): node is OperatorNode => node.kind === 'operator')!
}

/** The operator that `build` makes of a grouped table: it is given changes of that table. */
const ofGroups = (
  build: (groups: GroupedTable<Item, string, string>) => Table<unknown, unknown>,
): OperatorNode => lastOf((stream) => build(stream.toTable('rows').groupBy(({ group }) => group)))

const byGroup = grouping((row) => (row as Item).group)

/** The changes of a table as they reach an operator of groups. */
function grouped(trial: Arrivals<RowChange<Item>>): Arrivals<unknown> {
  const arrivals = trial.arrivals.flatMap(({ value, ...record }) =>
    byGroup(value).map((change) => ({ ...record, value: change })),
  )
  return { ...trial, arrivals }
}

const harnessOf = (node: OperatorNode): OperatorHarness<unknown> =>
  operatorHarness<unknown>(() => node.create(), { inputs: keysOf(node) })

/** Hands changes of rows of one group to an operator of groups: key, n before, n after. */
function change(
  harness: OperatorHarness<unknown>,
  ...changes: readonly (readonly [key: string, before: number | undefined, after: number | undefined])[]
): void {
  const row = (n: number | undefined): Item | undefined => (n === undefined ? undefined : { group: 'x', n })
  for (const [key, before, after] of changes) {
    for (const each of byGroup({ key, before: row(before), after: row(after) })) harness.record(each, 0)
  }
}

const sign = { insert: '+I', updateBefore: '-U', updateAfter: '+U', delete: '-D' } as const

/** The changes in Flink's notation. */
function textOf(harness: OperatorHarness<unknown>, of: (value: never) => unknown): readonly string[] {
  return harness.outputs.flatMap(({ value }) =>
    changesOf(value as RowChange<never>, true).map(
      ({ kind, value: row }) => `${sign[kind]}(${String(of(row))})`,
    ),
  )
}

const withRank = ({ rank, value }: { rank: number; value: Item }): string => `${value.n},r${rank}`
const withoutRank = ({ n }: Item): number => n
const ascending = (a: Item, b: Item): number => a.n - b.n

/** The rows of a group in order; equal ones in order of arrival. */
const firstOf = <T extends Item>(rows: Iterable<T>, offset: number, n: number): readonly T[] =>
  [...rows].toSorted(ascending).slice(offset, offset + n)

const topNOptions = fc.record({ n: fc.integer({ min: 1, max: 3 }), offset: fc.nat(2), rank: fc.boolean() })

describe('topN', () => {
  test('EN-138 EN-139 EN-145 EN-147 on a table: every prefix of the changes is legal and the end is the batch query', () => {
    fc.assert(
      fc.property(changesOfTable(items), topNOptions, (trial, options) => {
        const node = ofGroups((groups) => groups.topN('top', { order: ascending, ...options }))
        const harness = runMeeting(node, grouped(trial))
        const groups = groupsOf(trial, ({ group }) => group)
        const expected = [...groups].flatMap(([group, rows]) =>
          firstOf(
            Array.from(rows, ([key, row]) => ({ ...row, key })),
            options.offset,
            options.n,
          ).map(({ key, ...value }, index) => {
            const rank = options.offset + index + 1
            return options.rank
              ? ([[group, rank], { key: group, rank, value }] as const)
              : ([[group, key], value] as const)
          }),
        )
        expect(applied(harness.outputs)).toEqual(rowsOf(expected))
        expect(harness.cells()['rows']).toBe([...groups.values()].reduce((size, rows) => size + rows.size, 0))
      }),
    )
  })

  test('EN-138 EN-139 EN-145 EN-147 on a stream: the same, and only the first rows are kept', () => {
    fc.assert(
      fc.property(arrivalsOf(items), topNOptions, (trial, options) => {
        const harness = runMeeting(
          lastOf((stream) => stream.topN('top', { order: ascending, ...options })),
          trial,
        )
        const { offset, n, rank } = options
        const groups = ['x', 'y'].map((group) =>
          firstOf(
            trial.arrivals.map(({ value }) => value).filter((item) => item.group === group),
            0,
            offset + n,
          ),
        )
        const expected = groups.flatMap((rows) =>
          rows
            .slice(offset)
            .map((value, index) => (rank ? { key: value.group, rank: offset + index + 1, value } : value)),
        )
        const rows = [...applied(harness.outputs).values()]
        expect(rows).toHaveLength(expected.length)
        expect(rows).toEqual(expect.arrayContaining(expected))
        expect(harness.cells()['rows']).toBe(groups.flat().length)
      }),
    )
  })

  test('EN-140 with ranks: a new first row moves the others down, and the last one out', () => {
    const node = lastOf((stream) => stream.topN('top', { n: 2, order: ascending, rank: true }))
    const harness = harnessOf(node)
    for (const n of [12, 19, 11]) harness.record({ group: 'x', n }, 0)
    expect(textOf(harness, withRank)).toEqual([
      '+I(12,r1)',
      '+I(19,r2)',
      '-U(12,r1)',
      '+U(11,r1)',
      '-U(19,r2)',
      '+U(12,r2)',
    ])
  })

  test('EN-141 a deleted row shifts the rest up and brings in the next one from state', () => {
    const harness = harnessOf(
      ofGroups((groups) => groups.topN('top', { n: 2, order: ascending, rank: true })),
    )
    change(harness, ['a', undefined, 1], ['b', undefined, 2], ['c', undefined, 3], ['d', undefined, 4])
    harness.snapshotAndRestore()
    change(harness, ['a', 1, undefined])
    expect(textOf(harness, withRank).slice(2)).toEqual(['-U(1,r1)', '+U(2,r1)', '-U(2,r2)', '+U(3,r2)'])
    change(harness, ['b', 2, undefined], ['d', 4, undefined], ['c', 3, undefined])
    expect(textOf(harness, withRank).slice(6)).toEqual([
      '-U(2,r1)',
      '+U(3,r1)',
      '-U(3,r2)',
      '+U(4,r2)',
      '-D(4,r2)',
      '-D(3,r1)',
    ])
    expect(harness.cells()['rows']).toBe(0)
  })

  test('EN-142 equal rows keep the order of arrival, and one below n changes nothing', () => {
    const node = lastOf((stream) =>
      stream.topN('top', { n: 2, order: (a, b) => Math.trunc(a.n) - Math.trunc(b.n), rank: true }),
    )
    const harness = harnessOf(node)
    for (const n of [5.1, 5.2, 5.3, 4.1]) harness.record({ group: 'x', n }, 0)
    expect(textOf(harness, withRank)).toEqual([
      '+I(5.1,r1)',
      '+I(5.2,r2)',
      '-U(5.1,r1)',
      '+U(4.1,r1)',
      '-U(5.2,r2)',
      '+U(5.1,r2)',
    ])
  })

  test('EN-143 without ranks: only the displaced row is deleted and the new one inserted', () => {
    const harness = harnessOf(lastOf((stream) => stream.topN('top', { n: 2, order: ascending })))
    for (const n of [12, 19, 11]) harness.record({ group: 'x', n }, 0)
    expect(textOf(harness, withoutRank)).toEqual(['+I(12)', '+I(19)', '-D(19)', '+I(11)'])
  })

  test('a row that changes and keeps its rank is one update', () => {
    const harness = harnessOf(
      ofGroups((groups) => groups.topN('top', { n: 2, order: ascending, rank: true })),
    )
    change(harness, ['a', undefined, 10], ['b', undefined, 20], ['c', undefined, 30])
    change(harness, ['a', 10, 11], ['c', 30, 31])
    expect(textOf(harness, withRank).slice(2)).toEqual(['-U(10,r1)', '+U(11,r1)'])
  })

  test('EN-144 a change of a row that does not exist follows the error policy, and ranks stay right', () => {
    const node = ofGroups((groups) => groups.topN('top', { n: 2, order: ascending, rank: true }))
    expect(() => change(harnessOf(node), ['a', 1, undefined])).toThrow(
      'received a change of a row that it does not have: key "a"',
    )
    const harness = operatorHarness<unknown>(() => node.create(), { inputs: keysOf(node), onError: 'skip' })
    change(harness, ['a', undefined, 1], ['b', 7, undefined], ['b', 7, 8], ['c', undefined, 2])
    expect(harness.counted('skipped')).toBe(2)
    expect(textOf(harness, withRank)).toEqual(['+I(1,r1)', '+I(2,r2)'])
  })

  test('an order that throws changes nothing', () => {
    const order = (a: Item, b: Item): number => {
      if (Math.min(a.n, b.n) < 0) throw new Error('negative')
      return a.n - b.n
    }
    const node = lastOf((stream) => stream.topN('top', { n: 2, order, rank: true }))
    const harness = operatorHarness<unknown>(() => node.create(), { inputs: keysOf(node), onError: 'skip' })
    for (const n of [2, -1, 1, -1, 0]) harness.record({ group: 'x', n }, 0)
    expect(harness.counted('skipped')).toBe(2)
    expect([...applied(harness.outputs).values()].map((row) => withRank(row as never))).toEqual([
      '0,r1',
      '1,r2',
    ])
  })

  test('EN-146 n may follow from the group', () => {
    const node = lastOf((stream) =>
      stream.topN('top', { n: (group) => (group === 'x' ? 1 : 2), order: ascending, rank: true }),
    )
    const harness = harnessOf(node)
    for (const group of ['x', 'y']) for (const n of [1, 2, 3]) harness.record({ group, n }, 0)
    expect(textOf(harness, withRank)).toEqual(['+I(1,r1)', '+I(1,r1)', '+I(2,r2)'])
  })

  test.each([
    [{ n: 0, order: ascending }, "n of topN 'top' is 0; give a whole number from 1"],
    [{ n: 1, order: ascending, offset: -1 }, "offset of topN 'top' is -1; give a whole number from 0"],
    [{ n: 1 }, "order of topN 'top' needs a function and is given undefined"],
    [{ n: 1, order: ascending, ranks: true }, "topN 'top' has no option ranks; did you mean rank?"],
  ])('options %o are refused', (options, message) => {
    expect(() => lastOf((stream) => stream.topN('top', options as never))).toThrow(message)
  })
})

describe('aggregates of a keyed stream', () => {
  const aggregates = {
    n: count<Item>(),
    total: sum(({ n }: Item) => n),
    least: min(({ n }: Item) => n),
    all: collect(({ n }: Item) => n),
  }

  test('EN-138 EN-147 every prefix of the changes is legal and the end is the batch query', () => {
    fc.assert(
      fc.property(arrivalsOf(items), (trial) => {
        const harness = runMeeting(
          lastOf((stream) => stream.aggregate('figures', aggregates)),
          trial,
        )
        const numbersOf = (group: string): readonly number[] =>
          trial.arrivals.filter(({ value }) => value.group === group).map(({ value }) => value.n)
        const expected = ['x', 'y'].flatMap((key) => {
          const all = numbersOf(key)
          const total = all.reduce((a, b) => a + b, 0)
          return all.length === 0
            ? []
            : [[key, { key, n: all.length, total, least: Math.min(...all), all }] as const]
        })
        expect(applied(harness.outputs)).toEqual(rowsOf(expected))
        expect(harness.cells()).toMatchObject({ accumulators: expected.length })
      }),
    )
  })

  test('a record that changes no result emits nothing', () => {
    const node = lastOf((stream) => stream.aggregate('figures', { most: max(({ n }) => n) }))
    const harness = harnessOf(node)
    for (const n of [3, 1, 5]) harness.record({ group: 'x', n }, 0)
    expect(textOf(harness, ({ key, most }) => `${String(key)} ${String(most)}`)).toEqual([
      '+I(x 3)',
      '-U(x 3)',
      '+U(x 5)',
    ])
  })
})

describe('aggregates of groups', () => {
  const aggregates = {
    n: count<Item>(),
    total: sum(({ n }: Item) => n),
    least: min(({ n }: Item) => (n === 0 ? undefined : n)),
    all: collect(({ n }: Item) => n),
  }

  test('EN-138 EN-139 EN-147 EN-148 every prefix of the changes is legal and the end is the batch query', () => {
    fc.assert(
      fc.property(changesOfTable(items), (trial) => {
        const node = ofGroups((groups) => groups.aggregate('figures', aggregates))
        const harness = runMeeting(node, grouped(trial))
        const figures = applied(
          harness.outputs.map(({ value, time }) => ({ value: withSortedList(value as RowChange), time })),
        )
        const expected = Array.from(
          groupsOf(trial, ({ group }) => group),
          ([key, rows]) => {
            const all = Array.from(rows.values(), ({ n }) => n).toSorted((a, b) => a - b)
            const least = all.filter((n) => n !== 0)
            const total = all.reduce((a, b) => a + b, 0)
            return [
              key,
              { key, n: all.length, total, least: least.length === 0 ? undefined : Math.min(...least), all },
            ] as const
          },
        )
        expect(figures).toEqual(rowsOf(expected))
      }),
    )
  })

  test('EN-148 an extreme that is deleted gives way to the one before, and an empty group is deleted', () => {
    const node = ofGroups((groups) => groups.aggregate('figures', { n: count(), most: max(({ n }) => n) }))
    const harness = harnessOf(node)
    change(harness, ['a', undefined, 3], ['b', undefined, 5], ['c', undefined, 4])
    harness.snapshotAndRestore()
    change(harness, ['b', 5, undefined], ['c', 4, 1], ['a', 3, undefined], ['c', 1, undefined])
    expect(textOf(harness, ({ n, most }) => `${String(n)} to ${String(most)}`)).toEqual([
      '+I(1 to 3)',
      '-U(1 to 3)',
      '+U(2 to 5)',
      '-U(2 to 5)',
      '+U(3 to 5)',
      '-U(3 to 5)',
      '+U(2 to 4)',
      '-U(2 to 4)',
      '+U(2 to 3)',
      '-U(2 to 3)',
      '+U(1 to 1)',
      '-D(1 to 1)',
    ])
    expect(harness.cells()['rows']).toBe(0)
  })

  test('EN-148 a sum of fractions does not drift when rows come and go', () => {
    const node = ofGroups((groups) => groups.aggregate('figures', { total: sum(({ n }) => n) }))
    const harness = harnessOf(node)
    change(harness, ['a', undefined, 0.1])
    for (let i = 0; i < 20; i++) change(harness, ['b', undefined, 1e15], ['b', 1e15, undefined])
    expect([...applied(harness.outputs).values()]).toEqual([{ key: 'x', total: 0.1 }])
  })

  test('a row on which an aggregate throws changes nothing', () => {
    const node = ofGroups((groups) => groups.aggregate('figures', { total: sum(({ n }) => n) }))
    const harness = operatorHarness<unknown>(() => node.create(), { inputs: keysOf(node), onError: 'skip' })
    change(harness, ['a', undefined, 2 ** 53 - 1], ['b', undefined, 5], ['c', undefined, -1])
    expect(harness.counted('skipped')).toBe(1)
    expect([...applied(harness.outputs).values()]).toEqual([{ key: 'x', total: 2 ** 53 - 2 }])
  })
})

describe('top', () => {
  test('keeps the first values of a window in their order, equal ones in order of arrival', () => {
    const first = top<string>(2, (a, b) => a.length - b.length)
    const of = (...values: readonly string[]) =>
      values.reduce((best, value) => first.add(best, value), first.create())
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 4 })), fc.nat(9), (values, middle) => {
        const merged = first.merge(of(...values.slice(0, middle)), of(...values.slice(middle)))
        const expected = values.toSorted((a, b) => a.length - b.length).slice(0, 2)
        expect(first.result(merged)).toEqual(expected)
        expect(first.result(of(...values))).toEqual(expected)
      }),
    )
    expect(() => top(0, () => 0)).toThrow('n of top is 0; give a whole number from 1')
  })
})

/** The order in which values are collected is not defined. */
function withSortedList({ key, before, after }: RowChange): RowChange {
  const sorted = (row: unknown): unknown =>
    row === undefined ? undefined : { ...row, all: (row as { all: number[] }).all.toSorted((a, b) => a - b) }
  return { key, before: sorted(before), after: sorted(after) }
}
