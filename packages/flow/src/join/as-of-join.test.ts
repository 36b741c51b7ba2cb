import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { at, operatorHarness, operatorLives, watermark } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meetingOf, meetings, runMeeting, type Item, type MeetingCase } from '../../test/meeting-trial.ts'
import { join } from './join.ts'

const text = (left: Item, version: Item | undefined): string => `${left.id} ${version?.id ?? '-'}`

function joinOf(kind: 'inner' | 'left', validFor?: number): OperatorNode {
  return meetingOf((left, right) =>
    join(
      left.keyBy(({ key }) => key),
      right.keyBy(({ key }) => key),
    )
      .asOf(validFor === undefined ? {} : { validFor })
      [kind]('joined', text),
  )
}

/** Of each left record the newest version of its key that is not newer than itself. */
function reference(
  trial: MeetingCase,
  kind: 'inner' | 'left',
  validFor = Number.POSITIVE_INFINITY,
): readonly string[] {
  return trial.left
    .flatMap((left) => {
      const versions = trial.right.filter((right) => right.key === left.key && right.at <= left.at)
      const newest = versions.toSorted((a, b) => a.at - b.at).at(-1)
      const version = newest !== undefined && left.at < newest.at + validFor ? newest : undefined
      return version === undefined && kind === 'inner' ? [] : [`${text(left, version)} at ${left.at}`]
    })
    .toSorted()
}

/** Versions of one key and time would differ by which came last. */
function hasClearVersions({ right }: MeetingCase): boolean {
  return new Set(right.map(({ key, at }) => `${key} ${at}`)).size === right.length
}

const item = (id: number, at: number, key = 'a'): Item => ({ id, key, at })

describe('an as-of join', () => {
  test('any order of arrival, batches, restarts and parallelism give the versions of the data', () => {
    const options = fc.record({
      kind: fc.constantFrom('inner', 'left'),
      validFor: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(meetings.filter(hasClearVersions), options, (trial, { kind, validFor }) => {
        const harness = runMeeting(joinOf(kind, validFor), trial)
        expect(harness.outputs.map(({ value, time }) => `${String(value)} at ${time}`).toSorted()).toEqual(
          reference(trial, kind, validFor),
        )
        // Of each key that has versions the newest one is left, or none if versions expire.
        const keys = new Set(trial.right.map(({ key }) => key)).size
        expect(harness.cellsAtLast()).toEqual({
          '#timers': 0,
          left: 0,
          right: validFor === undefined ? keys : 0,
        })
      }),
    )
  })

  test.each([undefined, 60])(
    'the end of the input drops no version that a later run needs (validFor %s)',
    (validFor) => {
      const node = joinOf('left', validFor)
      const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
      harness.record(item(1, 10), 10, 1)
      harness.record(item(2, 100), 100, 1)
      harness.end()
      harness.snapshotAndRestore(2)
      harness.record(item(3, 60), 60)
      harness.record(item(4, 101), 101)
      harness.end()
      expect(harness.outputs.map(({ value }) => value)).toEqual(['3 1', '4 2'])
    },
  )

  test('EN-131 a version is valid from its time up to but without that of the next, whichever comes first', () => {
    const node = joinOf('left')
    const { outputs } = operatorLives<Item>({
      create: () => node.create(),
      inputs: keysOf(node),
      keepsState: true,
      isOrderFree: true,
      input: [
        at(9, item(1, 9)),
        at(10, item(2, 10)),
        at(19, item(3, 19)),
        at(20, item(4, 20)),
        at(20, item(8, 20), 1),
        at(10, item(7, 10), 1),
      ],
    })
    expect(outputs).toEqual([
      { value: '1 -', time: 9 },
      { value: '2 7', time: 10 },
      { value: '3 7', time: 19 },
      { value: '4 8', time: 20 },
    ])
  })

  test('EN-131 a row waits until the watermark has passed its time, and a late version rewrites nothing', () => {
    const node = joinOf('left')
    const harness = operatorHarness<Item>(() => node.create(), {
      inputs: keysOf(node),
      outputs: node.outputs,
    })
    harness.record(item(1, 10), 10, 0)
    harness.watermark(10)
    expect(harness.outputs).toEqual([])
    harness.record(item(7, 10), 10, 1)
    harness.watermark(11)
    expect(harness.outputs).toEqual([{ value: '1 7', time: 10 }])
    harness.record(item(6, 8), 8, 1)
    harness.record(item(2, 9), 9, 0)
    harness.end()
    expect(harness.outputs.length).toBe(1)
    expect(harness.side('lateRight')).toEqual([{ value: item(6, 8), time: 8 }])
    expect(harness.side('lateLeft')).toEqual([{ value: item(2, 9), time: 9 }])
  })

  test('versions that no row in time can meet are dropped', () => {
    const node = joinOf('inner')
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
    for (const time of [1, 2, 3, 4]) harness.record(item(time, time), time, 1)
    const kept = [1, 2, 3, 9].map((time) => {
      harness.watermark(time)
      return harness.cells()['right']
    })
    expect(kept).toEqual([4, 3, 2, 1])
  })

  test('EN-130 rows with a null key have no version', () => {
    const node = meetingOf((left, right) =>
      join(
        left.keyBy((): string | null => null),
        right.keyBy((): string | null => null),
      )
        .asOf()
        .left('joined', text),
    )
    const { outputs } = operatorLives<Item>({
      create: () => node.create(),
      inputs: keysOf(node),
      input: [at(1, item(1, 1), 1), at(2, item(2, 2)), watermark(5)],
    })
    expect(outputs).toEqual([{ value: '2 -', time: 2 }])
  })
})
