import { keysOf } from '@millrace/core/graph'
import { operatorHarness } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meetings, type Item } from '../../test/meeting-trial.ts'
import { expectedIds, expectIds, lineOf, windowNode, type Span } from '../../test/window-trial.ts'
import type { WindowAssigner } from './assigner.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { cumulative } from './cumulative.ts'
import { customWindows } from './custom.ts'
import { sliding } from './sliding.ts'
import { trailing } from './trailing.ts'
import { tumbling } from './tumbling.ts'

/** All spans of a list that contain a time: the definition of windows. */
const around =
  (spans: readonly Span[]) =>
  (time: number): readonly Span[] =>
    spans.filter(({ start, end }) => start <= time && time < end)

/** The spans `[first + n * every, first + n * every + length)` near the drawn times. */
const every = (length: number, step: number, first = 0): readonly Span[] =>
  Array.from({ length: 400 }, (_, n) => {
    const start = first + (n - 200) * step
    return { start, end: start + length }
  })

const steps = every(15, 15, 3).flatMap(({ start }) =>
  [3, 6, 9, 12, 15].map((to) => ({ start, end: start + to })),
)

const runs = { numRuns: 25 }

describe('windows of every kind', () => {
  test.each<[string, WindowAssigner, readonly Span[]]>([
    ['tumbling', tumbling(7, { offset: 2 }), every(7, 7, 2)],
    ['overlapping', sliding({ size: 12, slide: 5 }), every(12, 5)],
    ['with pauses between them', sliding({ size: 3, slide: 8, offset: 1 }), every(3, 8, 1)],
    ['cumulative', cumulative({ maxSize: 15, step: 3, offset: 3 }), steps],
    [
      'custom',
      customWindows({ kind: 'eight', version: 1, windowOf: (time) => around(every(8, 8))(time)[0]! }),
      every(8, 8),
    ],
  ])(
    '%s: any order of arrival, batches, restarts and parallelism give the results of the data, and no state is left',
    (_, windows, spans) => {
      const keyed = windowNode((items) =>
        items
          .keyBy(({ key }) => key)
          .window(windows)
          .aggregate('w', { ids: collect(({ id }) => id) }),
      )
      const whole = windowNode((items) =>
        items.window(windows).aggregate('w', { ids: collect(({ id }) => id) }),
      )
      fc.assert(
        fc.property(meetings, fc.boolean(), (trial, hasKey) => {
          const keyOf = ({ key }: { key: string }): string => (hasKey ? key : 'all')
          const expected = expectedIds(trial, around(spans), keyOf)
          expectIds(hasKey ? keyed : whole, trial, expected)
        }),
        runs,
      )
    },
  )
})

describe('windows that end with each record', () => {
  test('any order of arrival, batches, restarts and parallelism give the results of the data, and no state is left', () => {
    fc.assert(
      fc.property(meetings, fc.integer({ min: 1, max: 20 }), (trial, size) => {
        const node = windowNode((items) =>
          items
            .keyBy(({ key }) => key)
            .window(trailing(size))
            .aggregate('w', { ids: collect(({ id }) => id) }),
        )
        const items = [...trial.left, ...trial.right]
        const lines = items.map(({ key, at }) => {
          const near = items.filter((each) => each.key === key && each.at > at - size && each.at <= at)
          return lineOf(
            `${key} ${at + 1 - size}..${at + 1}`,
            near.map(({ id }) => id),
          )
        })
        expectIds(node, trial, [...new Set(lines)].toSorted())
      }),
      runs,
    )
  })

  test('contain their first millisecond', () => {
    const node = windowNode((items) => items.window(trailing(5)).aggregate('w', { n: count() }))
    const harness = operatorHarness<Item>(() => node.create(), {
      inputs: keysOf(node),
      outputs: node.outputs,
    })
    for (const at of [1, 4, 5, 6]) harness.record({ id: at, key: 'a', at }, at)
    harness.end()
    expect(harness.outputs.map(({ value }) => (value as { n: number }).n)).toEqual([1, 2, 3, 3])
  })

  test('have no result for a late record, which comes out as one', () => {
    const node = windowNode((items) => items.window(trailing(5)).aggregate('w', { n: count() }))
    const harness = operatorHarness<Item>(() => node.create(), {
      inputs: keysOf(node),
      outputs: node.outputs,
    })
    for (const at of [3, 5]) harness.record({ id: at, key: 'a', at }, at)
    harness.watermark(5)
    for (const at of [4, 5.5]) harness.record({ id: at, key: 'a', at }, at)
    harness.end()
    expect(harness.outputs).toEqual([
      { value: { window: { start: -1, end: 4 }, n: 1 }, time: 3 },
      { value: { window: { start: 1, end: 6 }, n: 3 }, time: 5 },
    ])
    expect(harness.side('late').map(({ value }) => (value as Item).at)).toEqual([4])
    expect(harness.cells()).toEqual({ '#timers': 0, slices: 0 })
  })
})

const hour = 3_600_000

describe('cumulative windows', () => {
  test('EN-024 share their start and step their end', () => {
    const windows = cumulative({ maxSize: '3h', step: '1h' })
    expect(windows.slice(1.5 * hour)).toEqual({
      start: hour,
      end: 2 * hour,
      firstWindowEnd: 2 * hour,
      lastWindowEnd: 3 * hour,
    })
    expect([1, 2, 3, 4].map((end) => windows.startOf(end * hour))).toEqual([0, 0, 0, 3 * hour])
    expect(() => cumulative({ maxSize: '90m', step: '1h' })).toThrow(/maxSize .* is not a multiple of step/)
  })
})

describe('windows with pauses between them', () => {
  test('EN-012 skip the records that are in no window, and count them', () => {
    const node = windowNode((items) =>
      items.window(sliding({ size: 3, slide: 8 })).aggregate('w', { n: count() }),
    )
    const harness = operatorHarness<Item>(() => node.create(), {
      inputs: keysOf(node),
      outputs: node.outputs,
    })
    for (const at of [0, 2, 3, 7, 8]) harness.record({ id: at, key: 'a', at }, at)
    harness.watermark(20)
    harness.record({ id: 5, key: 'a', at: 5 }, 5)
    expect(harness.outputs.map(({ value }) => value)).toEqual([
      { window: { start: 0, end: 3 }, n: 2 },
      { window: { start: 8, end: 11 }, n: 1 },
    ])
    expect(harness.counted('skipped')).toBe(3)
    expect(harness.counted('late')).toBe(0)
  })
})
