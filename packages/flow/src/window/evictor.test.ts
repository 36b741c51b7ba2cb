import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { at, operatorHarness, operatorLives, watermark, type Happening } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meetings, runMeeting, type Item } from '../../test/meeting-trial.ts'
import { numRuns } from '../../test/table-trial.ts'
import { windowNode, type Span } from '../../test/window-trial.ts'
import type { PaneOptions } from '../stream-options.ts'
import { aggregator } from './aggregate.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { evictor, type Evictor } from './evictor.ts'
import { countWindow, globalWindow } from './global.ts'
import type { AnyWindows } from './layout.ts'
import { session } from './session.ts'
import { trigger } from './trigger.ts'
import { tumbling } from './tumbling.ts'

const aggregates = { n: count<Item>(), ids: collect(({ id }: Item) => id) }

function nodeOf(windows: AnyWindows, options: Partial<PaneOptions<Item>> | object = {}): OperatorNode {
  return windowNode((items) =>
    items
      .keyBy(({ key }) => key)
      .window(windows)
      .aggregate('w', aggregates, options as PaneOptions<Item>),
  )
}

const text = (value: unknown): string => {
  const { key, window, n, ids } = value as { key: string; window: Span; n: number; ids: readonly number[] }
  expect(n).toBe(ids.length)
  return `${key} ${window.start}..${window.end}: ${ids.join('+')}`
}

/** What comes out in all lives of an operator, which leaves nothing behind. */
function run(node: OperatorNode, input: readonly Happening<Item>[]): readonly string[] {
  const lives = operatorLives<Item>({
    create: () => node.create(),
    inputs: keysOf(node),
    outputs: node.outputs,
    input,
  })
  return lives.outputs.map(({ value }) => text(value))
}

/** A record whose id is its time. */
const come = (...times: readonly number[]): readonly Happening<Item>[] =>
  times.map((time) => at(time, { id: time, key: 'a', at: time }))

describe('evictors', () => {
  test('EN-074 before a result it is about those that stay, and those that left never come back', () => {
    const node = nodeOf(tumbling(100), {
      trigger: trigger.atEnd().early(trigger.records(3)),
      evict: evictor.count(2),
    })
    expect(run(node, [...come(1, 2, 3), ...come(4, 5, 6), ...come(7), watermark(100)])).toEqual([
      'a 0..100: 2+3',
      'a 0..100: 5+6',
      'a 0..100: 6+7',
    ])
  })

  test('EN-074 after a result it was about all records, and the next one is without those that left', () => {
    const node = nodeOf(tumbling(100), {
      trigger: trigger.atEnd().early(trigger.records(3)),
      evict: evictor.count(1, { when: 'after' }),
    })
    expect(run(node, [...come(1, 2, 3), ...come(4, 5, 6), ...come(7), watermark(100)])).toEqual([
      'a 0..100: 1+2+3',
      'a 0..100: 3+4+5+6',
      'a 0..100: 6+7',
    ])
  })

  test('by time, records leave that are so much older than the latest one, whichever came last', () => {
    const node = nodeOf(globalWindow(), { trigger: trigger.records(3), evict: evictor.time(10) })
    expect(run(node, [...come(1, 12, 2), ...come(11, 22, 13)])).toEqual(['a 12..13: 12', 'a 13..23: 22+13'])
  })

  test('by delta, records leave whose distance from the last one reaches the threshold', () => {
    const near = evictor.delta(5, (a: Item, last: Item) => Math.abs(a.id - last.id))
    const node = nodeOf(globalWindow(), { trigger: trigger.records(2), evict: near })
    expect(run(node, [...come(1, 6), ...come(7, 3), ...come(4)])).toEqual([
      'a 6..7: 6',
      'a 3..8: 6+7+3',
      'a 3..8: 6+7+3+4',
    ])
  })

  test('EN-064 a window fires and keeps its records, fires and clears them, clears them silently, or does neither', () => {
    const input = [...come(1, 2), ...come(3), ...come(4), watermark(10)]
    const firing = trigger.atEnd().early(trigger.records(2))
    expect(run(nodeOf(tumbling(10), { trigger: firing }), input)).toEqual([
      'a 0..10: 1+2',
      'a 0..10: 1+2+3+4',
      'a 0..10: 1+2+3+4',
    ])
    expect(run(nodeOf(tumbling(10), { trigger: firing, panes: 'discarding' }), input)).toEqual([
      'a 0..10: 1+2',
      'a 0..10: 3+4',
    ])
    const clears = evictor.where<Item>((_, records) => records.some(({ value }) => value.id === 2))
    expect(run(nodeOf(tumbling(10), { trigger: firing, evict: clears }), input)).toEqual([
      'a 0..10: 3+4',
      'a 0..10: 3+4',
    ])
    const never = trigger.atEnd().early(trigger.records(9))
    expect(run(nodeOf(tumbling(10), { trigger: never }), input)).toEqual(['a 0..10: 1+2+3+4'])
  })

  test('a global window without records is no state, and its next result begins anew', () => {
    const node = nodeOf(globalWindow(), { trigger: trigger.records(2), evict: evictor.where(() => true) })
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
    for (const id of [1, 2, 3]) harness.record({ id, key: 'a', at: id }, id)
    expect(harness.cells()).toEqual({ '#timers': 0, windows: 1 })
    harness.record({ id: 4, key: 'a', at: 4 }, 4)
    expect(harness.cells()).toEqual({ '#timers': 0, windows: 0 })
    expect(harness.outputs).toEqual([])
  })

  test('a session keeps the records of those that it has absorbed', () => {
    const node = nodeOf(session(5), { trigger: trigger.atEnd(), evict: evictor.time(6) })
    expect(run(node, [...come(8), ...come(0), ...come(4), watermark(100)])).toEqual(['a 0..13: 8+4'])
  })

  test('a record that an aggregate refuses fails when it comes, and changes nothing', () => {
    const picky = aggregator({
      kind: 'picky',
      version: 1,
      create: () => 0,
      add: (total: number, { id }: Item) => {
        if (id === 13) throw new Error('not 13')
        return total + id
      },
      merge: (a, b) => a + b,
      result: (total) => total,
    })
    const node = windowNode((items) =>
      items
        .keyBy(({ key }) => key)
        .window(globalWindow())
        .aggregate('w', { total: picky }, { trigger: trigger.records(2), evict: evictor.count(3) }),
    )
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node), onError: 'skip' })
    for (const id of [1, 13, 2, 3, 4]) harness.record({ id, key: 'a', at: id }, id)
    expect(harness.outputs.map(({ value }) => (value as { total: number }).total)).toEqual([3, 9])
  })

  test('that cannot be meant are refused', () => {
    const refused =
      (options: object): (() => unknown) =>
      () =>
        nodeOf(tumbling(10), options)
    expect(refused({ evict: evictor.count(1) })).toThrow(/evict needs a trigger/)
    expect(refused({ evict: evictor.count(1), emit: 'updates', trigger: trigger.atEnd() })).toThrow(
      /no table/,
    )
    expect(refused({ evict: 3, trigger: trigger.atEnd() })).toThrow(/evict is no evictor; make it with/)
    const after = evictor.count(1, { when: 'after' })
    expect(refused({ evict: after, trigger: trigger.atEnd(), panes: 'discarding' })).toThrow(
      /no record is left after a result/,
    )
    expect(() => evictor.count(0)).toThrow(/keeps 0 records; give a whole number from 1/)
    expect(() => evictor.time(0)).toThrow(/the span of an evictor must be longer than zero/)
    expect(() => evictor.count(1, { when: 'between' as 'after' })).toThrow(/when of an evictor is "between"/)
  })
})

describe('count windows that slide', () => {
  test('EN-022 keep the last records and fire with each slide, and at the end for what is left', () => {
    const node = nodeOf(countWindow(3, { slide: 2 }))
    expect(run(node, come(1, 2, 3, 4, 5, 6, 7))).toEqual([
      'a 1..3: 1+2',
      'a 2..5: 2+3+4',
      'a 4..7: 4+5+6',
      'a 5..8: 5+6+7',
    ])
    expect(() => countWindow(3, { slide: 0 })).toThrow(/has slide 0; give a whole number from 1/)
  })
})

/** What stays, by definition. */
const stays: readonly (readonly [Evictor<Item>, (records: readonly Item[]) => readonly Item[]])[] = [
  [evictor.count(3), (records) => records.filter((_, i) => i >= records.length - 3)],
  [evictor.time(9), (records) => records.filter(({ at: time }) => !records.some((r) => r.at >= time + 9))],
  [
    evictor.delta(4, (a: Item, last: Item) => Math.abs(a.id - last.id)),
    (records) => records.filter(({ id }) => Math.abs(id - records[records.length - 1]!.id) < 4),
  ],
  [evictor.where(({ value }) => value.id % 2 === 0), (records) => records.filter(({ id }) => id % 2 === 1)],
]

test('any records, batches, restarts and 1 to 4 subtasks: results with an evictor are those of a loop over each key', () => {
  const cases = fc.record({
    trial: meetings,
    which: fc.nat(stays.length - 1),
    every: fc.integer({ min: 1, max: 5 }),
    isAfter: fc.boolean(),
  })
  fc.assert(
    fc.property(cases, ({ trial, which, every, isAfter }) => {
      const [given, keep] = stays[which]!
      const evict: Evictor<Item> = { ...given, when: isAfter ? 'after' : 'before' }
      const node = nodeOf(globalWindow(), { trigger: trigger.records(every), evict })
      const arrivals = trial.arrivals.map(({ value, time, watermark: under }) => ({
        value,
        time,
        watermark: under,
      }))
      const harness = runMeeting(node, { ...trial, arrivals })
      for (const key of ['a', 'b', 'c']) {
        const expected: string[] = []
        let records: readonly Item[] = []
        let waiting = 0
        const fire = (): void => {
          waiting = 0
          if (!isAfter) records = keep(records)
          const times = records.map((record) => record.at)
          const ids = records.map(({ id }) => id).join('+')
          if (records.length > 0)
            expected.push(`${key} ${Math.min(...times)}..${Math.max(...times) + 1}: ${ids}`)
          if (isAfter) records = keep(records)
        }
        for (const { value } of arrivals.filter((arrival) => arrival.value.key === key)) {
          records = [...records, value]
          if (++waiting === every) fire()
        }
        if (waiting > 0) fire()
        const seen = harness.outputs.filter(({ value }) => (value as { key: string }).key === key)
        expect(seen.map(({ value }) => text(value))).toEqual(expected)
      }
      expect(Object.values(harness.cells()).every((size) => size === 0)).toBe(true)
    }),
    { numRuns },
  )
})
