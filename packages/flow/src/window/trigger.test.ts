import type { OperatorNode } from '@millrace/core/graph'
import { keysOf } from '@millrace/core/graph'
import { at, clock, operatorHarness, operatorLives, watermark, type Happening } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import type { Item } from '../../test/meeting-trial.ts'
import { windowNode, type Span } from '../../test/window-trial.ts'
import type { PaneOptions } from '../stream-options.ts'
import { aggregator } from './aggregate.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { countWindow, globalWindow } from './global.ts'
import type { AnyWindows } from './layout.ts'
import type { Pane } from './pane.ts'
import { session } from './session.ts'
import { sliding } from './sliding.ts'
import { sum } from './sum.ts'
import { trigger } from './trigger.ts'
import { tumbling } from './tumbling.ts'

const allIds = { ids: collect(({ id }: Item) => id) }

function nodeOf(
  windows: AnyWindows,
  options: PaneOptions<Item> | { readonly emit: 'final' } | object,
): OperatorNode {
  return windowNode((items) =>
    items
      .keyBy(({ key }) => key)
      .window(windows)
      .aggregate('w', allIds, options as PaneOptions<Item>),
  )
}

/** `1+2 early 0 first`: the ids of a pane, its timing and number, and whether it is the first or last one. */
function text(value: unknown): string {
  const { key, window, pane, ids } = value as {
    key: string
    window: Span
    pane?: Pane
    ids: readonly number[]
  }
  const of = `${key} ${window.start}..${window.end}: ${ids.join('+')}`
  if (pane === undefined) return of
  const { timing, index, isFirst, isLast } = pane
  expect(isFirst).toBe(index === 0)
  return `${of} ${timing} ${index}${isLast ? ' last' : ''}`
}

/** What comes out in all lives of an operator: in batches, restored after each step, at another parallelism. */
function run(node: OperatorNode, input: readonly Happening<Item>[]): readonly string[] {
  const harness = operatorLives<Item>({
    create: () => node.create(),
    inputs: keysOf(node),
    outputs: node.outputs,
    input,
  })
  return harness.outputs.map(({ value }) => text(value))
}

/** A record whose id is its time. */
const come = (...times: readonly number[]): readonly Happening<Item>[] =>
  times.map((time) => at(time, { id: time, key: 'a', at: time }))

const item = (id: number, time: number, key = 'a'): Happening<Item> => at(time, { id, key, at: time })

describe('the trigger of a window', () => {
  test('EN-071 a count begins anew after each pane', () => {
    const node = nodeOf(tumbling(10), { trigger: trigger.atEnd().early(trigger.records(2)) })
    expect(run(node, [...come(1, 2, 3), ...come(4, 5), watermark(20)])).toEqual([
      'a 0..10: 1+2 early 0',
      'a 0..10: 1+2+3+4 early 1',
      'a 0..10: 1+2+3+4+5 onTime 2 last',
    ])
  })

  test('EN-072 EN-075 EN-111 panes of event time come at multiples of the period, once each, and only with new records', () => {
    const node = nodeOf(tumbling(100), { trigger: trigger.atEnd().early(trigger.every(10)) })
    const input = [
      ...come(3, 4),
      watermark(9),
      ...come(11),
      watermark(15),
      watermark(60),
      ...come(61),
      watermark(69),
    ]
    expect(run(node, input)).toEqual([
      'a 0..100: 3+4+11 early 0',
      'a 0..100: 3+4+11+61 early 1',
      'a 0..100: 3+4+11+61 onTime 2 last',
    ])
  })

  test('EN-073 EN-053 early, on-time and late panes combine, and say which they are', () => {
    const node = nodeOf(tumbling(10), {
      trigger: trigger.atEnd().early(trigger.records(2)).late(trigger.records(2)),
      allowedLateness: 20,
    })
    const input = [...come(1, 2, 3), watermark(10), ...come(4), ...come(5, 6), watermark(30), watermark(40)]
    expect(run(node, input)).toEqual([
      'a 0..10: 1+2 early 0',
      'a 0..10: 1+2+3 onTime 1',
      'a 0..10: 1+2+3+4+5 late 2',
      'a 0..10: 1+2+3+4+5+6 late 3 last',
    ])
  })

  test('EN-052 EN-068 a discarding trigger emits new records only, and nothing without any', () => {
    const node = nodeOf(tumbling(10), {
      trigger: trigger.atEnd().early(trigger.records(2)),
      panes: 'discarding',
      allowedLateness: 20,
    })
    expect(run(node, [...come(1, 2), watermark(10), ...come(3), watermark(40)])).toEqual([
      'a 0..10: 1+2 early 0',
      'a 0..10: 3 late 1',
    ])
  })

  test('EN-054 a watermark that passes the end and the lateness at once gives one pane, the first and the last', () => {
    const node = nodeOf(tumbling(10), { trigger: trigger.atEnd(), allowedLateness: 20 })
    expect(run(node, [...come(1), watermark(1000)])).toEqual(['a 0..10: 1 onTime 0 last'])
  })

  test('EN-051 EN-066 a record of a window that is over is emitted at once, within the lateness', () => {
    const node = nodeOf(tumbling(10), { trigger: trigger.atEnd(), allowedLateness: 20 })
    expect(
      run(node, [
        ...come(1),
        watermark(10),
        ...come(3),
        watermark(29),
        ...come(5),
        watermark(30),
        ...come(7),
      ]),
    ).toEqual(['a 0..10: 1 onTime 0', 'a 0..10: 1+3 late 1', 'a 0..10: 1+3+5 late 2'])
    // The first pane of a window may be a late one.
    expect(run(node, [watermark(12), ...come(3)])).toEqual(['a 0..10: 3 late 0'])
  })

  test('EN-055 EN-056 EN-067 state is kept until the lateness is over, also of a window whose records are discarded', () => {
    for (const panes of ['accumulating', 'discarding'] as const) {
      const node = nodeOf(tumbling(10), { trigger: trigger.atEnd(), panes, allowedLateness: 20 })
      const harness = operatorHarness<Item>(() => node.create(), {
        inputs: keysOf(node),
        outputs: node.outputs,
      })
      harness.record({ id: 1, key: 'a', at: 1 }, 1)
      harness.watermark(29)
      expect(harness.cells()).toEqual({ '#timers': 0, windows: 1 })
      harness.watermark(30)
      expect(harness.cells()).toEqual({ '#timers': 0, windows: 0 })
    }
  })

  test('EN-065 EN-034 a condition takes each record once in each window, and what it has taken merges with sessions', () => {
    const seen: number[] = []
    const spy = aggregator({
      kind: 'spy',
      version: 1,
      create: () => 0,
      add: (n: number, { id }: Item) => {
        seen.push(id)
        return n + id
      },
      merge: (a, b) => a + b,
      result: (n) => n,
    })
    const isEnough = trigger.when(spy, (total) => total >= 10)
    const whole = nodeOf(sliding({ size: 10, slide: 5 }), { trigger: trigger.atEnd().early(isEnough) })
    const harness = operatorHarness<Item>(() => whole.create(), {
      inputs: keysOf(whole),
      outputs: whole.outputs,
    })
    harness.record({ id: 7, key: 'a', at: 7 }, 7)
    expect(seen).toEqual([7, 7])
    const merging = nodeOf(session(5), { trigger: trigger.atEnd().early(isEnough) })
    expect(run(merging, [item(4, 0), item(3, 8), item(3, 4), watermark(30)])).toEqual([
      'a 0..13: 4+3+3 early 0',
      'a 0..13: 4+3+3 onTime 1 last',
    ])
  })

  test('EN-037 a session whose records were discarded still meets others, until it is dropped', () => {
    const node = nodeOf(session(5), {
      trigger: trigger.atEnd().early(trigger.records(2)),
      panes: 'discarding',
    })
    expect(run(node, [...come(0, 4), ...come(8), ...come(30), watermark(100)])).toEqual([
      'a 0..9: 0+4 early 0',
      'a 0..13: 8 onTime 1 last',
      'a 30..35: 30 onTime 0 last',
    ])
  })

  test('EN-070 the state of a trigger is that of a key and window, and survives a restart', () => {
    const node = nodeOf(tumbling(10), {
      trigger: trigger.atEnd().early(
        trigger.when(
          sum(({ id }: Item) => id),
          (total) => total > 5,
        ),
      ),
    })
    const input = [
      item(1, 1),
      item(4, 1, 'b'),
      item(3, 2),
      item(2, 12),
      item(2, 2),
      item(1, 3, 'b'),
      item(4, 13),
      watermark(30),
    ]
    expect(run(node, input)).toEqual([
      'a 0..10: 1+3+2 early 0',
      'a 10..20: 2+4 early 0',
      'a 0..10: 1+3+2 onTime 1 last',
      'b 0..10: 4+1 onTime 0 last',
      'a 10..20: 2+4 onTime 1 last',
    ])
  })

  test('composite triggers fire when one or all of their parts do', () => {
    const any = nodeOf(globalWindow(), {
      trigger: trigger.any(trigger.records(2), trigger.after(10)),
      panes: 'discarding',
    })
    expect(run(any, [...come(1, 2, 3), watermark(12), watermark(13), ...come(14)])).toEqual([
      'a 1..3: 1+2 early 0',
      'a 3..4: 3 early 0',
      'a 14..15: 14 early 0 last',
    ])
    const all = nodeOf(globalWindow(), {
      trigger: trigger.all(trigger.records(2), trigger.after(10)),
      panes: 'discarding',
    })
    expect(run(all, [...come(1), watermark(11), ...come(12, 13), watermark(40)])).toEqual([
      'a 1..13: 1+12 early 0',
      'a 13..14: 13 onTime 0 last',
    ])
  })
})

describe('triggers by the clock', () => {
  const node = nodeOf(tumbling(100), {
    trigger: trigger.atEnd().early(trigger.after(10, { clock: 'processing' })),
  })

  test('EN-069 fire so long after the first record since the last pane, also after a restart', () => {
    expect(
      run(node, [
        clock(5),
        ...come(1),
        clock(14),
        ...come(2),
        clock(15),
        clock(30),
        ...come(3),
        clock(39),
        clock(40),
      ]),
    ).toEqual(['a 0..100: 1+2 early 0', 'a 0..100: 1+2+3 early 1', 'a 0..100: 1+2+3 onTime 2 last'])
  })

  test('EN-060 EN-061 emit nothing for a window that is gone, and leave no timer behind', () => {
    const harness = operatorHarness<Item>(() => node.create(), {
      inputs: keysOf(node),
      outputs: node.outputs,
    })
    harness.record({ id: 1, key: 'a', at: 1 }, 1)
    expect(harness.cells()).toEqual({ '#timers': 1, windows: 1 })
    harness.watermark(100)
    expect(harness.cells()).toEqual({ '#timers': 0, windows: 0 })
    harness.processingTime(50)
    expect(harness.outputs.map(({ value }) => text(value))).toEqual(['a 0..100: 1 onTime 0 last'])
  })

  test('EN-033 sessions that merge have one timer, the earliest', () => {
    const sessions = nodeOf(session(5), { trigger: trigger.after(10, { clock: 'processing' }) })
    const harness = operatorHarness<Item>(() => sessions.create(), {
      inputs: keysOf(sessions),
      outputs: sessions.outputs,
    })
    const record = (id: number, now: number): void => {
      harness.processingTime(now)
      harness.record({ id, key: 'a', at: id }, id)
    }
    record(8, 0)
    record(0, 2)
    expect(harness.cells()).toEqual({ '#timers': 2, windows: 2 })
    record(4, 4)
    expect(harness.cells()).toEqual({ '#timers': 1, windows: 1 })
    expect(harness.nextProcessing).toBe(10)
    harness.processingTime(10)
    expect(harness.outputs.map(({ value }) => text(value))).toEqual(['a 0..13: 0+8+4 early 0'])
    harness.end()
    expect(harness.cells()).toEqual({ '#timers': 0, windows: 0 })
  })
})

describe('windows that never end', () => {
  test('EN-023 need a trigger, and set no timer for their end', () => {
    const needs = /windows that never end need a trigger that does not wait for the end/
    expect(() => nodeOf(globalWindow(), {})).toThrow(needs)
    expect(() => nodeOf(globalWindow(), { trigger: trigger.atEnd() })).toThrow(needs)
    expect(() => nodeOf(globalWindow(), { emit: 'final' })).toThrow(/are never final/)
    const node = nodeOf(globalWindow(), { trigger: trigger.records(2) })
    expect(run(node, [...come(5, 1), watermark(1e9), ...come(9)])).toEqual([
      'a 1..6: 5+1 early 0',
      'a 1..10: 5+1+9 onTime 1 last',
    ])
  })

  test('EN-021 a count window is emitted with its last record, and keeps nothing', () => {
    const node = nodeOf(countWindow(2), {})
    const harness = operatorHarness<Item>(() => node.create(), {
      inputs: keysOf(node),
      outputs: node.outputs,
    })
    for (const id of [3, 1]) harness.record({ id, key: 'a', at: id }, id)
    harness.watermark(100)
    harness.record({ id: 2, key: 'a', at: 2 }, 2)
    expect(harness.outputs).toEqual([
      { value: { key: 'a', window: { start: 1, end: 4 }, ids: [3, 1] }, time: 3 },
    ])
    expect(harness.cells()).toEqual({ '#timers': 0, windows: 1 })
    expect(harness.counted('late')).toBe(0)
    expect(() => countWindow(0)).toThrow(/has size 0; give a whole number from 1/)
    expect(() => nodeOf(countWindow(2), { trigger: trigger.eachRecord() })).toThrow(
      /have a trigger of their own/,
    )
  })
})

describe('a record on which an aggregate throws', () => {
  test('leaves all windows, panes and triggers as they were', () => {
    const picky = aggregator({
      kind: 'picky',
      version: 1,
      create: (): number[] => [],
      add: (ids, { id }: Item) => {
        ids.push(id)
        if (id === 13) throw new Error('not 13')
        return ids
      },
      merge: (a, b) => {
        a.push(...b)
        return a
      },
      result: (ids) => [...ids],
    })
    for (const windows of [sliding({ size: 10, slide: 5 }), session(4)]) {
      const node = windowNode((items) =>
        items
          .keyBy(({ key }) => key)
          .window(windows)
          .aggregate(
            'w',
            { n: count<Item>(), ids: picky },
            { trigger: trigger.atEnd().early(trigger.records(2)) },
          ),
      )
      const lives = (input: readonly Happening<Item>[]) =>
        operatorLives<Item>({ create: () => node.create(), inputs: keysOf(node), onError: 'skip', input })
          .outputs
      const others = [item(1, 1), item(2, 8), item(3, 2), item(4, 5)]
      expect(lives([...others.slice(0, 2), item(13, 4), ...others.slice(2)])).toEqual(lives(others))
    }
  })
})

describe('options of windows', () => {
  test.each([
    [{ trigger: 'eachRecord' }, /the trigger is not one; make it with the functions of trigger/],
    [{ emit: 'last' }, /emit of 'w' is "last"; it must be 'final' or 'updates'/],
    [{ panes: 'retracting' }, /panes of 'w' is "retracting"/],
    [{ panes: 'discarding' }, /panes needs a trigger/],
    [{ emit: 'final', trigger: trigger.eachRecord() }, /a trigger emits results before they are final/],
    [{ emit: 'updates', panes: 'discarding' }, /a table is emitted; leave out panes/],
    [{ allowedLatenes: 5 }, /has no option allowedLatenes; did you mean allowedLateness/],
  ])('that cannot be meant are refused: %o', (options, message) => {
    expect(() => nodeOf(tumbling(10), options)).toThrow(message)
  })

  test.each([
    [() => trigger.records(0), /records is given 0; give a whole number from 1/],
    [() => trigger.every(0), /every must be longer than zero/],
    [() => trigger.after('soon'), /after is "soon", which is not a duration/],
    [
      () => trigger.every(1, { clock: 'wall' as 'event' }),
      /clock is "wall"; it must be 'event' or 'processing'/,
    ],
    [() => trigger.any(trigger.records(2)), /a combination with 'or' needs two firings or more/],
  ])('triggers that cannot be meant are refused', (make, message) => {
    expect(make).toThrow(message)
  })
})
