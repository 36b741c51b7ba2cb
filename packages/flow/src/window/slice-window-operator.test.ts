import {
  at,
  operatorHarness,
  operatorLives,
  watermark,
  type Happening,
  type OperatorHarness,
} from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import type { Aggregates } from './aggregate.ts'
import type { WindowAssigner } from './assigner.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { AlignedWindows, sliding } from './sliding.ts'
import { sum } from './sum.ts'
import { tumbling } from './tumbling.ts'
import { SliceWindowOperator } from './slice-window-operator.ts'

interface Reading {
  readonly key: string
  readonly n: number
}

interface Setup {
  readonly assigner: WindowAssigner
  readonly aggregates?: Aggregates<Reading>
  readonly latenessMs?: number
}

const keyBy = (reading: Reading) => reading.key
const total = sum((reading: Reading) => reading.n)

function operator({ assigner, aggregates = { total }, latenessMs = 0 }: Setup): () => SliceWindowOperator {
  return () =>
    new SliceWindowOperator({
      name: 'window',
      assigner,
      aggregates: aggregates as Aggregates<unknown>,
      latenessMs,
    })
}

function harness(setup: Setup): OperatorHarness<Reading> {
  return operatorHarness<Reading>(operator(setup), { keyBy, outputs: ['late'] })
}

/** Runs the case under all variations of the harness. */
function lives(
  setup: Setup,
  input: readonly Happening<Reading>[],
  isOrderFree = true,
): OperatorHarness<Reading> {
  return operatorLives<Reading>({ create: operator(setup), keyBy, outputs: ['late'], input, isOrderFree })
}

const a = (time: number, n = 1) => at(time, { key: 'a', n })
const b = (time: number, n = 1) => at(time, { key: 'b', n })

/** A result of the aggregate `total`, as emitted. */
const result = (key: string, start: number, end: number, sum: number) => ({
  value: { key, window: { start, end }, total: sum },
  time: end - 1,
})

describe('tumbling windows', () => {
  const assigner = tumbling(10)

  test('EN-001 EN-019 a window includes its start, excludes its end, and is emitted at end - 1', () => {
    expect(lives({ assigner }, [a(0, 1), a(9, 2), a(10, 4), watermark(10), watermark(20)]).outputs).toEqual([
      result('a', 0, 10, 3),
      result('a', 10, 20, 4),
    ])
  })

  test('a window is emitted when the watermark reaches its end, and not before', () => {
    const running = harness({ assigner })
    running.record({ key: 'a', n: 1 }, 3)
    running.watermark(9.999)
    expect(running.outputs).toEqual([])
    running.watermark(10)
    expect(running.outputs).toEqual([result('a', 0, 10, 1)])
  })

  test('EN-015 the assigner is called at most once per record', () => {
    let calls = 0
    class Counting extends AlignedWindows {
      override slice(time: number) {
        calls++
        return super.slice(time)
      }
    }
    const running = harness({ assigner: new Counting('counting', { size: 10, slide: 5, offset: 0 }) })
    for (const [i, time] of [1, 2, 3, 8, 9, 2, 8].entries()) running.record({ key: 'a', n: i }, time)
    // Once for each change of slice.
    expect(calls).toBe(4)
  })

  test('an assigner whose slice does not contain the time is rejected, since its windows would never end', () => {
    class Behind extends AlignedWindows {
      override slice(time: number) {
        return super.slice(time - 10)
      }
    }
    const running = harness({ assigner: new Behind('behind', { size: 10, slide: 10, offset: 0 }) })
    expect(() => running.record({ key: 'a', n: 1 }, 12)).toThrow(
      'behind put event time 12 into the slice from 0 to 10, whose windows end from 10 to 10; a slice must contain',
    )
  })

  test('EN-006 windows before the epoch work like others', () => {
    expect(lives({ assigner }, [a(-1), a(-10), a(-11)]).outputs).toEqual([
      result('a', -20, -10, 1),
      result('a', -10, 0, 2),
    ])
  })

  test('EN-017 windows of different keys do not mix', () => {
    expect(lives({ assigner }, [a(1, 1), b(2, 2), a(3, 4)]).outputs).toEqual([
      result('a', 0, 10, 5),
      result('b', 0, 10, 2),
    ])
  })

  test('EN-018 different windows of one key do not mix', () => {
    expect(lives({ assigner }, [a(1, 1), a(11, 2), a(2, 4), a(12, 8)]).outputs).toEqual([
      result('a', 0, 10, 5),
      result('a', 10, 20, 10),
    ])
  })

  test('EN-014 a record without event time fails and is in no window', () => {
    expect(() => harness({ assigner }).record({ key: 'a', n: 1 })).toThrow(
      /TIMESTAMP_INVALID.*event time NaN/,
    )
    expect(() => harness({ assigner }).record({ key: 'a', n: 1 }, 9e15)).toThrow(/TIMESTAMP_INVALID/)
  })

  test('EN-027 windows without records emit nothing', () => {
    expect(lives({ assigner }, [a(1), watermark(1000), a(1001)]).outputs).toEqual([
      result('a', 0, 10, 1),
      result('a', 1000, 1010, 1),
    ])
  })

  test('EN-020 a sum and a list of the same records agree', () => {
    const aggregates = { total, all: collect((reading: Reading) => reading.n) }
    const { outputs } = lives(
      { assigner, aggregates },
      [a(1, 1), b(1, 7), a(2, 2), watermark(10), a(11, 4)],
      false,
    )
    expect(outputs.map(({ value }) => value)).toEqual([
      { key: 'a', window: { start: 0, end: 10 }, total: 3, all: [1, 2] },
      { key: 'b', window: { start: 0, end: 10 }, total: 7, all: [7] },
      { key: 'a', window: { start: 10, end: 20 }, total: 4, all: [4] },
    ])
  })

  test('fields of a result are in the order of the program', () => {
    const aggregates = { z: count<Reading>(), a: total, m: collect<Reading>() }
    const { outputs } = lives({ assigner, aggregates }, [a(1)])
    expect(Object.keys(outputs[0]!.value as object)).toEqual(['key', 'window', 'z', 'a', 'm'])
  })

  test('EN-062 null is a key like any other', () => {
    const running = operatorHarness<Reading>(operator({ assigner }), { keyBy: () => null })
    running.record({ key: 'a', n: 3 }, 1)
    running.end()
    expect(running.outputs).toMatchObject([{ value: { key: null, total: 3 } }])
  })

  test('keys may be objects', () => {
    const running = operatorHarness<Reading>(operator({ assigner }), { keyBy: ({ key }) => ({ is: [key] }) })
    running.record({ key: 'a', n: 3 }, 1)
    running.record({ key: 'a', n: 4 }, 1)
    running.end()
    expect(running.outputs).toMatchObject([{ value: { key: { is: ['a'] }, total: 7 } }])
  })
})

describe('sliding windows', () => {
  const assigner = sliding({ size: 10, slide: 5 })

  test('EN-016 a record is in each of its windows once', () => {
    expect(lives({ assigner }, [a(7, 1), a(12, 2), a(3, 4)]).outputs).toEqual([
      result('a', -5, 5, 4),
      result('a', 0, 10, 5),
      result('a', 5, 15, 3),
      result('a', 10, 20, 2),
    ])
  })

  test('a record costs one update however many windows contain it', () => {
    const running = harness({ assigner: sliding({ size: 100, slide: 1 }) })
    running.record({ key: 'a', n: 1 }, 50)
    expect(running.cells()).toMatchObject({ slices: 1 })
  })

  test('EN-010 a size that is not a multiple of the slide: a record is in each window that contains it', () => {
    expect(lives({ assigner: sliding({ size: 12, slide: 5 }) }, [a(21, 1), b(24, 2)]).outputs).toEqual([
      result('a', 10, 22, 1),
      result('a', 15, 27, 1),
      result('b', 15, 27, 2),
      result('a', 20, 32, 1),
      result('b', 20, 32, 2),
    ])
  })

  test('merging a window leaves its slices unchanged for the next one', () => {
    const aggregates = { all: collect((reading: Reading) => reading.n) }
    const { outputs } = lives({ assigner, aggregates }, [a(1, 1), a(6, 2), a(11, 3)])
    expect(outputs.map(({ value }) => (value as { all: number[] }).all)).toEqual([[1], [1, 2], [2, 3], [3]])
  })

  test('slices are dropped with the last window that contains them', () => {
    const running = harness({ assigner })
    running.record({ key: 'a', n: 1 }, 1)
    running.record({ key: 'a', n: 1 }, 6)
    running.watermark(5)
    expect(running.cells()).toMatchObject({ slices: 2 })
    running.watermark(10)
    expect(running.cells()).toMatchObject({ slices: 1 })
    running.watermark(15)
    expect(running.cells()).toMatchObject({ slices: 0 })
  })
})

describe('late records', () => {
  const assigner = tumbling(2)

  test('EN-046 EN-047 a record is accepted until its window end plus lateness, and not after', () => {
    const input = (watermarkAt: number) => [watermark(watermarkAt), a(1)]
    // The window [0, 2) with lateness 20 is over when the watermark is 22.
    expect(lives({ assigner, latenessMs: 20 }, input(21)).outputs).toEqual([result('a', 0, 2, 1)])
    expect(lives({ assigner, latenessMs: 20 }, input(22)).outputs).toEqual([])
  })

  test('EN-048 a record behind the watermark is not late while its window is open', () => {
    const { outputs, ...rest } = lives({ assigner: tumbling(10) }, [watermark(8), a(3)])
    expect(outputs).toEqual([result('a', 0, 10, 1)])
    expect(rest.emitted).toHaveLength(1)
  })

  test('EN-049 a late record is counted and sent once to the side output, unchanged', () => {
    const late = { key: 'a', n: 5 }
    const running = lives({ assigner }, [a(1), watermark(2), at(1.5, late)])
    expect(running.side('late')).toEqual([{ value: late, time: 1.5 }])
    expect(running.counted('late')).toBe(1)
    expect(running.outputs).toEqual([result('a', 0, 2, 1)])
  })

  test('EN-050 a record that is late for some windows counts in the others', () => {
    const running = lives({ assigner: sliding({ size: 10, slide: 5 }) }, [a(12, 1), watermark(15), a(13, 2)])
    expect(running.outputs).toEqual([result('a', 5, 15, 1), result('a', 10, 20, 3)])
    expect(running.side('late')).toEqual([])
    const closed = lives({ assigner: sliding({ size: 10, slide: 5 }) }, [watermark(20), a(13, 2)])
    expect(closed.outputs).toEqual([])
    expect(closed.side('late')).toHaveLength(1)
  })

  test('EN-051 EN-052 within lateness a record emits the updated result at once', () => {
    const input = [a(1, 1), watermark(2), a(0, 3), watermark(5), a(1, 10)]
    expect(lives({ assigner, latenessMs: 20 }, input, false).outputs).toEqual([
      result('a', 0, 2, 1),
      result('a', 0, 2, 4),
      result('a', 0, 2, 14),
    ])
  })

  test('a first record within lateness emits its window', () => {
    expect(lives({ assigner, latenessMs: 20 }, [watermark(10), a(1, 3)]).outputs).toEqual([
      result('a', 0, 2, 3),
    ])
  })

  test('within lateness a record emits every ended window at once, and the open ones on time', () => {
    const input = [a(11, 1), a(4, 2), watermark(16), a(12, 4)]
    const setup = { assigner: sliding({ size: 10, slide: 5 }), latenessMs: 3 }
    expect(lives(setup, input, false).outputs).toEqual([
      result('a', -5, 5, 2),
      result('a', 0, 10, 2),
      result('a', 5, 15, 1),
      result('a', 5, 15, 5),
      result('a', 10, 20, 5),
    ])
  })

  test('EN-053 EN-054 EN-063 a watermark that passes end and lateness in one step emits the window once', () => {
    expect(lives({ assigner, latenessMs: 20 }, [a(1), watermark(1000)]).outputs).toEqual([
      result('a', 0, 2, 1),
    ])
  })

  test('EN-055 state is kept until end plus lateness, and then deleted', () => {
    const running = harness({ assigner, latenessMs: 20 })
    running.record({ key: 'a', n: 1 }, 1)
    running.watermark(21.5)
    expect(running.cells()).toEqual({ '#timers': 0, slices: 1 })
    running.watermark(22)
    expect(running.cells()).toEqual({ '#timers': 0, slices: 0 })
  })

  test('EN-057 state of slices shared by several windows is deleted, too', () => {
    const running = harness({ assigner: sliding({ size: 10, slide: 5 }), latenessMs: 3 })
    running.record({ key: 'a', n: 1 }, 1)
    running.watermark(12.9)
    expect(running.cells()).toMatchObject({ slices: 1 })
    running.watermark(13)
    expect(running.cells()).toMatchObject({ slices: 0 })
  })

  test('EN-025 EN-026 lateness beyond the end of time keeps windows until the input ends', () => {
    const running = lives({ assigner, latenessMs: Number.MAX_VALUE }, [a(1), watermark(8e15), a(1, 2)], false)
    expect(running.outputs).toEqual([result('a', 0, 2, 1), result('a', 0, 2, 3)])
    expect(running.side('late')).toEqual([])
  })

  test('EN-098 results emitted before a restart are not emitted again', () => {
    const running = harness({ assigner: sliding({ size: 10, slide: 5 }), latenessMs: 3 })
    running.record({ key: 'a', n: 1 }, 6)
    running.watermark(10)
    expect(running.outputs).toEqual([result('a', 0, 10, 1)])
    running.snapshotAndRestore()
    running.watermark(14)
    running.end()
    expect(running.outputs).toEqual([result('a', 0, 10, 1), result('a', 5, 15, 1)])
  })
})
