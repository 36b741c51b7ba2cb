/**
 * Windows of many slices: their cost, counted in steps, and that keeping parts of them merged changes no
 * result.
 */
import { operatorHarness, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aggregator, type Aggregate, type Aggregates } from './aggregate.ts'
import { count } from './count.ts'
import { cumulative } from './cumulative.ts'
import { AlignedWindows, sliding } from './sliding.ts'
import type { WindowAssigner } from './assigner.ts'
import { SliceWindowOperator } from './slice-window-operator.ts'

interface Reading {
  readonly key: string
  readonly text: string
}

function harnessOf(
  assigner: WindowAssigner,
  aggregates: Aggregates<Reading>,
  latenessMs = 0,
): OperatorHarness<Reading> {
  return operatorHarness<Reading>(
    () =>
      new SliceWindowOperator({
        name: 'window',
        assigner,
        aggregates: aggregates as Aggregates<unknown>,
        latenessMs,
      }),
    { keyBy: ({ key }) => key, outputs: ['late'] },
  )
}

/** A text that shows the order of merging: `add` separates by a comma, `merge` by brackets. */
function trace(isFixedSize: boolean): Aggregate<Reading, string, string> {
  return aggregator({
    kind: 'trace',
    version: 1,
    create: () => '',
    add: (all: string, { text }: Reading) => (all === '' ? text : `${all},${text}`),
    merge: (a, b) => (a === '' || b === '' ? a + b : `[${a} ${b}]`),
    result: (all) => all,
    isFixedSize,
  })
}

/** The values in the order in which they were merged. */
const flat = (traced: string): string[] => traced.split(/[[\] ,]+/).filter((text) => text !== '')

interface Step {
  readonly key: string
  readonly forward: number
  readonly back: number
  readonly isRestart: boolean
}

const steps = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    forward: fc.integer({ min: 0, max: 9 }),
    back: fc.nat({ max: 12 }),
    isRestart: fc.boolean(),
  }),
  { maxLength: 80 },
)
const shapes = fc.record({
  slide: fc.integer({ min: 1, max: 4 }),
  more: fc.nat({ max: 30 }),
  offset: fc.constantFrom(0, 1),
  latenessMs: fc.constantFrom(0, 0, 15),
})

function run(harness: OperatorHarness<Reading>, moves: readonly Step[], restarts: boolean): unknown {
  let newest = 0
  for (const [index, { key, forward, back, isRestart }] of moves.entries()) {
    harness.watermark(newest - 5)
    if (restarts && isRestart) harness.snapshotAndRestore()
    harness.record({ key, text: String(index) }, newest + forward - back)
    newest += forward
  }
  harness.end()
  return harness.outputs.map(({ value }) => value)
}

describe('parts of windows that are kept merged', () => {
  test('contain the same values in the same order as newly merged windows', () => {
    fc.assert(
      fc.property(shapes, steps, ({ slide, more, offset, latenessMs }, moves) => {
        const assigner = sliding({ size: slide + more, slide, offset: offset % slide })
        const kept = harnessOf(assigner, { trace: trace(true) }, latenessMs)
        const anew = harnessOf(assigner, { trace: trace(false) }, latenessMs)
        const results = (harness: OperatorHarness<Reading>) =>
          (run(harness, moves, false) as { trace: string }[]).map((result) => ({
            ...result,
            trace: flat(result.trace),
          }))
        expect(results(kept)).toEqual(results(anew))
      }),
      { numRuns: 300 },
    )
  })

  test('are merged in the same order after a restart, so that a sum of fractions has the same last bit', () => {
    fc.assert(
      fc.property(shapes, steps, ({ slide, more, offset, latenessMs }, moves) => {
        const assigner = sliding({ size: slide + more, slide, offset: offset % slide })
        const once = run(harnessOf(assigner, { trace: trace(true) }, latenessMs), moves, false)
        const again = run(harnessOf(assigner, { trace: trace(true) }, latenessMs), moves, true)
        expect(again).toEqual(once)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the cost of windows', () => {
  /** Counts calls of the assigner. */
  class Counting extends AlignedWindows {
    calls = 0

    override slice(time: number) {
      this.calls++
      return super.slice(time)
    }
  }

  test('a window of a day that slides by a second over two records costs a few steps per result', () => {
    const day = 86_400_000
    const assigner = new Counting('counting', { size: day, slide: 1_000, offset: 0 })
    const harness = harnessOf(assigner, { n: count() })
    harness.record({ key: 'a', text: '' }, 0)
    harness.record({ key: 'a', text: '' }, 2 * day)
    harness.end()
    expect(harness.outputs).toHaveLength(2 * 86_400)
    expect(assigner.calls).toBeLessThan(8 * 86_400 * 2)
  })

  test('windows without records cost nothing, however many there are', () => {
    const assigner = new Counting('counting', { size: 10_000, slide: 1_000, offset: 0 })
    const harness = harnessOf(assigner, { n: count() })
    harness.record({ key: 'a', text: '' }, 0)
    harness.record({ key: 'a', text: '' }, 1e12)
    harness.end()
    expect(harness.outputs).toHaveLength(20)
    expect(assigner.calls).toBeLessThan(200)
  })

  /** Counts how often accumulators are merged. */
  function countMerges(assigner: WindowAssigner, records: number): { merges: number; results: number } {
    let merges = 0
    const counted = aggregator<Reading, number, number>({
      kind: 'counted',
      version: 1,
      create: () => 0,
      add: (n) => n + 1,
      merge: (a, b) => {
        merges++
        return a + b
      },
      result: (n) => n,
    })
    const harness = harnessOf(assigner, { counted })
    for (let time = 0; time < records; time++) {
      harness.watermark(time)
      for (const key of ['a', 'b']) harness.record({ key, text: '' }, time)
    }
    harness.end()
    return { merges, results: harness.outputs.length }
  }

  test.each([10, 100, 1_000])('a window of %i slices is merged in four steps', (slices) => {
    const records = 3 * slices
    const { merges, results } = countMerges(sliding({ size: slices, slide: 1 }), records)
    expect(results).toBe(2 * (records + slices - 1))
    // Each slice is copied and merged backwards once and forwards once, and each window merges two parts.
    expect(merges / results).toBeLessThan(5)
  })

  test('the cost of a window does not depend on its slices where keys are in few of them', () => {
    const costs = [100, 400].map((size) => {
      let merges = 0
      const counted = aggregator<Reading, number, number>({
        kind: 'counted',
        version: 1,
        create: () => 0,
        add: (n) => n + 1,
        merge: (a, b) => {
          merges++
          return a + b
        },
        result: (n) => n,
      })
      const harness = harnessOf(sliding({ size, slide: 1 }), { counted })
      for (let time = 0; time < 800; time++) {
        harness.watermark(time)
        harness.record({ key: `key ${(time * 7) % 20}`, text: '' }, time)
      }
      harness.end()
      // Cells: one for each record, until its last window has ended.
      expect(harness.cells()['slices']).toBe(0)
      return merges / harness.outputs.length
    })
    expect(Math.max(...costs)).toBeLessThan(2)
  })

  test.each([10, 100, 1_000])(
    'the largest of %i cumulative windows costs no more merges than the first',
    (steps) => {
      const { merges, results } = countMerges(cumulative({ maxSize: steps, step: 1 }), 3 * steps)
      expect(results).toBe(2 * 3 * steps)
      expect(merges / results).toBeLessThan(2)
    },
  )
})
