import { describe, expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import { OperatorError } from '@millrace/core/operator'
import type { Sink } from '@millrace/core/connector'
import {
  aggregator,
  output,
  skip,
  state,
  tumbling,
  type KeyedStream,
  type PipelineBuilder,
  type TimedStream,
} from '@millrace/flow'
import { live } from './simulated-job.ts'

/** A record as many programs have them: an object whose type allows changes. */
interface Reading {
  n: number
  tags: string[]
  seen: Set<number>
}

const readings = (): Reading[] => [1, 2, 3].map((n) => ({ n, tags: [], seen: new Set() }))

type Use = (readings: TimedStream<Reading>) => { to(name: string, sink: Sink<unknown>): void }

/** Runs a pipeline whose records go two ways, and returns how it failed. */
async function failureOf(use: Use, sink: Sink<unknown> = memory.write()): Promise<unknown> {
  const build = (p: PipelineBuilder): void => {
    p.onError(skip())
    const all = p
      .from('readings', memory.read({ all: readings() }))
      .withTimestamps({ timestamp: ({ n }) => n })
    use(all).to('out', sink)
    all.to('other', memory.write())
  }
  const { result, events } = await live(build, { checkImmutability: true })
  expect(events.filter((event) => event.kind === 'failed' && event.restartInMs !== undefined)).toEqual([])
  return result?.outcome === 'failed' ? result.error : result
}

const keyed = (all: TimedStream<Reading>): KeyedStream<Reading, string, 'timed'> => all.keyBy(() => 'a')

const mistakes: readonly (readonly [string, string, Use])[] = [
  ['a map that changes a field', 'm', (all) => all.map((r) => ((r.n *= 10), r), { name: 'm' })],
  ['a map that changes an array', 'm', (all) => all.map((r) => (r.tags.push('x'), r), { name: 'm' })],
  ['a map that changes a set', 'm', (all) => all.map((r) => (r.seen.add(r.n), r), { name: 'm' })],
  ['a filter', 'f', (all) => all.filter((r) => (r.n = 0) === 0, { name: 'f' })],
  ['a tap', 't', (all) => all.tap((r) => r.tags.sort().reverse().unshift('x'), { name: 't' })],
  [
    'a flatMap after its first element',
    'x',
    (all) =>
      all.flatMap(
        function* (r) {
          yield r
          r.n = 7
        },
        { name: 'x' },
      ),
  ],
  ['a split', 's', (all) => all.split('s', { some: (r) => r.n++ > 1 }).rest],
  [
    'a map behind scan',
    'm',
    (all) =>
      keyed(all)
        .scan(
          'sum',
          () => ({ n: 0 }),
          (sum, { n }) => ({ n: sum.n + n }),
        )
        .map(({ value }) => ((value.n += 100), value), { name: 'm' }),
  ],
  [
    'a scan that changes what it has emitted',
    'sum',
    (all) =>
      keyed(all).scan(
        'sum',
        () => ({ n: 0 }),
        (sum, { n }) => {
          sum.n += n
          return sum
        },
      ),
  ],
  [
    'a scan that changes a map that it has emitted',
    'counts',
    (all) =>
      keyed(all).scan(
        'counts',
        () => new Map<number, number>(),
        (counts, { n }) => counts.set(n, 1),
      ),
  ],
  [
    'a reduce that changes the first record',
    'sum',
    (all) =>
      keyed(all).reduce('sum', (sum, { n }) => {
        sum.n += n
        return sum
      }),
  ],
  [
    'process that changes a value of state which it has emitted',
    'p',
    (all) =>
      keyed(all).process('p', {
        output: output<{ n: number }>(),
        state: { total: state.value<{ n: number }>() },
        onRecord({ value }, { state: { total }, emit }) {
          const sum = total.get() ?? { n: 0 }
          sum.n += value.n
          total.set(sum)
          emit(sum)
        },
      }),
  ],
  [
    'process that changes an element of a list',
    'p',
    (all) =>
      keyed(all).process('p', {
        output: output<number>(),
        state: { all: state.list<Reading>() },
        onRecord({ value: { n } }, { state, emit }) {
          state.all.add({ n, tags: [], seen: new Set() })
          emit(state.all.get()[0]!.n++)
        },
      }),
  ],
  [
    'a timer that changes what it sent to a side output',
    'p',
    (all) => {
      const sent: { n: number }[] = []
      return keyed(all).process('p', {
        outputs: { side: output<{ n: number }>() },
        onRecord({ value: { n } }, { outputs, timers }) {
          sent.push({ n })
          outputs.side.emit(sent.at(-1)!)
          timers.setEvent(n)
        },
        onTimer: () => void sent[0]!.n++,
      }).outputs.side
    },
  ],
  [
    'an aggregate that hands out its accumulator',
    'w',
    (all) =>
      all
        .keyBy(() => 'a')
        .window(tumbling(10))
        .aggregate(
          'w',
          {
            all: aggregator({
              kind: 'all',
              version: 1,
              create: (): number[] => [],
              add: (list, { n }: Reading) => (list.push(n), list),
              merge: (a, b) => [...a, ...b],
              result: (list) => list,
            }),
          },
          { allowedLateness: 100 },
        )
        .map((result) => (result.all.push(1), result), { name: 'w2' }),
  ],
  ['a call of mapAsync', 'call', (all) => all.mapAsync('call', async (r) => ((r.n = 1), r))],
]

describe('checkImmutability', () => {
  test.each(mistakes)(
    '%s: fails the job for good and names the operator, whatever the policy',
    async (_, name, use) => {
      const error = await failureOf(use)
      expect(error).toBeInstanceOf(OperatorError)
      expect(error).toMatchObject({ code: 'RECORD_MUTATED' })
      expect((error as OperatorError).operator).toMatch(new RegExp(`^${name}`))
      expect((error as OperatorError).message).toContain('records are immutable, so create a new object')
    },
  )

  test('a sink that changes a record is named', async () => {
    const changing: Sink<unknown> = {
      kind: 'changing',
      guarantee: 'at-least-once',
      open: async () => ({
        write: ({ values }) => void (values[0] as Reading).seen.add(99),
        prepare: async () => undefined,
        close: async () => {},
      }),
    }
    const error = await failureOf((all) => all, changing)
    expect(String(error)).toMatch(/'out'.*RECORD_MUTATED: it changes an instance of Set in a record/)
  })

  test('a program that makes new objects and changes only state it has not emitted is not affected', async () => {
    const sink = memory.write<unknown>()
    const build = (p: PipelineBuilder): void => {
      const all = p
        .from('readings', memory.read({ all: readings() }))
        .withTimestamps({ timestamp: ({ n }) => n })
      keyed(all)
        .process('p', {
          output: output<{ n: number; all: readonly number[] }>(),
          state: { total: state.value<{ n: number }>(), all: state.list<number>() },
          onRecord({ value }, { state, emit }) {
            const total = state.total.get() ?? { n: 0 }
            total.n += value.n
            state.total.set(total)
            state.all.add(value.n)
            emit({ ...total, all: state.all.get() })
          },
        })
        .map((total) => ({ ...total, more: true }))
        .to('out', sink)
    }
    const { result } = await live(build, { checkImmutability: true })
    expect(result).toEqual({ outcome: 'finished' })
    expect(sink.values).toEqual([
      { n: 1, all: [1], more: true },
      { n: 3, all: [1, 2], more: true },
      { n: 6, all: [1, 2, 3], more: true },
    ])
  })

  test('without it nothing is frozen', async () => {
    const all = readings()
    const { result } = await live((p) => p.from('readings', memory.read({ all })).to('out', memory.write()))
    expect(result).toEqual({ outcome: 'finished' })
    expect(all.some((reading) => Object.isFrozen(reading))).toBe(false)
  })
})
