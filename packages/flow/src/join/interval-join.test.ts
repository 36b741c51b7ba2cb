import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { at, operatorHarness, operatorLives, watermark } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meetingOf, meetings, pairsOf, runMeeting, type Item } from '../../test/meeting-trial.ts'
import type { JoinKind } from './interval-join-operator.ts'
import { join } from './join.ts'
import type { IntervalOptions } from './joining-streams.ts'

const kinds = ['inner', 'left', 'right', 'full'] as const

const text = (left: Item | undefined, right: Item | undefined): string =>
  `${left?.id ?? '-'} ${right?.id ?? '-'}`

function joinOf(
  kind: JoinKind,
  lower: number,
  upper: number,
  options?: IntervalOptions,
  onPair: (left: Item | undefined, right: Item | undefined) => string = text,
): OperatorNode {
  return meetingOf((left, right) =>
    join(
      left.keyBy(({ key }) => key),
      right.keyBy(({ key }) => key),
    )
      .between(lower, upper, options)
      [kind]('joined', onPair),
  )
}

/** Left and right rows of one key, at times that are their ids. */
const row = (time: number): Item => ({ id: time, key: 'a', at: time })

/** Joins a left and a right row at each time from 1 to 4, left first, and returns the pairs. */
function pairs(lower: number, upper: number, options?: IntervalOptions): string {
  const node = joinOf('inner', lower, upper, options)
  const input = [1, 2, 3, 4].flatMap((time) => [at(time, row(time)), at(time, row(time), 1)])
  const { outputs } = operatorLives<Item>({
    create: () => node.create(),
    inputs: keysOf(node),
    input,
    isOrderFree: true,
  })
  expect(outputs.every(({ value, time }) => time === Math.max(...String(value).split(' ').map(Number)))).toBe(
    true,
  )
  return outputs
    .map(({ value }) => String(value))
    .toSorted()
    .join(', ')
}

describe('an interval join', () => {
  test('EN-119 any order of arrival, batches, restarts and parallelism give the pairs of the data, and no state is left', () => {
    const bounds = fc.record({
      kind: fc.constantFrom(...kinds),
      lower: fc.integer({ min: -12, max: 12 }),
      span: fc.integer({ min: 1, max: 12 }),
      excludeLower: fc.boolean(),
      excludeUpper: fc.boolean(),
    })
    fc.assert(
      fc.property(meetings, bounds, fc.boolean(), (drawn, { kind, lower, span, ...options }, endsBetween) => {
        // The end of the input makes rows without a partner come out early; pairs are the same.
        const trial = { ...drawn, endsBetween: kind === 'inner' && endsBetween }
        const upper = lower + span
        const isWithin = (distance: number): boolean =>
          (options.excludeLower ? distance > lower : distance >= lower) &&
          (options.excludeUpper ? distance < upper : distance <= upper)
        const matched = pairsOf(trial).filter(([l, r]) => isWithin(r.at - l.at))
        const expected = matched.map(([l, r]) => `${text(l, r)} at ${Math.max(l.at, r.at)}`)
        if (kind === 'left' || kind === 'full') {
          for (const l of trial.left) {
            if (matched.some(([each]) => each === l)) continue
            expected.push(`${text(l, undefined)} at ${l.at + Math.max(0, upper)}`)
          }
        }
        if (kind === 'right' || kind === 'full') {
          for (const r of trial.right) {
            if (matched.some(([, each]) => each === r)) continue
            expected.push(`${text(undefined, r)} at ${r.at + Math.max(0, -lower)}`)
          }
        }
        const harness = runMeeting(joinOf(kind, lower, upper, options), trial)
        expect(harness.outputs.map(({ value, time }) => `${String(value)} at ${time}`).toSorted()).toEqual(
          expected.toSorted(),
        )
        expect(harness.cellsAtLast()).toEqual({ '#timers': 0, left: 0, right: 0 })
      }),
    )
  })

  test('a row that came out without a partner at the end of the input meets one of a later run, and comes out no more', () => {
    const node = joinOf('full', 0, 10)
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
    const item = (id: number, at: number): Item => ({ id, key: 'a', at })
    harness.record(item(1, 10), 10)
    harness.record(item(2, 11), 11)
    harness.end()
    harness.snapshotAndRestore(3)
    harness.record(item(3, 20), 20, 1)
    harness.end()
    harness.snapshotAndRestore(1)
    harness.watermark(100)
    expect(harness.outputs.map(({ value }) => value)).toEqual(['1 -', '2 -', '1 3', '2 3'])
    expect(harness.cells()).toEqual({ '#timers': 0, left: 0, right: 0 })
  })

  test('EN-114 bounds from 1 up to but without 3 pair what lies between them', () => {
    expect(pairs(1, 3, { excludeUpper: true })).toBe('1 2, 1 3, 2 3, 2 4, 3 4')
  })

  test('EN-115 EN-124 bounds are inclusive by default, and each may be excluded', () => {
    expect(pairs(-1, 1, { excludeLower: true, excludeUpper: true })).toBe('1 1, 2 2, 3 3, 4 4')
    expect(pairs(-3, -1, { excludeLower: true, excludeUpper: true })).toBe('3 1, 4 2')
    expect(pairs(0, 1)).toBe('1 1, 1 2, 2 2, 2 3, 3 3, 3 4, 4 4')
  })

  test('EN-116 bounds of -1 and 1 give ten pairs', () => {
    expect(pairs(-1, 1)).toBe('1 1, 1 2, 2 1, 2 2, 2 3, 3 2, 3 3, 3 4, 4 3, 4 4')
  })

  test('EN-117 bounds between which nothing lies are refused', () => {
    expect(() => joinOf('inner', 2, 1)).toThrow(
      'nothing lies between the bounds 2 and 1 of a join: lower is above upper; between(lower, upper) says how much later',
    )
    expect(() => joinOf('inner', 1, 1, { excludeUpper: true })).toThrow('they are equal and excluded')
    expect(() => joinOf('inner', Number.NaN, 1)).toThrow(
      "bound 'lower' of a join is NaN, which is not a duration",
    )
    expect(() =>
      meetingOf((left, right) =>
        join(
          left.keyBy(({ key }) => key),
          right.keyBy(({ key }) => key),
        )
          .between('-5m', 'soon')
          .inner('joined', text),
      ),
    ).toThrow('bound \'upper\' of a join is "soon", which is not a duration')
  })

  test('EN-118 EN-127 rows of equal key and time all meet, and a pair has the later time', () => {
    const node = joinOf('inner', -5, 5)
    const { outputs } = operatorLives<Item>({
      create: () => node.create(),
      inputs: keysOf(node),
      input: [
        at(7, { id: 1, key: 'a', at: 7 }),
        at(7, { id: 2, key: 'a', at: 7 }),
        at(3, { id: 3, key: 'a', at: 3 }, 1),
        at(3, { id: 4, key: 'a', at: 3 }, 1),
      ],
      isOrderFree: true,
    })
    expect(outputs.map(({ value, time }) => `${String(value)} at ${time}`).toSorted()).toEqual([
      '1 3 at 7',
      '1 4 at 7',
      '2 3 at 7',
      '2 4 at 7',
    ])
  })

  /** How many rows are in state of each side under each watermark, of rows at the times of 1 to 5 on both sides. */
  function kept(lower: number, upper: number, ...watermarks: readonly number[]): readonly string[] {
    const node = joinOf('inner', lower, upper)
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
    for (const time of [1, 2, 3, 4, 5]) {
      harness.record(row(time), time, 0)
      harness.record(row(time), time, 1)
    }
    return watermarks.map((each) => {
      harness.watermark(each)
      const { left, right } = harness.cells()
      return `${left} ${right}`
    })
  }

  test('EN-120 a row goes as soon as no partner in time can come', () => {
    // A watermark of 2 says that nothing before 2 comes any more.
    expect(kept(-1, 0, 2, 5, 7)).toEqual(['4 5', '1 2', '0 0'])
    expect(kept(0, 1, 2, 5, 7)).toEqual(['5 4', '2 1', '0 0'])
  })

  test('EN-121 a late row goes to the output of its side and is not kept', () => {
    const node = joinOf('full', -5, 5)
    const harness = operatorHarness<Item>(() => node.create(), {
      inputs: keysOf(node),
      outputs: node.outputs,
    })
    harness.watermark(10)
    harness.record(row(9), 9, 0)
    harness.record(row(8), 8, 1)
    expect(harness.side('lateLeft')).toEqual([{ value: row(9), time: 9 }])
    expect(harness.side('lateRight')).toEqual([{ value: row(8), time: 8 }])
    expect(harness.outputs).toEqual([])
    expect(harness.counted('late')).toBe(2)
    expect(harness.cells()).toEqual({ '#timers': 0, left: 0, right: 0 })
  })

  test('EN-125 EN-128 an unmatched row comes out once, when the watermark passes its last partner, without another row', () => {
    const node = joinOf('full', -2, 5)
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
    harness.record(row(10), 10, 0)
    harness.record({ id: 11, key: 'b', at: 10 }, 10, 1)
    harness.watermark(12)
    expect(harness.outputs).toEqual([])
    harness.watermark(13)
    expect(harness.outputs).toEqual([{ value: '- 11', time: 12 }])
    harness.watermark(15)
    expect(harness.outputs.length).toBe(1)
    harness.watermark(16)
    harness.watermark(30)
    expect(harness.outputs).toEqual([
      { value: '- 11', time: 12 },
      { value: '10 -', time: 15 },
    ])
  })

  test('EN-126 EN-129 at the end of input unmatched rows come out in order of time, those that were matched do not', () => {
    const node = joinOf('full', -2, 5)
    const { outputs } = operatorLives<Item>({
      create: () => node.create(),
      inputs: keysOf(node),
      input: [at(10, row(10)), at(11, row(11), 1), at(30, row(30), 1), at(40, row(40)), watermark(25)],
    })
    expect(outputs).toEqual([
      { value: '10 11', time: 11 },
      { value: '- 30', time: 32 },
      { value: '40 -', time: 45 },
    ])
  })

  test('EN-130 rows with a null key have no partner: the side that is padded emits them, the other counts them as skipped', () => {
    const node = meetingOf((left, right) =>
      join(
        left.keyBy(({ id }) => (id === 1 ? null : 'a')),
        right.keyBy(({ id }) => (id === 1 ? null : 'a')),
      )
        .between(-5, 5)
        .left('joined', text),
    )
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
    harness.record({ id: 1, key: '', at: 1 }, 1, 0)
    harness.record({ id: 1, key: '', at: 1 }, 1, 1)
    harness.end()
    expect(harness.outputs).toEqual([{ value: '1 -', time: 6 }])
    expect(harness.counted('skipped')).toBe(1)
  })

  test('a pair on which combine throws leaves no state, and the row can become a dead letter', () => {
    const node = joinOf('full', -5, 5, {}, (left, right) => {
      if (left?.id === 2 && right !== undefined) throw new Error('not 2')
      return text(left, right)
    })
    const { outputs } = operatorLives<Item>({
      create: () => node.create(),
      inputs: keysOf(node),
      onError: 'skip',
      input: [at(1, row(1)), at(2, row(2)), at(3, row(3), 1), at(9, row(9), 1)],
    })
    // 3 would meet 1 and 2; with 2 it fails, so it met neither.
    expect(outputs).toEqual([
      { value: '1 -', time: 6 },
      { value: '2 -', time: 7 },
      { value: '- 9', time: 14 },
    ])
  })

  test('many unmatched rows of one time come out in parts', () => {
    const node = joinOf('left', 0, 1)
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
    const ids = Array.from({ length: 600 }, (_, id) => id)
    harness.batch(ids.map((id) => ({ value: { id, key: 'a', at: 5 }, time: 5, watermark: 0 })))
    harness.watermark(9)
    expect(harness.outputs.map(({ value }) => value)).toEqual(ids.map((id) => `${id} -`))
  })
})
