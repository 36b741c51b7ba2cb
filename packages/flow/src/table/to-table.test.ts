import { memory } from '@millrace/connector-memory'
import type { Change } from '@millrace/core'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { operatorHarness, testPipeline, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runMeeting } from '../../test/meeting-trial.ts'
import { applied, arrivalsOf, rowsOf } from '../../test/table-trial.ts'
import { pipeline } from '../pipeline.ts'
import type { Table } from '../stream.ts'
import { changesOf, type RowChange } from './row-change.ts'
import { isSameRow } from './same-row.ts'

interface Reading {
  readonly id: string
  readonly n: number
}

const perId = (options: { expireAfter?: number } = {}): OperatorNode => {
  const { graph } = pipeline('test', (p) => {
    p.from('in', memory.read<Reading>([]))
      .withTimestamps({ timestamp: () => 0 })
      .keyBy(({ id }) => id)
      .toTable('newest', { deleteIf: ({ n }) => n < 0, ...options })
      .to('out', memory.writeTable())
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

function harnessOf(node: OperatorNode): OperatorHarness<Reading> {
  return operatorHarness<Reading>(() => node.create(), { inputs: keysOf(node), outputs: node.outputs })
}

const sign = { insert: '+I', updateBefore: '-U', updateAfter: '+U', delete: '-D' } as const

/** The changes in Flink's notation. */
function textOf(harness: OperatorHarness<Reading>, hasUpdateBefore = true): readonly string[] {
  return harness.outputs.flatMap(({ value }) =>
    changesOf(value as RowChange<Reading>, hasUpdateBefore).map(
      ({ kind, value: { n } }) => `${sign[kind]} ${n}`,
    ),
  )
}

describe('toTable', () => {
  test('any order of arrival, batches, restarts and parallelism leave the newest record of each key', () => {
    const reading = fc.record({ id: fc.constantFrom('a', 'b', 'c'), n: fc.integer({ min: -3, max: 5 }) })
    const trials = arrivalsOf(reading).filter(
      ({ arrivals }) => new Set(arrivals.map(({ value, time }) => value.id + time)).size === arrivals.length,
    )
    fc.assert(
      fc.property(trials, fc.boolean(), (drawn, endsBetween) => {
        const trial = { ...drawn, endsBetween }
        const newest = new Map(trial.inOrder.map(({ value }) => [value.id, value]))
        const expected = [...newest].filter(([, { n }]) => n >= 0)
        const harness = runMeeting(perId(), trial)
        expect(applied(harness.outputs)).toEqual(rowsOf(expected))
        expect(harness.cellsAtLast()).toEqual({ '#timers': 0, newest: expected.length })
      }),
    )
  })

  test('EN-135 keep-last: the first record inserts, an equal one changes nothing, another one updates', () => {
    const harness = harnessOf(perId())
    harness.record({ id: 'k', n: 13 }, 99)
    harness.record({ id: 'k', n: 13 }, 99)
    harness.record({ id: 'k', n: 12 }, 100)
    expect(textOf(harness)).toEqual(['+I 13', '-U 13', '+U 12'])
    expect(textOf(harness, false)).toEqual(['+I 13', '+U 12'])
  })

  test('EN-136 without updateBefore its changes are missing and all others are the same', async () => {
    const changes = (updateBefore: boolean) => async (): Promise<readonly unknown[]> => {
      const run = await testPipeline(
        pipeline('test', (p) => {
          p.from('in', memory.read<Reading>([]))
            .keyBy(({ id }) => id)
            .toTable('newest', { deleteIf: ({ n }) => n < 0 })
            .toStream({ updateBefore })
            .to('out', memory.write())
        }),
      )
      for (const n of [1, 2, 2, 3, -1, 4]) await run.send('in', { id: 'k', n })
      return run.output('out')
    }
    const all = (await changes(true)()) as readonly Change<Reading>[]
    expect(all.map(({ kind, value: { n } }) => `${sign[kind]} ${n}`)).toEqual([
      '+I 1',
      '-U 1',
      '+U 2',
      '-U 2',
      '+U 3',
      '-D 3',
      '+I 4',
    ])
    expect(await changes(false)()).toEqual(all.filter(({ kind }) => kind !== 'updateBefore'))
  })

  test('EN-137 a row expires by event time: it is deleted, and the next record inserts', () => {
    const harness = harnessOf(perId({ expireAfter: 10 }))
    harness.record({ id: 'k', n: 1 }, 100)
    harness.record({ id: 'k', n: 2 }, 105)
    harness.watermark(114)
    harness.snapshotAndRestore(2)
    expect(textOf(harness)).toEqual(['+I 1', '-U 1', '+U 2'])
    harness.watermark(115)
    harness.record({ id: 'k', n: 3 }, 105)
    harness.record({ id: 'k', n: 4 }, 106)
    expect(textOf(harness).slice(3)).toEqual(['-D 2', '+I 4'])
    expect(harness.counted('late')).toBe(1)
    harness.end()
    expect(textOf(harness)).toHaveLength(5)
  })

  test('a record that is older than the deletion of its row does not bring it back: it goes to late', () => {
    const harness = harnessOf(perId())
    harness.record({ id: 'k', n: 1 }, 100)
    harness.record({ id: 'k', n: -1 }, 110)
    harness.record({ id: 'k', n: 2 }, 105)
    expect(textOf(harness)).toEqual(['+I 1', '-D 1'])
    expect(harness.side('late')).toEqual([{ value: { id: 'k', n: 2 }, time: 105 }])
    harness.watermark(111)
    expect(harness.cells()).toEqual({ '#timers': 0, newest: 0 })
  })
})

describe('a table', () => {
  const rowsAfter = async (
    build: (table: Table<Reading, string>) => Table<unknown, unknown>,
    readings: readonly Reading[],
  ): Promise<readonly unknown[]> => {
    const run = await testPipeline(
      pipeline('test', (p) => {
        const table = p
          .from('in', memory.read<Reading>([]))
          .withTimestamps({ timestamp: () => 0 })
          .keyBy(({ id }) => id)
          .toTable('newest', { deleteIf: ({ n }) => n < 0 })
        build(table).toStream({ updateBefore: false }).to('out', memory.write())
      }),
    )
    await run.send('in', ...readings)
    return run.output('out')
  }
  const a = (n: number): Reading => ({ id: 'a', n })

  test('map: maps rows, keeps their keys, and drops an update that changes nothing in the result', async () => {
    const changes = await rowsAfter(
      (table) => table.map(({ n }, key) => `${key} ${n % 2}`),
      [a(1), a(3), a(4), a(-1)],
    )
    expect(changes).toEqual([
      { kind: 'insert', key: 'a', value: 'a 1' },
      { kind: 'updateAfter', key: 'a', value: 'a 0' },
      { kind: 'delete', key: 'a', value: 'a 0' },
    ])
  })

  test('filter: a row that changes leaves the table or enters it', async () => {
    const changes = await rowsAfter(
      (table) => table.filter(({ n }) => n % 2 === 0),
      [a(1), a(2), a(4), a(5), a(-1)],
    )
    expect(changes).toEqual([
      { kind: 'insert', key: 'a', value: a(2) },
      { kind: 'updateAfter', key: 'a', value: a(4) },
      { kind: 'delete', key: 'a', value: a(4) },
    ])
  })

  test('a row mapped to undefined is refused', async () => {
    await expect(rowsAfter((table) => table.map(() => undefined as never), [a(1)])).rejects.toThrow(
      'the function of map returned undefined for a row of a table',
    )
  })

  test('a sink that appends is refused', () => {
    const build = (): unknown =>
      pipeline('test', (p) => {
        const table = p
          .from('in', memory.read<Reading>([]))
          .keyBy(({ id }) => id)
          .toTable('newest')
        table.to('out', memory.write() as never)
      }).describe()
    expect(build).toThrow("to 'out' writes a table, which changes its rows, and its sink only appends")
  })
})

// oxlint-disable-next-line no-restricted-globals -- a date as a value, not the time of day
const date = (time: number): Date => new Date(time)

describe('isSameRow', () => {
  test.each([
    [{ a: 1, b: [2, { c: 3n }] }, { b: [2, { c: 3n }], a: 1 }, true],
    [{ a: 1 }, { a: 1, b: undefined }, false],
    [{ a: undefined }, { b: undefined }, false],
    [[1], { 0: 1 }, false],
    [date(5), date(5), true],
    [new Map([['a', new Set([1])]]), new Map([['a', new Set([1])]]), true],
    [Uint8Array.of(1), Uint8Array.of(2), false],
    [Number.NaN, Number.NaN, true],
    [0, -0, false],
    [null, {}, false],
  ])('%o and %o: %o', (a, b, isSame) => {
    expect(isSameRow(a, b)).toBe(isSame)
  })
})
