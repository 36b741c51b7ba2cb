import { operatorHarness, type OperatorHarness } from '@millrace/testkit'
import { expect, describe, test } from 'vitest'
import type { Aggregate, Aggregates } from './aggregate.ts'
import type { WindowAssigner } from './assigner.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { max } from './extreme.ts'
import { mean } from './mean.ts'
import { sliding } from './sliding.ts'
import { sum } from './sum.ts'
import { tumbling } from './tumbling.ts'
import { SliceWindowOperator } from './slice-window-operator.ts'

interface Reading {
  readonly key: string
  readonly n: number
}

function windows(
  assigner: WindowAssigner,
  aggregates: Aggregates<Reading>,
  onError: 'skip' | 'deadLetter',
  latenessMs = 0,
): OperatorHarness<Reading> {
  const parts = { name: 'window', assigner, aggregates: aggregates as Aggregates<unknown>, latenessMs }
  return operatorHarness<Reading>(() => new SliceWindowOperator(parts), {
    keyBy: ({ key }) => key,
    outputs: ['late'],
    onError,
  })
}

describe('records that fail', () => {
  const picky = sum((reading: Reading) => {
    if (reading.n < 0) throw new Error('negative')
    return reading.n
  })

  test('are in no aggregate', () => {
    const aggregates = { n: count<Reading>(), picky, all: collect((reading: Reading) => reading.n) }
    const running = windows(tumbling(10), aggregates, 'skip')
    for (const n of [-1, 1, -2, 2]) running.record({ key: 'a', n }, 1)
    running.end()
    expect(running.counted('skipped')).toBe(2)
    expect(running.outputs).toMatchObject([{ value: { n: 2, picky: 3, all: [1, 2] } }])
  })

  const distinct = (isTaken: (n: number) => boolean): Aggregate<Reading, Set<number>, number[]> => ({
    kind: 'distinct',
    version: 1,
    create: () => new Set(),
    add: (numbers, { n }) => {
      numbers.add(n)
      if (!isTaken(n)) throw new Error('changed, and then refused')
      return numbers
    },
    merge: (a, b) => new Set([...a, ...b]),
    result: (numbers) => [...numbers],
  })

  test('are in no aggregate that changes its accumulator in place, including one that had already added it', () => {
    const aggregates = {
      all: collect((reading: Reading) => reading.n),
      distinct: distinct((n) => n !== 3),
      usual: mean((reading: Reading) => reading.n),
      zealous: collect((reading: Reading) => {
        if (reading.n < 0) throw new Error('negative')
        return reading.n
      }),
    }
    const running = windows(tumbling(10), aggregates, 'skip')
    for (const n of [-1, 1, -2, 2, 3]) {
      running.record({ key: 'a', n }, 1)
      running.snapshotAndRestore()
    }
    running.end()
    expect(running.counted('skipped')).toBe(3)
    expect(running.outputs).toMatchObject([
      { value: { all: [1, 2], distinct: [1, 2], usual: 1.5, zealous: [1, 2] } },
    ])
  })

  test('after the end of the window leave its state unchanged, also when only the result throws', () => {
    const aggregates = {
      all: collect((reading: Reading) => reading.n),
      checked: {
        ...distinct(() => true),
        result: (numbers: Set<number>) => {
          if (numbers.has(-1)) throw new Error('negative')
          return [...numbers]
        },
      },
    }
    const running = windows(sliding({ size: 10, slide: 5 }), aggregates, 'deadLetter', 100)
    running.record({ key: 'a', n: 1 }, 7)
    running.watermark(20)
    const before = running.emitted.length
    running.record({ key: 'a', n: -1 }, 7)
    running.record({ key: 'b', n: -1 }, 3)
    expect(running.emitted.slice(before).map(({ output }) => output)).toEqual(['errors', 'errors'])
    running.record({ key: 'a', n: 2 }, 7)
    expect(running.outputs.slice(-2)).toMatchObject([
      { value: { key: 'a', all: [1, 2], checked: [1, 2] } },
      { value: { key: 'a', all: [1, 2], checked: [1, 2] } },
    ])
    expect(running.cells()).toMatchObject({ slices: 1 })
  })

  test('leave nothing in open windows when the result of an ended one throws', () => {
    const checked: Aggregate<Reading, number, number> = {
      ...sum((reading: Reading) => reading.n),
      result: (total) => {
        if (total < 0) throw new Error('negative')
        return total
      },
    }
    const running = windows(sliding({ size: 10, slide: 5 }), { checked }, 'skip', 100)
    running.record({ key: 'a', n: 1 }, 12)
    running.watermark(12)
    // The record is in a window that ended at 10, and in one that ends at 15.
    running.record({ key: 'b', n: -1 }, 7)
    running.record({ key: 'a', n: -5 }, 7)
    running.end()
    expect(running.counted('skipped')).toBe(2)
    expect(running.outputs.map(({ value }) => value)).toMatchObject([
      { key: 'a', checked: 1, window: { end: 15 } },
      { key: 'a', checked: 1, window: { end: 20 } },
    ])
  })

  test('an aggregate that returns a promise stops the job under any policy', () => {
    const asynchronous: readonly Aggregate<Reading, unknown, unknown>[] = [
      { ...sum((reading: Reading) => reading.n), add: () => Promise.resolve(1) },
      { ...sum((reading: Reading) => reading.n), result: () => Promise.resolve(1) },
      collect((async () => 1) as () => unknown),
      count(async () => 1),
      sum((async () => 1) as never),
      max((async () => 1) as never),
    ]
    for (const aggregate of asynchronous) {
      const running = windows(tumbling(10), { aggregate }, 'skip')
      expect(() => {
        running.record({ key: 'a', n: 1 }, 1)
        running.end()
      }).toThrow(expect.objectContaining({ code: 'ASYNC_FUNCTION' }))
    }
  })
})
