import { memory } from '@millrace/connector-memory'
import {
  output,
  pipeline,
  skip,
  state,
  type Pipeline,
  type SourceStream,
  type StateHandles,
} from '@millrace/flow'
import { expect, test } from 'vitest'
import { failureOf } from '../../test/simulation-failure-of.ts'
import { mapping } from '../../test/simulated-pipelines.ts'
import { simulate, simulateSeeds } from './simulate.ts'

// oxlint-disable-next-line no-restricted-properties -- this is the mistake
const random = (n: number): number => n + Math.random()
// oxlint-disable-next-line no-restricted-globals -- this is the mistake
const dated = (n: number): object => ({ n, at: new Date() })
let counter = 0
const counted = (n: number): number => n + counter++
const floating = (n: number): number => {
  void (async () => {
    await Promise.resolve()
    counter++
  })()
  return n
}

test.each([
  ['Math.random', random, 'nondeterminism'],
  ['the date', dated, 'nondeterminism'],
  ['a variable outside of state', counted, 'nondeterminism'],
  ['a promise that is not awaited', floating, 'unawaited work'],
])('%s in user code is reported with the name of the operator', async (_name, apply, kind) => {
  const failure = await failureOf(simulate(mapping(apply), { seed: 1 }))
  expect(failure).toMatchObject({ kind, where: 'change' })
  expect(failure.message).toContain("'change'")
})

/** Makes a call for each number up to 200, and skips those that fail or time out. */
function calling(apply: (n: number, signal: AbortSignal) => Promise<unknown>): Pipeline {
  return pipeline('calling', (p) => {
    p.from('numbers', memory.read({ all: Array.from({ length: 200 }, (_, n) => n) }))
      .mapAsync('call', apply, { order: 'none', concurrency: 8, timeout: '1s', onError: skip() })
      .to('out', memory.write())
  })
}

test('the functions of bulkhead and fallback get records, as outside of the simulator', async () => {
  interface Order {
    readonly tenant: string
    readonly n: number
  }
  const orders = Array.from({ length: 60 }, (_, n): Order => ({ tenant: `t${n % 3}`, n }))
  const charging = pipeline('charging', (p) => {
    p.from('orders', memory.read({ all: orders }))
      .mapAsync(
        'charge',
        async ({ n }) => {
          if (n % 5 === 0) throw new Error(`no account for ${n}`)
          return n
        },
        {
          bulkhead: { by: (order) => order.tenant.slice(1), concurrency: 2 },
          fallback: (order) => -order.n - 1,
          onError: skip(),
        },
      )
      .to('out', memory.write())
  })
  const { expected } = await simulateSeeds(charging, { from: 1, seeds: 2 })
  expect(expected['out']).toEqual(orders.map(({ n }) => (n % 5 === 0 ? -n - 1 : n)))
})

test.each([
  ['Math.random', random],
  ['a variable outside of state', counted],
])('%s in a function of mapAsync is reported with the name of the operator', async (_name, apply) => {
  const failure = await failureOf(
    simulate(
      calling(async (n) => apply(n)),
      { seed: 1 },
    ),
  )
  expect(failure).toMatchObject({ kind: 'nondeterminism', where: 'call' })
  expect(failure.message).toContain("'call' does not do the same thing twice")
})

test('failed calls are skipped, and no operator is blamed for them', async () => {
  const report = await simulateSeeds(
    calling(async (n) => {
      if (n % 3 === 0) throw new Error('not this one')
      return n
    }),
    { seeds: 10 },
  )
  expect(report.expected['out']).toHaveLength(133)
})

const kept = {
  numbers: state.value<number[]>(),
  counts: state.map<string, { n: number }>(),
}

/** Emits what `keep` makes of each number and the state of its key. */
function keeping(keep: (n: number, handles: StateHandles<typeof kept>) => number): Pipeline {
  return pipeline('keeping', (p) => {
    p.from('numbers', memory.read({ all: Array.from({ length: 200 }, (_, n) => n) }))
      .keyBy((n) => n % 5)
      .process('keep', {
        output: output<number>(),
        state: kept,
        onRecord: ({ value }, { state: handles, emit }) => emit(keep(value, handles)),
      })
      .to('out', memory.write())
  })
}

test.each([
  [
    'numbers',
    keeping((n, { numbers }) => {
      const known = numbers.get()
      if (known === undefined) numbers.set([n])
      return known?.push(n) ?? 1
    }),
  ],
  [
    'counts',
    keeping((_n, { counts }) => {
      if (!counts.has('all')) counts.set('all', { n: 0 })
      return ++counts.get('all')!.n
    }),
  ],
])(
  "state '%s' that is changed in place without set is reported with the name of the operator",
  async (name, keeper) => {
    const failure = await failureOf(simulate(keeper, { seed: 1 }))
    expect(failure).toMatchObject({ kind: 'unset state', where: 'keep' })
    expect(failure.message).toContain(`'keep' changes state '${name}' in place and does not set it`)
  },
)

test('state that is changed in place and also set or cleared causes no report', async () => {
  const keeper = keeping((n, { numbers, counts }) => {
    const known = numbers.get() ?? []
    known.push(n)
    numbers.set(known)
    known.push(n)
    const count = counts.get('all') ?? { n: 0 }
    count.n++
    if (count.n > 10) counts.clear()
    else counts.set('all', count)
    if (n > 190) counts.delete('all')
    return known.length + count.n
  })
  await simulateSeeds(keeper, { seeds: 5 })
})

interface Visit {
  pages: number
  from: Set<string>
}

/** Fifty visits that go to a step named `change`, and to a sink beside it. */
function visiting(change: (visits: SourceStream<Visit>) => SourceStream<unknown>): Pipeline {
  return pipeline('visiting', (p) => {
    const all = Array.from({ length: 50 }, (_, pages) => ({ pages, from: new Set<string>() }))
    const visits = p.from('visits', memory.read({ all }))
    change(visits).to('out', memory.write())
    visits.to('beside', memory.write())
  })
}

test.each<readonly [string, Pipeline]>([
  ['a record', visiting((visits) => visits.map((visit) => (visit.pages++, visit), { name: 'change' }))],
  [
    'a set in a record, where errors are left out',
    visiting((visits) => visits.tap((visit) => visit.from.add('x'), { name: 'change', onError: skip() })),
  ],
  [
    'what it carries along and has emitted',
    visiting((visits) =>
      visits
        .keyBy(() => 'all')
        .scan(
          'change',
          () => ({ pages: 0 }),
          (sum, { pages }) => {
            sum.pages += pages
            return sum
          },
        )
        .map(({ value }) => value),
    ),
  ],
  [
    'a record while it waits',
    visiting((visits) =>
      visits.mapAsync('change', async (visit) => {
        await Promise.resolve()
        visit.pages++
        return visit
      }),
    ),
  ],
])('an operator that changes %s is reported by name', async (_, visited) => {
  const failure = await failureOf(simulate(visited, { seed: 1 }))
  expect(failure).toMatchObject({ kind: 'mutation', where: 'change' })
  expect(failure.message).toContain("operator 'change' failed at")
  expect(failure.message).toContain('records are immutable, so create a new object')
})

test('a failure without a known cause is reported with its usual causes', async () => {
  const keeper = pipeline('forgetful', (p) => {
    let seen = 0
    p.from('numbers', memory.read({ all: Array.from({ length: 200 }, (_, n) => n) }))
      .map((n) => n + seen++)
      .to('out', memory.write())
  })
  const failure = await failureOf(simulateSeeds(keeper, { seeds: 50, faults: { kill: 2 } }))
  expect(['missing', 'wrong', 'state']).toContain(failure.kind)
  expect(failure.message).toContain(
    'What usually does this: a variable outside of state; a value of state that is changed without set; a record that is changed after it was emitted',
  )
})
