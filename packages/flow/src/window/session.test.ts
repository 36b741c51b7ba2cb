import { memory } from '@millrace/connector-memory'
import type { Duration } from '@millrace/core'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { at, operatorHarness, operatorLives, watermark, type Happening } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meetings, runMeeting, type Item } from '../../test/meeting-trial.ts'
import { windowNode } from '../../test/window-trial.ts'
import { pipeline } from '../pipeline.ts'
import { aggregator } from './aggregate.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { session } from './session.ts'
import { trigger } from './trigger.ts'

interface Session {
  readonly key: string
  readonly window: { readonly start: number; readonly end: number }
  readonly n: number
  readonly ids: readonly number[]
}

function sessionsOf(gap: Duration | ((item: Item) => Duration), allowedLateness = 0): OperatorNode {
  const { graph } = pipeline('trial', (p) => {
    p.from('in', memory.read<Item>({}))
      .withTimestamps({ timestamp: (item) => item.at })
      .keyBy(({ key }) => key)
      .window(session(gap))
      .aggregate('sessions', { n: count(), ids: collect(({ id }: Item) => id) }, { allowedLateness })
      .to('out', memory.write())
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

const ids = (values: readonly number[]): string => values.toSorted((a, b) => a - b).join('+')

function text(value: unknown): string {
  const { key, window, n, ids: of } = value as Session
  return `${key} ${window.start}..${window.end}: ${n} of ${ids(of)}`
}

/** A run through all lives of an operator, of one key: what comes out, as text. */
function run(node: OperatorNode, input: readonly Happening<Item>[]): readonly string[] {
  const { outputs } = operatorLives<Item>({
    create: () => node.create(),
    inputs: keysOf(node),
    outputs: node.outputs,
    input,
  })
  return outputs.map(({ value }) => text(value))
}

const item = (id: number, time: number, key = 'a'): Item => ({ id, key, at: time })
const come = (...times: readonly number[]): readonly Happening<Item>[] =>
  times.map((time) => at(time, item(time, time)))

describe('session windows', () => {
  test('any order of arrival, batches, restarts and parallelism give the sessions of the data, and no state is left', () => {
    const gaps = fc.record({
      gap: fc.integer({ min: 1, max: 12 }),
      isOwn: fc.boolean(),
      lateness: fc.constantFrom(0, 0, 5),
    })
    fc.assert(
      fc.property(meetings, gaps, (trial, { gap, isOwn, lateness }) => {
        const gapOf = ({ id }: Item): number => (isOwn ? gap + (id % 3) * 4 : gap)
        const expected = ['a', 'b', 'c'].flatMap((key) => {
          const own = [...trial.left, ...trial.right].filter((each) => each.key === key)
          const open: { start: number; end: number; ids: number[] }[] = []
          for (const each of own.toSorted((a, b) => a.at - b.at)) {
            const last = open.at(-1)
            if (last === undefined || each.at > last.end)
              open.push({ start: each.at, end: each.at + gapOf(each), ids: [each.id] })
            else {
              last.end = Math.max(last.end, each.at + gapOf(each))
              last.ids.push(each.id)
            }
          }
          return open.map(
            ({ start, end, ids: of }) => `${key} ${start}..${end}: ${of.length} of ${ids(of)} at ${end}`,
          )
        })
        const arrivals = trial.arrivals.map(({ value, time, watermark: under }) => ({
          value,
          time,
          watermark: under,
        }))
        const harness = runMeeting(sessionsOf(isOwn ? gapOf : gap, lateness), { ...trial, arrivals })
        expect(harness.outputs.map(({ value, time }) => `${text(value)} at ${time}`).toSorted()).toEqual(
          expected.toSorted(),
        )
        expect(harness.cells()).toEqual({ '#timers': 0, windows: 0 })
      }),
    )
  })

  test('EN-029 records within the gap of one another are one session', () => {
    expect(run(sessionsOf(10), come(1, 2, 5, 9, 100, 101))).toEqual([
      'a 1..19: 4 of 1+2+5+9',
      'a 100..111: 2 of 100+101',
    ])
  })

  test('EN-030 EN-044 records out of order extend a session backward as they do forward', () => {
    expect(run(sessionsOf(10), come(1, 15, 30, 100, 101, 95, 22, 10))).toEqual([
      'a 1..40: 5 of 1+10+15+22+30',
      'a 95..111: 3 of 95+100+101',
    ])
    expect(run(sessionsOf(10), come(20, 10))).toEqual(['a 10..30: 2 of 10+20'])
  })

  test('EN-031 records exactly a gap apart are one session, also when the watermark has come up to its end', () => {
    expect(run(sessionsOf(10), come(0, 10))).toEqual(['a 0..20: 2 of 0+10'])
    expect(run(sessionsOf(10), [...come(0), watermark(10), ...come(10), watermark(50)])).toEqual([
      'a 0..20: 2 of 0+10',
    ])
    expect(run(sessionsOf(10), come(0, 11))).toEqual(['a 0..10: 1 of 0', 'a 11..21: 1 of 11'])
  })

  test('EN-032 EN-033 a record between two sessions merges them into one with one state and one result', () => {
    const node = sessionsOf(5)
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
    for (const time of [10, 12, 20]) harness.record(item(time, time), time)
    expect(harness.cells()).toEqual({ '#timers': 0, windows: 2 })
    harness.record(item(16, 16), 16)
    expect(harness.cells()).toEqual({ '#timers': 0, windows: 1 })
    harness.watermark(100)
    expect(harness.outputs.map(({ value }) => text(value))).toEqual(['a 10..25: 4 of 10+12+16+20'])
    expect(harness.cells()).toEqual({ '#timers': 0, windows: 0 })
  })

  test('EN-035 EN-036 an old record that reaches a session that is still there is not late, alone it is', () => {
    const node = sessionsOf(10)
    const harness = operatorHarness<Item>(() => node.create(), {
      inputs: keysOf(node),
      outputs: node.outputs,
    })
    harness.record(item(20, 20), 20)
    harness.watermark(25)
    harness.record(item(11, 11), 11)
    harness.record(item(5, 5), 5)
    expect(harness.side('late')).toEqual([])
    harness.record(item(-6, -6), -6)
    harness.record({ id: 7, key: 'b', at: 5 }, 5)
    expect(harness.side('late').map(({ value }) => (value as Item).id)).toEqual([-6, 7])
    harness.end()
    expect(harness.outputs.map(({ value }) => text(value))).toEqual(['a 5..30: 3 of 5+11+20'])
    expect(harness.counted('late')).toBe(2)
  })

  test('EN-039 a condition that cannot merge is refused when the pipeline is built', () => {
    const unmergeable = { ...count<Item>(), merge: undefined as never }
    const isEnough = trigger.when(unmergeable, (n) => n > 5)
    const build = (): OperatorNode =>
      windowNode((items) =>
        items.window(session(5)).aggregate('w', { n: count() }, { trigger: trigger.atEnd().early(isEnough) }),
      )
    expect(build).toThrow("merge of aggregate 'condition 1' of 'w' needs a function and is given undefined")
  })

  test('EN-040 a gap that is not longer than zero is refused', () => {
    expect(() => session(0)).toThrow('gap must be longer than zero')
    expect(() => session('soon')).toThrow('gap is "soon", which is not a duration')
    expect(() => session(1.5)).toThrow('gap is 1.5 ms; windows have whole milliseconds')
    const node = sessionsOf(({ id }) => id)
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
    expect(() => harness.record(item(0, 0), 0)).toThrow('the gap of a session must be longer than zero')
  })

  test('EN-041 gaps may differ from record to record', () => {
    const node = sessionsOf(({ id }) => (id === 1 ? 30 : 5))
    expect(run(node, [at(0, item(1, 0)), at(29, item(2, 29)), at(40, item(3, 40))])).toEqual([
      'a 0..34: 2 of 1+2',
      'a 40..45: 1 of 3',
    ])
  })

  test('EN-042 EN-043 EN-045 sessions of two keys never merge, and a record within one changes only its figures', () => {
    expect(
      run(sessionsOf(10), [at(0, item(1, 0)), at(8, item(2, 8)), at(4, item(3, 4)), at(4, item(4, 4, 'b'))]),
    ).toEqual(['b 4..14: 1 of 4', 'a 0..18: 3 of 1+2+3'])
  })

  test('EN-051 EN-055 EN-057 with allowed lateness a late record emits its session anew, extends it, and merges two that have ended', () => {
    const node = sessionsOf(10, 50)
    const harness = operatorHarness<Item>(() => node.create(), {
      inputs: keysOf(node),
      outputs: node.outputs,
    })
    const results = () => harness.outputs.map(({ value }) => text(value)).slice(seen)
    let seen = 0
    harness.record(item(0, 0), 0)
    harness.record(item(20, 20), 20)
    harness.watermark(35)
    expect(results()).toEqual(['a 0..10: 1 of 0', 'a 20..30: 1 of 20'])
    seen = 2
    harness.record(item(10, 10), 10)
    expect(results()).toEqual(['a 0..30: 3 of 0+10+20'])
    seen = 3
    // In time, and within the gap: the session continues.
    harness.record(item(30, 30), 30)
    expect(results()).toEqual([])
    harness.watermark(41)
    expect(results()).toEqual(['a 0..40: 4 of 0+10+20+30'])
    harness.watermark(90)
    expect(harness.cells()['windows']).toBe(1)
    harness.watermark(91)
    expect(harness.cells()['windows']).toBe(0)
    harness.record(item(31, 31), 31)
    expect(harness.side('late').length).toBe(1)
    expect(results().length).toBe(1)
  })

  test('a record on which an aggregate throws leaves two sessions as they were', () => {
    const { graph } = pipeline('trial', (p) => {
      p.from('in', memory.read<Item>({}))
        .withTimestamps({ timestamp: (each) => each.at })
        .keyBy(({ key }) => key)
        .window(session(5))
        .aggregate('sessions', {
          n: count(),
          ids: aggregator({
            kind: 'ids',
            version: 1,
            create: (): number[] => [],
            add: (all, { id }: Item) => {
              all.push(id)
              if (id === 4) throw new Error('not 4')
              return all
            },
            merge: (a, b) => {
              a.push(...b)
              return a
            },
            result: (all) => [...all],
          }),
        })
        .to('out', memory.write())
    }).describe()
    const node = graph.nodes.find((each): each is OperatorNode => each.kind === 'operator')!
    const { outputs } = operatorLives<Item>({
      create: () => node.create(),
      inputs: keysOf(node),
      onError: 'skip',
      input: come(0, 8, 4, 9),
    })
    expect(outputs.map(({ value }) => text(value))).toEqual(['a 0..5: 1 of 0', 'a 8..14: 2 of 8+9'])
  })
})
