import { memory } from '@millrace/connector-memory'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { operatorHarness, testPipeline } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runMeeting, type Arrivals } from '../../test/meeting-trial.ts'
import { applied, changesOfTable, numRuns } from '../../test/table-trial.ts'
import { pipeline, type PipelineBuilder } from '../pipeline.ts'
import type { Table, TimedStream } from '../stream.ts'
import { enrich } from './enrich.ts'
import { joinByForeignKey } from './join-by-foreign-key.ts'
import { joinTables } from './join-tables.ts'
import type { TableTtlOptions } from './living-table.ts'
import type { RowChange } from './row-change.ts'

interface Row {
  readonly id: string
  readonly n: number
  readonly at: number
}

const rowsIn = (p: PipelineBuilder, name: string): TimedStream<Row> =>
  p.from(name, memory.read<Row>([])).withTimestamps({ timestamp: ({ at }) => at })
const tableIn = (p: PipelineBuilder, name: string): Table<Row, string> =>
  rowsIn(p, name)
    .keyBy(({ id }) => id)
    .toTable(`${name}-rows`, { deleteIf: ({ n }) => n < 0 })

/** The node that lets rows of the first table of a join expire. */
function lifeNode(ttl: TableTtlOptions): OperatorNode {
  const { graph } = pipeline('test', (p) => {
    joinTables({ a: tableIn(p, 'one'), b: tableIn(p, 'two') })
      .inner('joined', { ttl })
      .toStream()
      .to('out', memory.write())
  }).describe()
  return graph.nodes.find(
    (node): node is OperatorNode => node.kind === 'operator' && node.name === 'joined-a-life',
  )!
}

/** What must come out, by key, and how many rows are left. */
function reference(
  { arrivals }: Arrivals<RowChange<number>>,
  life: number,
  refresh: 'create' | 'write',
): { readonly byKey: Map<unknown, RowChange[]>; readonly left: number } {
  const rows = new Map<unknown, { row: unknown; stamp: number }>()
  const byKey = new Map<unknown, RowChange[]>()
  const change = ({ key, before, after }: RowChange): void => {
    if (before !== after) byKey.set(key, [...(byKey.get(key) ?? []), { key, before, after }])
  }
  let passed = Number.NEGATIVE_INFINITY
  for (const { value, time, watermark = passed } of arrivals) {
    passed = Math.max(passed, watermark)
    for (const [key, { row, stamp }] of rows) {
      if (stamp + life > passed) continue
      rows.delete(key)
      change({ key: key as string, before: row, after: undefined })
    }
    const { key, after } = value
    const now = Math.max(time, passed)
    const old = rows.get(key)
    const isAlive = old !== undefined && old.stamp + life > now
    if (after === undefined) rows.delete(key)
    else if (!isAlive) rows.set(key, { row: after, stamp: now })
    else rows.set(key, { row: after, stamp: refresh === 'write' ? Math.max(old.stamp, now) : old.stamp })
    change({ key, before: old?.row, after })
  }
  return { byKey, left: rows.size }
}

test('any order, batches, restarts and parallelism: rows of a table expire as a list of stamped rows says', () => {
  const trials = fc.record({
    table: changesOfTable(fc.integer({ min: 1, max: 4 })),
    life: fc.integer({ min: 1, max: 30 }),
    refresh: fc.constantFrom('create' as const, 'write' as const),
  })
  fc.assert(
    fc.property(trials, ({ table, life, refresh }) => {
      const harness = runMeeting(lifeNode({ after: life, refresh }), table)
      const { byKey, left } = reference(table, life, refresh)
      applied(harness.outputs)
      const changes = harness.outputs.map(({ value }) => value as RowChange)
      const found = new Map([...byKey.keys()].map((key) => [key, changes.filter((each) => each.key === key)]))
      expect(found).toEqual(byKey)
      expect(changes).toHaveLength([...byKey.values()].flat().length)
      expect(harness.cells()).toEqual({ '#timers': left, living: left })
    }),
    { numRuns },
  )
})

describe('a row of a joined table', () => {
  test.each(['event', 'processing'] as const)('that comes and goes has one timer (%s time)', (clock) => {
    const node = lifeNode({ after: 1_000, clock })
    const harness = operatorHarness<RowChange>(() => node.create(), { inputs: keysOf(node) })
    for (let n = 0; n < 10; n++) {
      harness.record({ key: 'k', before: undefined, after: n }, n)
      harness.record({ key: 'k', before: n, after: undefined }, n)
    }
    expect(harness.cells()).toEqual({ '#timers': 0, living: 0 })
    harness.record({ key: 'k', before: undefined, after: 10 }, 10)
    expect(harness.cells()).toEqual({ '#timers': 1, living: 1 })
  })

  test('that has expired by the clock is deleted, and an update prolongs its life', () => {
    const node = lifeNode({ after: 100, clock: 'processing' })
    const harness = operatorHarness<RowChange>(() => node.create(), { inputs: keysOf(node) })
    harness.record({ key: 'k', before: undefined, after: 1 }, 0)
    harness.processingTime(60)
    harness.record({ key: 'k', before: 1, after: 2 }, 0)
    harness.watermark(1e9)
    harness.snapshotAndRestore(2)
    harness.processingTime(159)
    expect(harness.outputs).toHaveLength(2)
    harness.processingTime(160)
    expect(harness.outputs.at(-1)?.value).toEqual({ key: 'k', before: 2, after: undefined })
    expect(harness.cells()).toEqual({ '#timers': 0, living: 0 })
  })

  test('that has expired leaves the result of joinTables, which comes back with the next row', async () => {
    const run = await testPipeline(
      pipeline('test', (p) => {
        joinTables({ left: tableIn(p, 'left'), right: tableIn(p, 'right') })
          .outer('joined', { required: ['left'], ttl: { after: 100 } })
          .map(({ left, right }) => [left.n, right?.n ?? 0])
          .toStream()
          .to('out', memory.write())
      }),
    )
    await run.send('left', { id: 'k', n: 1, at: 0 })
    await run.send('right', { id: 'k', n: 2, at: 50 })
    await run.send('left', { id: 'z', n: 9, at: 120 })
    await run.send('right', { id: 'z', n: 9, at: 120 })
    await run.send('left', { id: 'k', n: 3, at: 130 })
    const ofKey = run.output<{ readonly key: string }>('out').filter(({ key }) => key === 'k')
    expect(ofKey).toEqual([
      { kind: 'insert', key: 'k', value: [1, 0] },
      { kind: 'updateBefore', key: 'k', value: [1, 0] },
      { kind: 'updateAfter', key: 'k', value: [1, 2] },
      { kind: 'delete', key: 'k', value: [1, 2] },
      { kind: 'insert', key: 'k', value: [3, 2] },
    ])
  })

  test('that has expired leaves the result of joinByForeignKey on either side', async () => {
    const run = await testPipeline(
      pipeline('test', (p) => {
        joinByForeignKey(tableIn(p, 'orders'), tableIn(p, 'customers'), () => 'c')
          .left('joined', (order, customer) => [order.n, customer?.n ?? 0], { ttl: { after: 100 } })
          .toStream({ updateBefore: false })
          .to('out', memory.write())
      }),
    )
    await run.send('customers', { id: 'c', n: 7, at: 0 })
    await run.send('orders', { id: 'o', n: 1, at: 50 })
    await run.send('customers', { id: 'other', n: 0, at: 110 })
    await run.send('orders', { id: 'p', n: 2, at: 110 })
    await run.send('customers', { id: 'c', n: 8, at: 120 })
    await run.send('orders', { id: 'q', n: 3, at: 160 })
    await run.send('customers', { id: 'other', n: 1, at: 160 })
    const ofOrder = run.output<{ readonly key: string }>('out').filter(({ key }) => key === 'o')
    expect(ofOrder).toEqual([
      { kind: 'insert', key: 'o', value: [1, 7] },
      { kind: 'updateAfter', key: 'o', value: [1, 0] },
      { kind: 'updateAfter', key: 'o', value: [1, 8] },
      { kind: 'delete', key: 'o', value: [1, 8] },
    ])
  })

  test('that has expired is not met by records of a stream, and a read prolongs its life if asked to', () => {
    const { graph } = pipeline('test', (p) => {
      enrich(
        rowsIn(p, 'stream').keyBy(({ id }) => id),
        tableIn(p, 'table'),
      )
        .left('joined', (record, row) => [record.at, row?.n], { ttl: { after: 100, refresh: 'read' } })
        .to('out', memory.write())
    }).describe()
    const node = graph.nodes.find(({ name }) => name === 'joined') as OperatorNode
    const row: RowChange<Row> = { key: 'k', before: undefined, after: { id: 'k', n: 1, at: 0 } }
    const times = [50, 140, 230, 340]
    const harness = runMeeting<unknown>(node, {
      batch: 2,
      restarts: new Map([[2, 3]]),
      isTight: false,
      arrivals: [
        { value: row, time: 0, input: 1, watermark: 0 },
        ...times.map((at) => ({ value: { id: 'k', n: 0, at }, time: at, input: 0, watermark: at - 10 })),
        { value: { ...row, key: 'z' }, time: 600, input: 1, watermark: 600 },
      ],
    })
    expect(harness.outputs.map(({ value }) => value)).toEqual([
      [50, 1],
      [140, 1],
      [230, 1],
      [340, undefined],
    ])
    expect(harness.cells()).toEqual({ '#timers': 0, row: 1, waiting: 0 })
  })

  test('cannot expire by what its table does not have', () => {
    const build = (ttl: object) => () =>
      pipeline('test', (p) => {
        const table = p
          .from('rows', memory.read<Row>([]))
          .keyBy(({ id }) => id)
          .toTable('untimed')
        const joined = joinTables({ a: table, b: table }).inner('joined', { ttl: ttl as TableTtlOptions })
        joined.toStream().to('out', memory.write())
      }).describe()
    expect(build({ after: '1h' })).toThrow('counts by event time, which its stream does not have')
    expect(build({ after: '1h', clock: 'processing', refresh: 'read' })).toThrow("use 'create' or 'write'")
    expect(build({ after: 0 })).toThrow('must be longer than zero')
    expect(build({ after: '1h', clock: 'processing' })).not.toThrow()
  })
})
