import { memory, type MemorySink } from '@millrace/connector-memory'
import type { Key } from '@millrace/core'
import type { OperatorNode } from '@millrace/core/graph'
import {
  at,
  clock,
  operatorHarness,
  operatorLives,
  watermark,
  type Happening,
  type OperatorHarness,
} from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import type { KeyedValue, TimedStream } from '../stream.ts'
import { pipeline } from '../pipeline.ts'
import { output } from './process.ts'
import { state } from './state-spec.ts'

interface Step {
  readonly key: string
  readonly n: number
}

/** The first operator of a pipeline, as the engine would run it. */
function operatorOf(
  build: (steps: TimedStream<Step>) => { to(name: string, sink: MemorySink<unknown>): void },
): OperatorNode {
  const { graph } = pipeline('test', (p) => {
    const steps = p.from('in', memory.read<Step>({})).withTimestamps({ timestamp: () => 0 })
    build(steps).to('out', memory.write())
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

function optionsOf({ name, outputs, inputs }: OperatorNode) {
  const { exchange } = inputs[0]
  return { name, outputs, ...(exchange.kind === 'key' ? { keyBy: exchange.by as (step: Step) => Key } : {}) }
}

/** Runs an operator under all variations of the harness. */
function lives(node: OperatorNode, input: readonly Happening<Step>[]): OperatorHarness<Step> {
  return operatorLives<Step>({ create: node.create, ...optionsOf(node), input, keepsState: true })
}

const a = (time: number, n: number) => at(time, { key: 'a', n })
const b = (time: number, n: number) => at(time, { key: 'b', n })
const values = (harness: OperatorHarness<Step>, side = 'main') => harness.side(side).map(({ value }) => value)

describe('reduce', () => {
  test('emits each key with the combination of its records so far, at the time of the record', () => {
    const node = operatorOf((steps) =>
      steps.keyBy(({ key }) => key).reduce('sum', (x, y) => ({ key: x.key, n: x.n + y.n })),
    )
    expect(lives(node, [a(1, 1), b(2, 2), a(3, 4), watermark(5), b(1, 8)]).outputs).toEqual([
      { value: { key: 'a', value: { key: 'a', n: 1 } }, time: 1 },
      { value: { key: 'b', value: { key: 'b', n: 2 } }, time: 2 },
      { value: { key: 'a', value: { key: 'a', n: 5 } }, time: 3 },
      { value: { key: 'b', value: { key: 'b', n: 10 } }, time: 1 },
    ])
  })

  test('EN-185 EN-186 different keys of any type have different state', () => {
    const keys: readonly (readonly Key[])[] = [
      [1, 1],
      ['1'],
      [1n, 1n],
      [Number.NaN, Number.NaN],
      [0, -0],
      ['0'],
      [true],
      ['true'],
      [null, null],
      ['null'],
      [''],
      ['__proto__', '__proto__'],
      ['constructor'],
      ['toString'],
      [
        ['a', 1],
        ['a', 1],
      ],
      [['a', '1']],
      [
        { x: 1, y: 2 },
        { y: 2, x: 1 },
      ],
      [new Uint8Array([255]), new Uint8Array([255])],
      [new Uint8Array([254])],
      ['\ud800'],
      ['\udfff'],
    ]
    const node = operatorOf((steps) =>
      steps
        .map(({ n }) => n)
        .keyBy((n) => n)
        .reduce('sum', (x, y) => x + y),
    )
    const harness = operatorHarness<readonly [Key, number]>(
      () => {
        const inner = node.create()
        return {
          ...inner,
          open: (context) => inner.open?.(context),
          process: ({ value, ...rest }, out) => inner.process({ ...rest, value: value[1] }, out, 0),
        }
      },
      { keyBy: ([key]) => key },
    )
    for (const group of keys) for (const key of group) harness.record([key, 1])
    harness.snapshotAndRestore(3)
    for (const [key] of keys) harness.record([key!, 1])
    const expected = keys.flatMap((group) => group.map((_, i) => i + 1))
    expect(harness.outputs.map(({ value }) => (value as KeyedValue<Key, number>).value)).toEqual([
      ...expected,
      ...keys.map((group) => group.length + 1),
    ])
    expect(harness.cells()).toMatchObject({ total: keys.length })
  })

  test('an undefined result of combine is a value', () => {
    const node = operatorOf((steps) =>
      steps
        .map((step): number | undefined => step.n)
        .keyBy(() => 'all')
        .reduce('odd', (x, y) => (x === undefined ? y : undefined)),
    )
    const harness = operatorHarness<number>(node.create, { keyBy: () => 'all' })
    for (const n of [1, 2, 3, 4]) harness.record(n)
    expect(harness.outputs.map(({ value }) => value)).toEqual(
      [1, undefined, 3, undefined].map((value) => ({ key: 'all', value })),
    )
  })
})

describe('scan', () => {
  test('keeps a value for each key, and emits it with the key', () => {
    const node = operatorOf((steps) =>
      steps
        .keyBy(({ key }) => key)
        .scan(
          'path',
          () => '',
          (path, { n }) => `${path}/${n}`,
        ),
    )
    expect(values(lives(node, [a(1, 1), b(2, 2), a(3, 4), b(4, 8)]))).toEqual([
      { key: 'a', value: '/1' },
      { key: 'b', value: '/2' },
      { key: 'a', value: '/1/4' },
      { key: 'b', value: '/2/8' },
    ])
  })
})

describe('split', () => {
  const node = operatorOf(
    (steps) => steps.split('parts', { big: ({ n }) => n > 10, even: ({ n }) => n % 2 === 0 }).rest,
  )

  test('sends each record to the first output whose test it passes, or to the rest', () => {
    const harness = lives(node, [a(1, 12), a(2, 4), b(3, 3), b(4, 11)])
    expect(harness.side('big')).toEqual([
      { value: { key: 'a', n: 12 }, time: 1 },
      { value: { key: 'b', n: 11 }, time: 4 },
    ])
    expect(values(harness, 'even')).toEqual([{ key: 'a', n: 4 }])
    expect(values(harness)).toEqual([{ key: 'b', n: 3 }])
  })

  test('needs no key', () => {
    expect(node.inputs[0].exchange).toEqual({ kind: 'forward' })
    expect(node.fingerprint).toBeUndefined()
  })
})

describe('process', () => {
  const sessions = operatorOf((steps) =>
    steps
      .keyBy(({ key }) => key)
      .process('quiet', {
        output: output<{ key: string; path: readonly number[] }>(),
        outputs: { first: output<string>() },
        state: {
          until: state.value<number>(),
          path: state.list<number>(),
          seen: state.map<number, number>(),
        },
        onRecord({ key, value, time }, { state: { until, path, seen }, outputs, timers }) {
          if (until.get() === undefined) outputs.first.emit(key)
          else timers.deleteEvent(until.get()!)
          until.set(time + 10)
          timers.setEvent(time + 10)
          path.add(value.n)
          seen.set(value.n, (seen.get(value.n) ?? 0) + 1)
        },
        onTimer(timer, { state: { until, path, seen }, emit }) {
          emit({ key: timer.key, path: path.get().map((n) => n * seen.get(n)!) })
          until.clear()
          path.clear()
          seen.clear()
        },
      }),
  )

  test('has state, side outputs and event timers for each key', () => {
    const harness = operatorLives<Step>({
      create: sessions.create,
      ...optionsOf(sessions),
      input: [a(1, 1), b(2, 2), a(5, 3), a(6, 3), watermark(12), a(16, 4), watermark(16)],
    })
    expect(harness.outputs).toEqual([
      { value: { key: 'b', path: [2] }, time: 12 },
      { value: { key: 'a', path: [1, 6, 6, 4] }, time: 26 },
    ])
    expect(harness.side('first')).toEqual([
      { value: 'a', time: 1 },
      { value: 'b', time: 2 },
    ])
  })

  test('EN-109 a timer can read state, and emits at its own time', () => {
    const harness = operatorHarness<Step>(sessions.create, optionsOf(sessions))
    harness.record({ key: 'a', n: 7 }, 3)
    harness.watermark(12)
    expect(harness.outputs).toEqual([])
    expect(harness.cells()).toEqual({ '#timers': 1, until: 1, path: 1, seen: 1 })
    harness.watermark(13)
    expect(harness.outputs).toEqual([{ value: { key: 'a', path: [7] }, time: 13 }])
    expect(harness.cells()).toEqual({ '#timers': 0, until: 0, path: 0, seen: 0 })
  })

  test('marks late records, and neither timers nor the end', () => {
    const node = operatorOf((steps) =>
      steps
        .keyBy(({ key }) => key)
        .process('late', {
          output: output<unknown>(),
          state: { seen: state.value<true>() },
          onRecord({ value }, { isLate, emit, timers, state: { seen } }) {
            emit([value.n, isLate()])
            timers.setEvent(20)
            seen.set(true)
          },
          onTimer: ({ time }, { isLate, emit }) => emit([time, isLate()]),
          onEnd: (_, { isLate, emit, state: { seen } }) => {
            seen.clear()
            emit(['end', isLate()])
          },
        }),
    )
    const input = [a(5, 1), watermark(10), a(10, 2), a(9, 3)]
    const seen = lives(node, input).outputs.map(({ value }) => (value as [unknown, boolean]).join(' '))
    expect(seen).toEqual(['1 false', '2 false', '3 true', '20 false', 'end false'])
  })

  test('has the clock, the watermark and emitAt', () => {
    const node = operatorOf((steps) =>
      steps
        .keyBy(({ key }) => key)
        .process('clocked', {
          output: output<readonly unknown[]>(),
          onRecord({ time }, { timers, now, emitAt, watermark: current }) {
            timers.setProcessing(now() + 5, 'soon')
            emitAt(time + 1, [now(), current()])
          },
          onTimer({ key, name, domain, time }, context) {
            context.emit([key, name, domain, time, context.now()])
          },
        }),
    )
    const input = [clock(100), watermark(3), a(4, 1), clock(104), clock(105), clock(200)]
    expect(lives(node, input).outputs).toEqual([
      { value: [100, 3], time: 5 },
      { value: ['a', 'soon', 'processing', 105, 105], time: 3 },
    ])
  })
})

describe('records that fail', () => {
  const poison = (n: number) => {
    if (n === 2) throw new Error('not 2')
  }
  const running = (
    policy: 'skip' | 'deadLetter',
    build: Parameters<typeof operatorOf>[0],
  ): OperatorHarness<Step> => {
    const node = operatorOf(build)
    return operatorHarness<Step>(() => node.create(), { ...optionsOf(node), onError: policy })
  }

  test.each(['skip', 'deadLetter'] as const)(
    '%s: process leaves no emission, state or timer of a failed record',
    (policy) => {
      const harness = running(policy, (steps) =>
        steps
          .keyBy(({ key }) => key)
          .process('p', {
            output: output<string>(),
            outputs: { side: output<number>() },
            state: {
              n: state.value<number>(),
              all: state.list<number>(),
              last: state.value<{ n: number }>(),
            },
            onRecord({ value: { n } }, { state: { n: count, all, last }, emit, outputs, timers }) {
              emit(`half ${n}`)
              outputs.side.emit(n)
              count.set((count.get() ?? 0) + 1)
              all.add(n)
              const before = last.get() ?? { n }
              before.n = n
              last.set(before)
              timers.deleteEvent(10 + n - 1)
              timers.setEvent(10 + n)
              poison(n)
              emit(`count ${count.get()}, all ${all.get().join(' ')}, last ${last.get()!.n}`)
            },
            onTimer: ({ time }, { emit }) => emit(`timer ${time}`),
          }),
      )
      for (const n of [1, 2, 4]) harness.record({ key: 'a', n }, n)
      harness.end()
      expect(values(harness)).toEqual([
        'half 1',
        'count 1, all 1, last 1',
        'half 4',
        'count 2, all 1 4, last 4',
        'timer 11',
        'timer 14',
      ])
      expect(values(harness, 'side')).toEqual([1, 4])
    },
  )

  test('scan, reduce and split ignore failed records', () => {
    const scan = running('skip', (steps) =>
      steps
        .keyBy(({ key }) => key)
        .scan(
          'sum',
          () => 0,
          (total, { n }) => {
            poison(n)
            return total + n
          },
        ),
    )
    const reduce = running('skip', (steps) =>
      steps
        .keyBy(({ key }) => key)
        .reduce('sum', (x, y) => {
          poison(y.n)
          return { key: x.key, n: x.n + y.n }
        }),
    )
    const split = running(
      'skip',
      (steps) =>
        steps.split('s', {
          small: ({ n }) => {
            poison(n)
            return n < 4
          },
        }).rest,
    )
    for (const harness of [scan, reduce, split]) {
      for (const n of [1, 2, 4]) harness.record({ key: 'a', n }, n)
    }
    expect(values(scan)).toEqual([
      { key: 'a', value: 1 },
      { key: 'a', value: 5 },
    ])
    expect(values(reduce)).toEqual([
      { key: 'a', value: { key: 'a', n: 1 } },
      { key: 'a', value: { key: 'a', n: 5 } },
    ])
    expect([values(split, 'small'), values(split)]).toEqual([[{ key: 'a', n: 1 }], [{ key: 'a', n: 4 }]])
  })
})

describe('process: an emitted list', () => {
  test('does not change when the list of its key does', () => {
    const node = operatorOf((steps) =>
      steps
        .keyBy(({ key }) => key)
        .process('trail', {
          output: output<readonly number[]>(),
          state: { trail: state.list<number>() },
          onRecord({ value }, { state: { trail }, emit }) {
            trail.add(value.n)
            emit(trail.get())
          },
        }),
    )
    expect(values(lives(node, [a(1, 1), a(2, 2), a(3, 3)]))).toEqual([[1], [1, 2], [1, 2, 3]])
  })
})
