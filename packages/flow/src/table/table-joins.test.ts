import { memory } from '@millrace/connector-memory'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { operatorHarness, testPipeline, type BatchRecord, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runMeeting, type Arrivals } from '../../test/meeting-trial.ts'
import { applied, arrivalsOf, changesOfTable, groupsOf, numRuns, rowsOf } from '../../test/table-trial.ts'
import { pipeline, type PipelineBuilder } from '../pipeline.ts'
import type { Table, TimedStream } from '../stream.ts'
import { enrich } from './enrich.ts'
import { joinByForeignKey } from './join-by-foreign-key.ts'
import { joinTables } from './join-tables.ts'
import { questionsOf, type Answer, type ForeignKey, type Question } from './reference-operator.ts'
import type { RowChange } from './row-change.ts'

interface Row {
  readonly id: string
  readonly n: number
}

const rowsIn = (p: PipelineBuilder, name: string): TimedStream<Row> =>
  p.from(name, memory.read<Row>([])).withTimestamps({ timestamp: ({ n }) => n })
const tableIn = (p: PipelineBuilder, name: string): Table<Row, string> =>
  rowsIn(p, name)
    .keyBy(({ id }) => id)
    .toTable(`${name}-rows`, { deleteIf: ({ n }) => n < 0 })

/** Operators of a pipeline by name. */
function operatorsOf(build: (p: PipelineBuilder) => Table<unknown, unknown>): (name: string) => OperatorNode {
  const { graph } = pipeline('test', (p) => build(p).toStream().to('out', memory.write())).describe()
  return (name) =>
    graph.nodes.find((node): node is OperatorNode => node.name === name && node.kind === 'operator')!
}

const numbers = fc.integer({ min: 1, max: 4 })

/** Changes of several tables, in turns. */
function together(...trials: readonly Arrivals<RowChange>[]): Arrivals<RowChange> {
  const arrivals = trials
    .flatMap((trial, input) => trial.arrivals.map(({ value }, turn) => ({ value, input, turn })))
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ value, input }): BatchRecord<RowChange> => ({ value, input, time: 0, watermark: 0 }))
  return { ...trials[0]!, arrivals }
}

/** The rows of a table after all changes. */
const finalRows = <T>(trial: Arrivals<RowChange<T>>): ReadonlyMap<unknown, T> =>
  groupsOf(trial, () => 'all').get('all') ?? new Map()

describe('joinTables', () => {
  test('EN-132 EN-138 EN-139 any number of tables: every prefix of the changes is legal and the end is the batch query', () => {
    const trials = fc.tuple(changesOfTable(numbers), changesOfTable(numbers), changesOfTable(numbers))
    fc.assert(
      fc.property(trials, fc.subarray(['a', 'b', 'c'] as const), ([a, b, c], required) => {
        const node = operatorsOf((p) =>
          joinTables({ a: tableIn(p, 'one'), b: tableIn(p, 'two'), c: tableIn(p, 'three') }).outer('joined', {
            required,
          }),
        )('joined')
        const tables = { a: finalRows(a), b: finalRows(b), c: finalRows(c) }
        const keys = [...new Set(Object.values(tables).flatMap((rows) => [...rows.keys()]))] as string[]
        const expected = keys
          .map((key) => [key, { a: tables.a.get(key), b: tables.b.get(key), c: tables.c.get(key) }] as const)
          .filter(([, row]) => required.every((name) => row[name] !== undefined))
        const harness = runMeeting(node, together(a, b, c))
        expect(applied(harness.outputs)).toEqual(rowsOf(expected))
        const { a: inA, b: inB, c: inC } = harness.cells()
        expect([inA, inB, inC]).toEqual([tables.a.size, tables.b.size, tables.c.size])
      }),
      { numRuns },
    )
  })

  test('EN-132 a change of either row updates the result, and a deletion deletes it', async () => {
    const run = await testPipeline(
      pipeline('test', (p) => {
        joinTables({ left: tableIn(p, 'left'), right: tableIn(p, 'right') })
          .inner('joined')
          .map(({ left, right }) => left.n * 10 + right.n)
          .toStream()
          .to('out', memory.write())
      }),
    )
    await run.send('left', { id: 'k', n: 1 })
    await run.send('right', { id: 'k', n: 2 })
    await run.send('left', { id: 'k', n: 3 })
    await run.send('right', { id: 'k', n: 2 }, { id: 'k', n: 4 })
    await run.send('left', { id: 'k', n: -1 })
    expect(run.output('out')).toEqual([
      { kind: 'insert', key: 'k', value: 12 },
      { kind: 'updateBefore', key: 'k', value: 12 },
      { kind: 'updateAfter', key: 'k', value: 32 },
      { kind: 'updateBefore', key: 'k', value: 32 },
      { kind: 'updateAfter', key: 'k', value: 34 },
    ])
  })

  test('tables that cannot be joined are refused', () => {
    const build = (tables: (p: PipelineBuilder) => object) => () =>
      pipeline('test', (p) => void joinTables(tables(p) as never)).describe()
    expect(build((p) => ({ a: tableIn(p, 'a') }))).toThrow('joinTables needs two tables or more')
    expect(build((p) => ({ a: tableIn(p, 'a'), b: rowsIn(p, 'b') }))).toThrow('joinTables needs tables')
    expect(
      build((p) => ({
        a: tableIn(p, 'a'),
        b: p
          .from('b', memory.read<Row>([]))
          .keyBy(({ id }) => id)
          .toTable('untimed'),
      })),
    ).toThrow('a table with event time and one without')
  })
})

describe('joinByForeignKey', () => {
  interface Order {
    readonly customer: string | undefined
    readonly n: number
  }
  const foreignKey: ForeignKey = (row) => (row as Order).customer
  const orders = fc.record({
    customer: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    n: fc.integer({ min: 1, max: 2 }),
  })
  const nodes = (kind: 'inner' | 'left') =>
    operatorsOf((p) =>
      joinByForeignKey(
        p
          .from('orders', memory.read<Order>([]))
          .withTimestamps({ timestamp: () => 0 })
          .keyBy(({ n }) => n)
          .toTable('orders-table'),
        tableIn(p, 'customers'),
        ({ customer }) => customer,
      )[kind]('joined', (order, customer) => [order, customer] as const),
    )

  /** Brings records of several edges to two operators, in any order between edges, with restarts of both. */
  function delivered(
    kind: 'inner' | 'left',
    left: Arrivals<RowChange>,
    right: Arrivals<RowChange>,
    choices: readonly number[],
  ): OperatorHarness<unknown> {
    const of = nodes(kind)
    const harness = (node: OperatorNode) =>
      operatorHarness<unknown>(() => node.create(), { inputs: keysOf(node), parallelism: 2 })
    const [lookup, joined] = [harness(of('joined-lookup')), harness(of('joined'))]
    const lefts: unknown[] = left.arrivals.map(({ value }) => value)
    const rights: unknown[] = right.arrivals.map(({ value }) => value)
    const questions: Question[] = left.arrivals.flatMap(({ value }) => questionsOf(foreignKey)(value))
    // Answers about one foreign key stay in order.
    const answers = new Map<unknown, Answer[]>()
    const steps: readonly (() => boolean)[] = [
      () => deliver(lefts, (value) => joined.record(value, 0, 0)),
      () => deliver(questions, (value) => ask(() => lookup.record(value, 0, 0))),
      () => deliver(rights, (value) => ask(() => lookup.record(value, 0, 1))),
      ...['a', 'b', 'c', 'd', 'e'].map(
        (key) => () => deliver(answers.get(key) ?? [], (value) => joined.record(value, 0, 1)),
      ),
    ]
    const ask = (call: () => void): void => {
      const before = lookup.outputs.length
      call()
      for (const { value } of lookup.outputs.slice(before)) {
        const answer = value as Answer
        answers.set(answer.foreign, [...(answers.get(answer.foreign) ?? []), answer])
      }
    }
    for (const [index, choice] of choices.entries()) {
      steps[choice % steps.length]!()
      if (index % 20 === 19) for (const each of [lookup, joined]) each.snapshotAndRestore((choice % 3) + 1)
    }
    while (steps.some((step) => step()));
    return joined
  }

  function deliver<T>(edge: T[], to: (value: T) => void): boolean {
    if (edge.length === 0) return false
    to(edge.shift()!)
    return true
  }

  test('EN-132 EN-147 whichever edge is faster: every prefix of the changes is legal and the end is the batch query', () => {
    const trials = fc.record({
      kind: fc.constantFrom('inner', 'left'),
      left: changesOfTable(orders),
      right: changesOfTable(numbers),
      choices: fc.array(fc.nat(7), { minLength: 60, maxLength: 120 }),
    })
    fc.assert(
      fc.property(trials, ({ kind, left, right, choices }) => {
        const customers = finalRows(right)
        const expected = [...finalRows(left)].flatMap(([key, order]) => {
          const customer = order.customer === undefined ? undefined : customers.get(order.customer)
          if (customer === undefined && kind === 'inner') return []
          return [[key as string, { left: order, right: customer }] as const]
        })
        const harness = delivered(kind, left, right, choices)
        expect(applied(harness.outputs)).toEqual(rowsOf(expected))
        expect(harness.cells()).toEqual({ '#timers': 0, referrer: finalRows(left).size })
      }),
      { numRuns },
    )
  })

  test('EN-132 a row that refers to another one is one update, and a deleted row deletes its result', async () => {
    interface Sale {
      readonly id: string
      readonly customer: string
      readonly at: number
    }
    const run = await testPipeline(
      pipeline('test', (p) => {
        const sales = p
          .from('sales', memory.read<Sale>([]))
          .withTimestamps({ timestamp: ({ at }) => at })
          .keyBy(({ id }) => id)
          .toTable('sales-table', { deleteIf: ({ customer }) => customer === '' })
        joinByForeignKey(sales, tableIn(p, 'customers'), ({ customer }) => customer)
          .left('joined', (sale, customer) => `${sale.id} of ${sale.customer}: ${String(customer?.n)}`)
          .toStream({ updateBefore: false })
          .to('out', memory.write())
      }),
    )
    await run.send('customers', { id: 'ada', n: 1 }, { id: 'bob', n: 2 })
    await run.send('sales', { id: 's', customer: 'ada', at: 1 })
    await run.send('sales', { id: 's', customer: 'bob', at: 2 })
    await run.send('customers', { id: 'ada', n: 3 }, { id: 'bob', n: 4 })
    await run.send('sales', { id: 's', customer: 'eve', at: 3 })
    await run.send('sales', { id: 's', customer: '', at: 4 })
    expect(run.output('out')).toEqual([
      { kind: 'insert', key: 's', value: 's of ada: 1' },
      { kind: 'updateAfter', key: 's', value: 's of bob: 2' },
      { kind: 'updateAfter', key: 's', value: 's of bob: 4' },
      { kind: 'updateAfter', key: 's', value: 's of eve: undefined' },
      { kind: 'delete', key: 's', value: 's of eve: undefined' },
    ])
  })
})

describe('enrich', () => {
  interface Sale {
    readonly customer: string
    readonly at: number
  }
  const salesOf = (p: PipelineBuilder) =>
    p
      .from('sales', memory.read<Sale>([]))
      .withTimestamps({ timestamp: ({ at }) => at })
      .keyBy(({ customer }) => customer)
  const text = ({ customer, at }: Sale, row: Row | undefined): string =>
    `${customer} ${at}: ${String(row?.n)}`

  test('EN-139 any order of arrival, batches, restarts and parallelism: every record meets the last row', () => {
    const sales = fc.record({ customer: fc.constantFrom('a', 'b', 'f'), at: fc.nat(9) })
    const trials = fc.tuple(
      arrivalsOf(sales),
      changesOfTable(numbers),
      fc.nat(30),
      fc.constantFrom('inner', 'left'),
    )
    fc.assert(
      fc.property(trials, ([stream, table, end, kind]) => {
        const { graph } = pipeline('test', (p) => {
          const rows = p
            .from('rows', memory.read<Row>([]))
            .keyBy(({ id }) => id)
            .toTable('table')
          const joined = enrich(salesOf(p), rows)[kind]('joined', (sale, row: unknown) => [sale, row])
          joined.to('out', memory.write())
        }).describe()
        const node = graph.nodes.find(
          (each): each is OperatorNode => each.name === 'joined' && each.kind === 'operator',
        )!
        // Without event time the table holds the watermark back until its input ends.
        const early = stream.arrivals
          .slice(0, end)
          .map((record) => ({ ...record, watermark: Number.NEGATIVE_INFINITY }))
        const loading = table.arrivals.map(({ value }) => ({ value, time: Number.NaN, input: 1 }))
        const arrivals: readonly BatchRecord<unknown>[] = [
          ...early.slice(0, end >> 1),
          ...loading.map((record) => ({ ...record, watermark: Number.NEGATIVE_INFINITY })),
          ...early.slice(end >> 1),
          ...stream.arrivals.slice(end),
        ]
        const rows = finalRows(table)
        const expected = stream.arrivals.flatMap(({ value, time }) => {
          const row = rows.get(value.customer)
          return row === undefined && kind === 'inner' ? [] : [{ value: [value, row], time }]
        })
        const harness = runMeeting(node, { ...stream, arrivals })
        expect(harness.outputs).toHaveLength(expected.length)
        expect(harness.outputs).toEqual(expect.arrayContaining(expected))
        expect(harness.cells()).toEqual({ '#timers': 0, row: rows.size, waiting: 0 })
      }),
      { numRuns },
    )
  })

  test('a table without event time is loaded to its end before the first record is joined', async () => {
    const run = await testPipeline(
      pipeline('test', (p) => {
        const customers = p
          .from('customers', memory.read<Row>([]))
          .keyBy(({ id }) => id)
          .toTable('rows')
        enrich(salesOf(p), customers).left('joined', text).to('out', memory.write())
      }),
    )
    await run.send(
      'sales',
      { customer: 'ada', at: 1 },
      { customer: 'bob', at: 2 },
      { customer: 'ada', at: 9 },
    )
    await run.send('customers', { id: 'ada', n: 1 })
    expect(run.output('out')).toEqual([])
    await run.restart()
    await run.send('customers', { id: 'ada', n: 2 })
    await run.end('customers')
    await run.send('sales', { customer: 'ada', at: 10 })
    await run.end()
    expect(run.records('out')).toEqual([
      { value: 'ada 1: 2', time: 1 },
      { value: 'bob 2: undefined', time: 2 },
      { value: 'ada 9: 2', time: 9 },
      { value: 'ada 10: 2', time: 10 },
    ])
  })

  test('a table with event time is loaded for a record when its watermark has passed the record', async () => {
    const run = await testPipeline(
      pipeline('test', (p) => {
        enrich(salesOf(p), tableIn(p, 'customers')).inner('joined', text).to('out', memory.write())
      }),
    )
    await run.send('sales', { customer: 'ada', at: 5 }, { customer: 'ada', at: 20 })
    await run.send('customers', { id: 'ada', n: 4 }, { id: 'ada', n: 5 })
    expect(run.output('out')).toEqual([])
    await run.send('customers', { id: 'eve', n: 6 })
    expect(run.output('out')).toEqual(['ada 5: 5'])
    await run.end()
    expect(run.output('out')).toEqual(['ada 5: 5', 'ada 20: 5'])
  })
})
