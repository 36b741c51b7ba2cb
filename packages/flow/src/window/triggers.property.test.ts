import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meetings, runMeeting, type Item, type MeetingCase } from '../../test/meeting-trial.ts'
import { applied, rowsOf } from '../../test/table-trial.ts'
import { spansOfSessions, windowNode, type Span } from '../../test/window-trial.ts'
import type { Key } from '@millrace/core'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { cumulative } from './cumulative.ts'
import { countWindow } from './global.ts'
import type { AnyWindows } from './layout.ts'
import type { Pane } from './pane.ts'
import { session } from './session.ts'
import { sliding } from './sliding.ts'
import { sum } from './sum.ts'
import { trigger, type EndTrigger, type Firing } from './trigger.ts'
import { tumbling } from './tumbling.ts'

/** How much too early the watermark is. With as much allowed lateness no record is lost. */
const haste = 6

interface Kind {
  readonly windows: AnyWindows
  /** The windows around the records of one key. */
  readonly spansOf: (items: readonly Item[]) => readonly Span[]
}

const near = (length: number, step: number): readonly Span[] =>
  Array.from({ length: 40 }, (_, n) => ({ start: (n - 20) * step, end: (n - 20) * step + length }))

const fixed = (windows: AnyWindows, spans: readonly Span[]): Kind => ({
  windows,
  spansOf: (items) => spans.filter((span) => items.some((item) => isIn(item, span))),
})

const isIn = ({ at }: Item, { start, end }: Span): boolean => start <= at && at < end

const kinds: Readonly<Record<string, Kind>> = {
  tumbling: fixed(tumbling(7), near(7, 7)),
  sliding: fixed(sliding({ size: 12, slide: 5 }), near(12, 5)),
  cumulative: fixed(
    cumulative({ maxSize: 9, step: 3 }),
    near(9, 9).flatMap(({ start }) => [3, 6, 9].map((size) => ({ start, end: start + size }))),
  ),
  session: { windows: session(9), spansOf: (items) => spansOfSessions(items, () => 9) },
}

const triggers: readonly (EndTrigger | Firing)[] = [
  trigger.atEnd(),
  trigger.atEnd().early(trigger.records(2)).late(trigger.records(3)),
  trigger.atEnd().early(trigger.every(4)).late(trigger.after(2)),
  trigger.atEnd().early(trigger.any(trigger.records(3), trigger.after(5))),
  trigger.atEnd().early(trigger.all(trigger.records(2), trigger.every(3))),
  trigger.atEnd().early(
    trigger.when(
      sum(({ id }: Item) => id),
      (total) => total > 9,
    ) as Firing,
  ),
  trigger.eachRecord(),
  trigger.every(5),
  trigger.records(4),
]

const cases = fc.record({
  trial: meetings,
  kind: fc.constantFrom('session', ...Object.keys(kinds)),
  trigger: fc.constantFrom(...triggers),
  isHasty: fc.boolean(),
})

/** The trial with its records as one input, and a watermark that makes some of them late. */
function trialOf({
  trial,
  isHasty,
}: {
  readonly trial: MeetingCase
  readonly isHasty: boolean
}): MeetingCase {
  const arrivals = trial.arrivals.map(({ value, time, watermark }) => ({
    value,
    time,
    watermark: watermark + (isHasty ? haste : 0),
  }))
  return { ...trial, arrivals }
}

interface Expected extends Span {
  readonly key: string
  readonly ids: readonly number[]
}

function expectedOf(trial: MeetingCase, kind: Kind): readonly Expected[] {
  return ['a', 'b', 'c'].flatMap((key) => {
    const items = [...trial.left, ...trial.right].filter((item) => item.key === key)
    return kind.spansOf(items).map((span) => ({
      ...span,
      key,
      // The end of a session still belongs to it.
      ids: items
        .filter((item) => isIn(item, span) || (kind === kinds['session'] && item.at === span.end))
        .map(({ id }) => id),
    }))
  })
}

interface Result {
  readonly key: string
  readonly window: Span
  readonly pane: Pane
  readonly ids: readonly number[]
}

const sorted = (ids: readonly number[]): readonly number[] => ids.toSorted((a, b) => a - b)

/** The panes of each window, by key and bounds. */
function panesOf(outputs: readonly { readonly value: unknown }[]): ReadonlyMap<string, readonly Result[]> {
  const panes = new Map<string, Result[]>()
  for (const { value } of outputs) {
    const result = value as Result
    const name = `${result.key} ${result.window.start}..${result.window.end}`
    panes.set(name, [...(panes.get(name) ?? []), result])
  }
  return panes
}

function checkPanes(panes: readonly Result[], isSession: boolean): void {
  const shown = panes.map(({ pane }) => pane)
  expect(shown.filter(({ timing }) => timing === 'onTime').length).toBeLessThan(2)
  const order = { early: 0, onTime: 1, late: 2 }
  expect(shown.map(({ timing }) => order[timing])).toEqual(
    shown.map(({ timing }) => order[timing]).toSorted((a, b) => a - b),
  )
  for (const { isFirst, index } of shown) expect(isFirst).toBe(index === 0)
  expect(shown.slice(0, -1).every(({ isLast }) => !isLast)).toBe(true)
  // A session continues the numbers of those that it has absorbed.
  if (!isSession) expect(shown.map(({ index }) => index)).toEqual(shown.map((_, i) => i))
}

const runs = { numRuns: 60 }

const allIds = { ids: collect(({ id }: Item) => id) }

describe('windows with any trigger, order of arrival, batches, restarts and parallelism', () => {
  const build = (
    { kind, trigger: drawn, isHasty }: { kind: string; trigger: EndTrigger | Firing; isHasty: boolean },
    panes: 'accumulating' | 'discarding',
  ) =>
    windowNode((items) =>
      items
        .keyBy(({ key }) => key)
        .window(kinds[kind]!.windows)
        .aggregate('w', allIds, { trigger: drawn, panes, allowedLateness: isHasty ? haste : 0 }),
    )

  test('EN-052 EN-053 EN-073 accumulate all records of a window, and number its panes', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const kind = kinds[given.kind]!
        const trial = trialOf(given)
        const harness = runMeeting(build(given, 'accumulating'), trial)
        const panes = panesOf(harness.outputs)
        for (const { key, start, end, ids } of expectedOf(trial, kind)) {
          const own = panes.get(`${key} ${start}..${end}`)!
          expect(sorted(own.at(-1)!.ids)).toEqual(sorted(ids))
        }
        for (const own of panes.values()) checkPanes(own, given.kind === 'session')
        expect(harness.counted('late')).toBe(0)
        expect(harness.cells()).toEqual({ '#timers': 0, windows: 0 })
      }),
      runs,
    )
  })

  test('EN-052 EN-056 discard what a pane has contained: panes add up to the window', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const trial = trialOf(given)
        const harness = runMeeting(build(given, 'discarding'), trial)
        const results = harness.outputs.map(({ value }) => value as Result)
        const expected = expectedOf(trial, kinds[given.kind]!)
        const totals = (of: readonly { readonly key: string; readonly ids: readonly number[] }[]) =>
          ['a', 'b', 'c'].map((key) =>
            sorted(of.filter((each) => each.key === key).flatMap(({ ids }) => ids)),
          )
        expect(totals(results)).toEqual(totals(expected))
        expect(results.every(({ ids }) => ids.length > 0)).toBe(true)
        expect(harness.cells()).toEqual({ '#timers': 0, windows: 0 })
      }),
      runs,
    )
  })

  test('EN-038 update a table whose rows are the windows of the data, also if the input ends and resumes', () => {
    fc.assert(
      fc.property(cases, fc.boolean(), (given, endsBetween) => {
        const trial = { ...trialOf(given), endsBetween }
        const kind = kinds[given.kind]!
        const node = windowNode((items) =>
          items
            .keyBy(({ key }) => key)
            .window(kind.windows)
            .aggregate(
              'w',
              { n: count<Item>(), sum: sum(({ id }: Item) => id) },
              { emit: 'updates', trigger: given.trigger, allowedLateness: given.isHasty ? haste : 0 },
            )
            .toStream(),
        )
        const harness = runMeeting(node, trial)
        const rows = expectedOf(trial, kind).map(({ key, start, end, ids }): readonly [Key, unknown] => {
          const window = { start, end }
          return [
            { key, window },
            { key, window, n: ids.length, sum: ids.reduce((a, b) => a + b, 0) },
          ]
        })
        expect(applied(harness.outputs)).toEqual(rowsOf(rows))
        expect(harness.cellsAtLast()).toEqual({ '#timers': 0, windows: 0 })
        expect(applied(harness.outputs)).toEqual(rowsOf(rows))
      }),
      runs,
    )
  })

  test('EN-063 emit one result for each window, if only final ones are wanted', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const trial = trialOf(given)
        const kind = kinds[given.kind]!
        const node = windowNode((items) =>
          items
            .keyBy(({ key }) => key)
            .window(kind.windows)
            .aggregate('w', allIds, { emit: 'final', allowedLateness: given.isHasty ? haste : 0 }),
        )
        const line = (key: string, { start, end }: Span, ids: readonly number[]): string =>
          `${key} ${start}..${end}: ${sorted(ids).join('+')}`
        const results = runMeeting(node, trial).outputs.map(({ value }) => value as Result)
        expect(results.map(({ key, window, ids }) => line(key, window, ids)).toSorted()).toEqual(
          expectedOf(trial, kind)
            .map(({ key, ids, ...span }) => line(key, span, ids))
            .toSorted(),
        )
      }),
      runs,
    )
  })

  test('EN-021 count windows contain so many records of a key in order of arrival, and fewer after a timeout', () => {
    fc.assert(
      fc.property(meetings, fc.integer({ min: 1, max: 4 }), fc.boolean(), (drawn, size, hasTimeout) => {
        const trial = trialOf({ trial: drawn, isHasty: false })
        const node = windowNode((items) =>
          items
            .keyBy(({ key }) => key)
            .window(countWindow(size, hasTimeout ? { timeout: 5 } : {}))
            .aggregate('w', allIds),
        )
        const harness = runMeeting(node, trial)
        for (const key of ['a', 'b', 'c']) {
          const items = trial.arrivals.map(({ value }) => value).filter((item) => item.key === key)
          const results = harness.outputs
            .map(({ value }) => value as Result)
            .filter((each) => each.key === key)
          expect(results.flatMap(({ ids }) => ids)).toEqual(items.map(({ id }) => id))
          if (!hasTimeout) expect(results.slice(0, -1).every(({ ids }) => ids.length === size)).toBe(true)
          for (const { window, ids } of results) {
            expect(ids.length).toBeLessThanOrEqual(size)
            const times = items.filter(({ id }) => ids.includes(id)).map(({ at }) => at)
            expect(window).toEqual({ start: Math.min(...times), end: Math.max(...times) + 1 })
          }
        }
        expect(harness.cells()).toEqual({ '#timers': 0, windows: 0 })
      }),
      runs,
    )
  })
})
