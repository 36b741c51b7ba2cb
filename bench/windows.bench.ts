/**
 * What does a record cost in a window operator, and what memory does a pane of a key take, by type of window,
 * number of aggregates and number of keys?
 */
import { memory } from '@millrace/connector-memory'
import { Chain, Cursor } from '@millrace/core/operator'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import {
  count,
  mean,
  min,
  pipeline,
  sliding,
  sum,
  tumbling,
  type Aggregates,
  type WindowAssigner,
} from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { simPlatform } from '@millrace/testkit'
import { measureInTurns, type Measurable } from './measure.ts'

interface Payment {
  readonly card: string
  readonly amount: number
}

interface Question {
  readonly name: string
  readonly assigner: WindowAssigner
  readonly aggregates: Aggregates<Payment>
  readonly cards: number
  /** Records of one run. Default 1,048,576. */
  readonly records?: number
  /** Records before the first run: so many that the first windows have slices to close. Default 0. */
  readonly before?: number
  readonly atMost?: Measurable['atMost']
}

const batchRecords = 256
const eventsPerMs = 10

const one: Aggregates<Payment> = { n: count() }
const four: Aggregates<Payment> = {
  n: count(),
  total: sum((payment: Payment) => payment.amount),
  usual: mean((payment: Payment) => payment.amount),
  least: min((payment: Payment) => payment.amount),
}

const questions: readonly Question[] = [
  { name: 'tumbling 10 s, count, 1 k keys', assigner: tumbling('10s'), aggregates: one, cards: 1000 },
  { name: 'tumbling 10 s, count, 50 k keys', assigner: tumbling('10s'), aggregates: one, cards: 50_000 },
  {
    name: 'tumbling 10 s, four aggregates, 1 k keys',
    assigner: tumbling('10s'),
    aggregates: four,
    cards: 1000,
  },
  {
    name: 'sliding 10 s every 1 s, count, 1 k keys',
    assigner: sliding({ size: '10s', slide: '1s' }),
    aggregates: one,
    cards: 1000,
  },
  // These emit one result for each record, of 10 k keys each second. Most of the cost is the result.
  {
    name: 'tumbling 1 s, count, 10 k keys',
    assigner: tumbling('1s'),
    aggregates: one,
    cards: 10_000,
    records: 262_144,
  },
  {
    name: 'sliding 24 h every 1 s, count, 10 k keys',
    assigner: sliding({ size: '24h', slide: '1s' }),
    aggregates: one,
    cards: 10_000,
    records: 262_144,
    atMost: { times: 2, of: 'tumbling 1 s, count, 10 k keys' },
  },
  // That day has not passed when the bench ends, so no slice is closed; here one is closed for each that is begun.
  {
    name: 'sliding 60 s every 1 s, count, 10 k keys',
    assigner: sliding({ size: '60s', slide: '1s' }),
    aggregates: one,
    cards: 10_000,
    records: 262_144,
    before: 655_360,
    atMost: { times: 2, of: 'tumbling 1 s, count, 10 k keys' },
  },
]

/** A chain, and how many cells its state has. */
interface Held {
  readonly chain: Chain
  readonly cells: () => number
}

/** The window operator in its own chain, over the memory store: no source, no edge, no checkpoint. */
async function chainOf({ assigner, aggregates }: Question): Promise<Held> {
  const { graph } = pipeline('bench', (p) => {
    p.from('in', memory.read<Payment>({}))
      .withTimestamps({ timestamp: () => 0 })
      .keyBy((payment) => payment.card)
      .window(assigner)
      .aggregate('window', aggregates)
      .to('out', memory.write())
  }).describe()
  const node = graph.nodes.find((each): each is OperatorNode => each.kind === 'operator')!
  const { fs } = simPlatform({ seed: 1 })
  const budget = { spend: () => false, turn: async () => {} }
  const store = await memoryStore().open({ fs, budget, directory: 'state', from: undefined, retained: [] })
  const work = { kind: 'operator', create: node.create, keys: keysOf(node) } as const
  const targets = new Map([['main', [{ kind: 'port', port: 0 } as const]]])
  const chain = new Chain([[{ kind: 'part', part: { name: 'window', onError: 'fail', work, targets } }]], {
    pipeline: 'bench',
    subtask: 0,
    keyGroups: 128,
    cursor: new Cursor(),
    budget,
    ports: [{ receive: () => {} }],
    now: () => 0,
    table: (owner, spec) => store.table({ ...spec, owner, subtask: 0, groups: { first: 0, last: 127 } }),
    count: () => {},
    history: () => undefined,
    warn: () => {},
  })
  await store.load()
  chain.start(undefined)
  return { chain, cells: () => store.usage().cells }
}

/** Bytes of memory in use. */
async function memoryInUse(): Promise<number> {
  // What the first collection finds is freed beside the program, and is counted as free by the second.
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.()
    await new Promise(setImmediate)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function measurable(question: Question): Promise<Measurable> {
  let held: Held | undefined = await chainOf(question)
  const payments = Array.from({ length: 65_536 }, (_, i) => ({
    card: `card-${(i * 7919) % question.cards}`,
    amount: (i % 100) + 0.5,
  }))
  const { name, atMost, records: operations = 1_048_576, before = 0 } = question
  let time = 1.7e12
  const handle = (records: number) => {
    const { chain } = held!
    for (let i = 0; i < records; i += batchRecords) {
      const times = new Float64Array(batchRecords)
      for (let j = 0; j < batchRecords; j++) times[j] = time += 1 / eventsPerMs
      const watermarks = times.map((each) => each - 100)
      const start = i % payments.length
      const values = payments.slice(start, start + batchRecords)
      const origin = { origin: undefined, originIndex: undefined }
      chain.process({ length: batchRecords, values, times, watermarks, ...origin }, 0, watermarks)
    }
  }
  handle(before)
  const remark = async () => {
    const cells = held!.cells()
    const full = await memoryInUse()
    held = undefined
    return `${Math.round((full - (await memoryInUse())) / cells)} bytes for each of ${cells} panes of a key`
  }
  return { name, operations, run: () => handle(operations), remark, ...(atMost !== undefined && { atMost }) }
}

const measurables: Measurable[] = []
for (const question of questions) measurables.push(await measurable(question))
await measureInTurns(measurables)
