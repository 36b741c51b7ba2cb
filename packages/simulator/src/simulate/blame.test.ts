/** What a run is blamed for although it happens where much depends on the order in which records meet. */
import { memory } from '@millrace/connector-memory'
import type { Sink } from '@millrace/core/connector'
import { output, pipeline, state, type Pipeline } from '@millrace/flow'
import { expect, test } from 'vitest'
import { orderingSink } from '../../test/ordering-sink.ts'
import { failureOf } from '../../test/simulation-failure-of.ts'
import { compareCounts } from './expectation.ts'
import type { OutputRecord } from './sim-sink.ts'
import { simulateSeeds } from './simulate.ts'

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n)

/** Whether a value is the first that the process at hand sees. Each life of a process has a pipeline of its own. */
function firstOfALife(): () => boolean {
  let isFirst = true
  return () => {
    const answer = isFirst
    isFirst = false
    return answer
  }
}

function atLeastOnce(): Sink<unknown> {
  return {
    kind: 'at-least-once',
    guarantee: 'at-least-once',
    open: async () => ({ write() {}, prepare: async () => undefined, close: async () => {} }),
  }
}

/** A stream that is joined with itself before operators whose results depend on the order; each life loses a record. */
function losing(sink: () => Sink<unknown>): Pipeline {
  return pipeline('losing', (p) => {
    const isFirst = firstOfALife()
    const all = p
      .from('numbers', memory.read({ all: numbers(120) }))
      .filter((n) => n === 0 || !isFirst() || n === 1)
    all
      .union(all.map((n) => n + 1_000))
      .keyBy((n) => n % 5)
      .reduce('mix', (mixed, n) => (mixed * 31 + n) % 1_000_003)
      .to('mix-out', sink())
  })
}

test.each([
  ['exactly-once', () => memory.write()],
  ['at-least-once', atLeastOnce],
] as const)('a lost record is reported where results depend on the order: %s', async (_guarantee, sink) => {
  const failure = await failureOf(simulateSeeds(losing(sink), { seeds: 200, faults: { kill: 3 } }))
  expect(failure).toMatchObject({ kind: 'missing', where: 'mix-out' })
  expect(failure.message).toContain('in whatever order they came')
})

test('a lost record is reported from the state of an operator, beside operators that read the clock', async () => {
  const beside = pipeline('beside', (p) => {
    const isFirst = firstOfALife()
    const all = p.from('numbers', memory.read({ all: numbers(120) }))
    all
      .filter((n) => !isFirst() || n === 0)
      .keyBy((n) => n % 5)
      .process('keep', {
        output: output<number>(),
        state: { total: state.value<number>() },
        onRecord: ({ value }, { state: { total } }) => total.set((total.get() ?? 0) + value),
      })
      .to('kept-out', memory.write())
    all
      .keyBy((n) => n % 5)
      .process('date', { output: output<number>(), state: {}, onRecord: (_, { now, emit }) => emit(now()) })
      .to('dated-out', memory.write())
  })
  const failure = await failureOf(simulateSeeds(beside, { seeds: 30, faults: { kill: 3 } }))
  expect(failure).toMatchObject({ kind: 'state', where: 'keep' })
})

test('an invented record is found beside the output of a paused process', async () => {
  const inventing = pipeline('inventing', (p) => {
    const isFirst = firstOfALife()
    p.from('numbers', memory.read({ all: numbers(120) }))
      .keyBy((n) => n % 5)
      .reduce('sum', (sum, n) => sum + n)
      .keyBy(() => 'all')
      .scan(
        'count',
        () => 0,
        (count) => count + 1,
      )
      .flatMap(({ value: count }) => (isFirst() && count > 1 ? [count, -count] : [count]))
      .to('out', atLeastOnce())
  })
  const options = { seeds: 30, parallelism: 1, faults: { zombie: 2 } }
  expect(await failureOf(simulateSeeds(inventing, options))).toMatchObject({ kind: 'wrong', where: 'out' })
})

test('in a run without restarts, a stream that is joined with itself excuses no duplicates', async () => {
  const joined = pipeline('joined', (p) => {
    const all = p.from('numbers', memory.read({ all: numbers(120) }))
    all
      .union(all.map((n) => n + 1_000))
      .keyBy((n) => n % 5)
      .process('pass', {
        output: output<number>(),
        state: {},
        onRecord: ({ value }, { emit }) => emit(value),
      })
      .to('out', memory.write())
  })
  const options = {
    seeds: 30,
    sinks: { out: () => orderingSink('everything') },
    faults: { duplicate: 4 },
  }
  const failure = await failureOf(simulateSeeds(joined, options))
  expect(failure).toMatchObject({ kind: 'doubled', where: 'out' })
})

test('duplicates of one key do not hide missing records of another', () => {
  const ofKeys = (keys: string): readonly OutputRecord[] =>
    Array.from(keys, (line, value) => ({ line, value, text: String(value), isAfterPause: false }))
  const demand = { mayMiss: false, mayRepeat: true }
  const found = compareCounts('out', 'line', ofKeys('aabb'), ofKeys('aaaab'), demand)
  expect(found).toMatchObject([{ kind: 'missing', where: 'out' }])
  expect(found[0]!.what).toContain('misses 1 of 4 records, in whatever order they came: 1 of b')
  expect(compareCounts('out', 'sink', ofKeys('aabb'), ofKeys('aaaab'), demand)).toEqual([])
  expect(
    compareCounts('out', 'line', ofKeys('aabb'), ofKeys('aaabb'), { ...demand, mayRepeat: false }),
  ).toMatchObject([{ kind: 'doubled', where: 'out' }])
})
