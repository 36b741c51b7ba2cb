import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { at, operatorHarness, operatorLives, watermark } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meetingOf, meetings, runMeeting, type Item, type MeetingCase } from '../../test/meeting-trial.ts'
import type { WindowAssigner } from '../window/assigner.ts'
import { sliding } from '../window/sliding.ts'
import { tumbling } from '../window/tumbling.ts'
import { join } from './join.ts'
import type { WindowJoin } from './joining-streams.ts'
import type { TimedStream } from '../stream.ts'

const kinds = ['inner', 'left', 'right', 'full', 'semi', 'anti', 'cogroup'] as const
type Kind = (typeof kinds)[number]

const text = (left: Item | undefined, right: Item | undefined): string =>
  `${left?.id ?? '-'} ${right?.id ?? '-'}`

const ids = (items: readonly Item[]): string =>
  items
    .map(({ id }) => id)
    .toSorted((a, b) => a - b)
    .join('+')

function resultsOf(joining: WindowJoin<Item, Item, string>, kind: Kind): TimedStream<unknown> {
  if (kind === 'semi' || kind === 'anti') return joining[kind]('joined')
  if (kind !== 'cogroup') return joining[kind]('joined', text)
  return joining.cogroup(
    'joined',
    ({ key, window, left, right }) => `${key}${window.start}: ${ids(left)} ${ids(right)}`,
  )
}

function joinOf(windows: WindowAssigner, kind: Kind): OperatorNode {
  return meetingOf((left, right) =>
    resultsOf(
      join(
        left.keyBy(({ key }) => key),
        right.keyBy(({ key }) => key),
      ).window(windows),
      kind,
    ),
  )
}

/** A result as text: semi and anti joins emit the record itself. */
function valueText(value: unknown): string {
  return typeof value === 'string' ? value : `${(value as Item).id}`
}

/** What the definition says of one key in one window. */
function expectedOf(
  kind: Kind,
  key: string,
  start: number,
  left: readonly Item[],
  right: readonly Item[],
): readonly string[] {
  const pairs = left.flatMap((l) => right.map((r) => text(l, r)))
  const lonelyLeft = right.length === 0 ? left.map((l) => text(l, undefined)) : []
  const lonelyRight = left.length === 0 ? right.map((r) => text(undefined, r)) : []
  switch (kind) {
    case 'inner':
      return pairs
    case 'left':
      return [...pairs, ...lonelyLeft]
    case 'right':
      return [...pairs, ...lonelyRight]
    case 'full':
      return [...pairs, ...lonelyLeft, ...lonelyRight]
    case 'semi':
      return right.length > 0 ? left.map(({ id }) => `${id}`) : []
    case 'anti':
      return right.length === 0 ? left.map(({ id }) => `${id}`) : []
    case 'cogroup':
      return left.length + right.length === 0 ? [] : [`${key}${start}: ${ids(left)} ${ids(right)}`]
  }
}

/** Every window by itself, over all records. */
function reference(trial: MeetingCase, kind: Kind, size: number, slide: number): readonly string[] {
  const expected: string[] = []
  for (let start = -100; start <= 100; start++) {
    if (Math.abs(start % slide) > 0) continue
    const isIn = ({ at }: Item): boolean => at >= start && at < start + size
    for (const key of ['a', 'b', 'c']) {
      const of = (items: readonly Item[]) => items.filter((item) => item.key === key && isIn(item))
      for (const each of expectedOf(kind, key, start, of(trial.left), of(trial.right)))
        expected.push(`${each} at ${start + size - 1}`)
    }
  }
  return expected.toSorted()
}

const item = (id: number, at: number, key = 'a'): Item => ({ id, key, at })

describe('a window join', () => {
  test('any order of arrival, batches, restarts and parallelism give what each window holds, and no state is left', () => {
    const shape = fc.record({
      kind: fc.constantFrom(...kinds),
      slide: fc.integer({ min: 1, max: 8 }),
      more: fc.constantFrom(0, 0, 3, 8),
    })
    fc.assert(
      fc.property(meetings, shape, (trial, { kind, slide, more }) => {
        const size = slide + more
        const windows = more === 0 ? tumbling(size) : sliding({ size, slide })
        const harness = runMeeting(joinOf(windows, kind), trial)
        expect(harness.outputs.map(({ value, time }) => `${valueText(value)} at ${time}`).toSorted()).toEqual(
          reference(trial, kind, size, slide),
        )
        expect(harness.cells()).toEqual({ '#timers': 0, left: 0, right: 0 })
      }),
    )
  })

  test('EN-123 rows of neighbouring windows do not meet, and a result has the last time of its window', () => {
    const node = joinOf(tumbling(10), 'full')
    const { outputs } = operatorLives<Item>({
      create: () => node.create(),
      inputs: keysOf(node),
      input: [at(9, item(1, 9)), at(10, item(2, 10), 1), at(5, item(3, 5), 1)],
    })
    expect(outputs).toEqual([
      { value: '1 3', time: 9 },
      { value: '- 2', time: 19 },
    ])
  })

  test('EN-125 EN-128 unmatched rows come out once, when the window ends, though only the other side moves time', () => {
    const node = joinOf(tumbling(10), 'left')
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
    harness.record(item(1, 3), 3, 0)
    harness.watermark(9)
    expect(harness.outputs).toEqual([])
    harness.watermark(10)
    harness.watermark(30)
    expect(harness.outputs).toEqual([{ value: '1 -', time: 9 }])
  })

  test('EN-121 a row whose last window has ended goes to the late output of its side', () => {
    const node = joinOf(sliding({ size: 10, slide: 5 }), 'full')
    const harness = operatorHarness<Item>(() => node.create(), {
      inputs: keysOf(node),
      outputs: node.outputs,
    })
    harness.watermark(10)
    harness.record(item(1, 4), 4, 0)
    harness.record(item(2, 4), 4, 1)
    // One of its windows is still open.
    harness.record(item(3, 6), 6, 1)
    harness.end()
    expect(harness.side('lateLeft').length + harness.side('lateRight').length).toBe(2)
    expect(harness.counted('late')).toBe(2)
    expect(harness.outputs).toEqual([{ value: '- 3', time: 14 }])
  })

  test('EN-130 rows with a null key have no partner, and in a cogroup they are a group like any other', () => {
    const run = (kind: Kind) => {
      const node = meetingOf((left, right) => {
        const joining = join(
          left.keyBy((): string | null => null),
          right.keyBy((): string | null => null),
        )
        return resultsOf(joining.window(tumbling(10)) as WindowJoin<Item, Item, string>, kind)
      })
      const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
      harness.record(item(1, 1), 1, 0)
      harness.record(item(2, 1), 1, 1)
      harness.end()
      return {
        values: harness.outputs.map(({ value }) => valueText(value)),
        skipped: harness.counted('skipped'),
      }
    }
    expect(run('inner')).toEqual({ values: [], skipped: 2 })
    expect(run('left')).toEqual({ values: ['1 -'], skipped: 1 })
    expect(run('full')).toEqual({ values: ['1 -', '- 2'], skipped: 0 })
    expect(run('anti')).toEqual({ values: ['1'], skipped: 1 })
    expect(run('cogroup')).toEqual({ values: ['null0: 1 2'], skipped: 0 })
  })

  test('a window of many pairs comes out in parts', () => {
    const node = joinOf(tumbling(10), 'inner')
    const { outputs } = operatorLives<Item>({
      create: () => node.create(),
      inputs: keysOf(node),
      input: [
        ...Array.from({ length: 30 }, (_, id) => at(1, item(id, 1))),
        ...Array.from({ length: 20 }, (_, id) => at(1, item(id, 1), 1)),
        watermark(11),
        at(12, item(1, 12)),
      ],
    })
    expect(new Set(outputs.map(({ value }) => value)).size).toBe(600)
  })
})
