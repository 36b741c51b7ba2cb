import { operatorHarness, type OperatorHarness } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { operatorOf, probe, type Step } from '../../test/ttl-probe.ts'
import { output } from './process.ts'
import { state } from './state-spec.ts'
import type { StateTtlOptions } from './ttl.ts'

const step = (...steps: Step['steps']): Step => ({ key: 'a', steps })
const last = (harness: OperatorHarness<Step>) => harness.outputs.at(-1)?.value
const get = (harness: OperatorHarness<Step>, time: number) => {
  harness.record(step(['get']), time)
  return last(harness)
}

describe('a value with a time to live', () => {
  test('EN-173 expires 100 ms after it was last written, and is removed when it is looked up', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1]), 0)
    expect(get(harness, 20)).toBe(1)
    harness.record(step(['set', 2]), 50)
    expect(get(harness, 120)).toBe(2)
    harness.record(step(['set', 3]), 170)
    expect(get(harness, 220)).toBe(3)
    expect(harness.cells()['one']).toBe(1)
    expect(get(harness, 300)).toBe('none')
    expect(harness.cells()['one']).toBe(0)
  })

  test('EN-174 refresh on read: a read prolongs its life', () => {
    const harness = probe({ after: 100, refresh: 'read' })
    harness.record(step(['set', 1]), 0)
    expect([50, 120, 250].map((time) => get(harness, time))).toEqual([1, 1, 'none'])
  })

  test('refresh on creation: neither a read nor a write prolongs its life', () => {
    const harness = probe({ after: 100, refresh: 'create' })
    harness.record(step(['set', 1]), 0)
    harness.record(step(['set', 2]), 90)
    expect([99, 100].map((time) => get(harness, time))).toEqual([2, 'none'])
  })

  test('EN-175 visibility is strict: an expired value is not visible even once', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1], ['add', 1], ['put', 1]), 0)
    harness.record(step(['get'], ['list'], ['map'], ['size']), 100)
    expect(harness.outputs.map(({ value }) => value)).toEqual(['none', [], [], 0])
  })

  test('EN-176 a time to live without end does not overflow', () => {
    const harness = probe({ after: Number.MAX_VALUE })
    harness.record(step(['set', 1]), 8.64e15)
    expect(get(harness, 8.64e15)).toBe(1)
    harness.watermark(Number.MAX_VALUE / 2)
    expect(harness.cells()['one']).toBe(1)
  })

  test('EN-177 setting undefined clears it', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1], ['clear'], ['get']), 0)
    expect(last(harness)).toBe('none')
    harness.watermark(1_000)
    expect(harness.cells()['one']).toBe(0)
  })

  test('EN-178 each list element and map entry expires for itself', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['add', 1], ['put', 1]), 0)
    harness.record(step(['add', 2], ['put', 2]), 50)
    harness.record(step(['list'], ['map'], ['size']), 120)
    expect(harness.outputs.map(({ value }) => value)).toEqual([[2], [[2, 2]], 1])
  })

  test('EN-179 its stamp is part of a checkpoint, also at another parallelism', () => {
    for (const parallelism of [1, 3]) {
      const harness = probe({ after: 100 })
      harness.record(step(['set', 1]), 0)
      harness.snapshotAndRestore(parallelism)
      expect([99, 100].map((time) => get(harness, time))).toEqual([1, 'none'])
    }
  })

  test('EN-180 a checkpoint does not keep what has expired', () => {
    const harness = probe({ after: 100 })
    for (let n = 0; n < 20; n++) harness.record(step(['add', n]), n * 10)
    harness.watermark(150)
    expect(harness.cells()['list']).toBe(14)
    harness.snapshotAndRestore()
    harness.watermark(1_000)
    expect(harness.cells()['list']).toBe(0)
  })

  test('EN-182 keys and pieces of state expire for themselves', () => {
    const harness = probe({ after: 100 })
    harness.record({ key: 'a', steps: [['set', 1]] }, 0)
    harness.record({ key: 'b', steps: [['set', 2]] }, 60)
    harness.record({ key: 'a', steps: [['put', 1]] }, 60)
    harness.record({ key: 'a', steps: [['get'], ['map']] }, 110)
    harness.record({ key: 'b', steps: [['get']] }, 110)
    expect(harness.outputs.map(({ value }) => value)).toEqual(['none', [[1, 1]], 2])
  })

  test('EN-184 processing time is that of the engine, and nothing else makes it expire', () => {
    const harness = probe({ after: 100, clock: 'processing' })
    harness.processingTime(1_000)
    harness.record(step(['set', 1]), 0)
    harness.watermark(1e9)
    expect(get(harness, 1e9)).toBe(1)
    expect(harness.nextProcessing).toBe(1_100)
    harness.snapshotAndRestore()
    harness.processingTime(1_099)
    expect(get(harness, 1e9)).toBe(1)
    harness.processingTime(1_100)
    expect(harness.cells()['one']).toBe(0)
    expect(get(harness, 1e9)).toBe('none')
  })

  test('a stamp never moves back: an older record that writes does not shorten its life', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1]), 50)
    harness.record(step(['set', 2]), 10)
    expect([149, 150].map((time) => get(harness, time))).toEqual([2, 'none'])
  })

  test('a skipped record prolongs no life and deletes nothing', () => {
    const harness = probe({ after: 100, refresh: 'read' })
    harness.record(step(['set', 1], ['add', 1], ['put', 1]), 0)
    harness.record(step(['get'], ['list'], ['map'], ['clearAll'], ['add', 2], ['fail']), 50)
    harness.record(step(['get'], ['list'], ['map']), 100)
    expect(harness.outputs.map(({ value }) => value)).toEqual(['none', [], []])
    expect(harness.cells()).toMatchObject({ one: 0, list: 0, map: 0 })
  })

  test('a late record reads it by the watermark, and stamps what it writes with it', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1]), 0)
    harness.watermark(150)
    expect(get(harness, 10)).toBe('none')
    harness.record(step(['set', 2]), 10)
    expect([20, 249, 250].map((time) => get(harness, time))).toEqual([2, 2, 'none'])
  })

  test('the end of the input expires nothing', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1]), 0)
    harness.record({ key: 'b', steps: [['set', 1]] }, 500)
    harness.watermark(99)
    harness.end()
    expect(harness.outputs.map(({ value }) => value)).toEqual(['end a', 'end b'])
    expect(harness.cells()['one']).toBe(2)
  })

  test('an event timer sees state as it was at its own time, however far the watermark jumps', () => {
    const { create } = operatorOf((keyed) =>
      keyed.process('p', {
        output: output<unknown>(),
        state: { one: state.value<number>({ ttl: { after: 100 } }) },
        onRecord({ time }, { state: { one }, timers }) {
          one.set(time)
          for (const after of [50, 99, 100]) timers.setEvent(time + after)
        },
        onTimer: ({ time }, { state: { one }, emit }) => emit([time, one.get()]),
      }),
    )
    const harness = operatorHarness<Step>(create, { keyBy: ({ key }) => key })
    harness.record(step(), 0)
    harness.watermark(10_000)
    expect(harness.outputs.map(({ value }) => value)).toEqual([
      [50, 0],
      [99, 0],
      [100, undefined],
    ])
  })
})

describe('a write with a time to live of its own', () => {
  test('lives that long, shorter or longer than others of its piece of state', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1, 1_000], ['add', 1, 30], ['add', 2], ['put', 1, 30], ['put', 2, 500]), 0)
    const look = step(['get'], ['list'], ['map'])
    for (const time of [29, 30, 100, 500, 1_000]) harness.record(look, time)
    expect(harness.outputs.map(({ value }) => value)).toEqual(
      [
        [
          1,
          [1, 2],
          [
            [1, 1],
            [2, 2],
          ],
        ],
        [1, [2], [[2, 2]]],
        [1, [], [[2, 2]]],
        [1, [], []],
        ['none', [], []],
      ].flat(),
    )
  })

  test('without a declared one, only such a write expires', () => {
    const harness = probe({})
    harness.record(step(['add', 1], ['add', 2, 50]), 0)
    harness.record({ key: 'b', steps: [['set', 1]] }, 0)
    harness.watermark(51)
    expect(harness.cells()).toMatchObject({ list: 1, one: 1 })
    harness.record(step(['list']), 1e15)
    expect(last(harness)).toEqual([1])
  })

  test('begins anew whatever refreshes it, and a read prolongs it by its own length', () => {
    const created = probe({ after: 100, refresh: 'create' })
    created.record(step(['set', 1]), 0)
    created.record(step(['set', 2, 100]), 50)
    created.record(step(['set', 3]), 90)
    expect([149, 150].map((time) => get(created, time))).toEqual([3, 'none'])
    const used = probe({ after: 100, refresh: 'read' })
    used.record(step(['set', 1, 30]), 0)
    expect([29, 58, 88].map((time) => get(used, time))).toEqual([1, 1, 'none'])
  })

  test('one that is shorter than the value before is removed when its own life is over', () => {
    const harness = probe({ after: 1_000_000 })
    harness.record(step(['set', 1], ['put', 1]), 0)
    harness.record(step(['set', 2, 100], ['put', 1, 100]), 10)
    harness.watermark(112)
    expect(harness.cells()).toMatchObject({ one: 0, map: 0 })
  })

  test('a skipped record gives no value another time to live', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1], ['put', 1]), 0)
    harness.record(step(['set', 2, 10], ['put', 1, 1_000], ['fail']), 5)
    harness.record(step(['get'], ['map']), 99)
    harness.record(step(['get'], ['map']), 100)
    expect(harness.outputs.map(({ value }) => value)).toEqual([1, [[1, 1]], 'none', []])
  })

  test('is refused where state does not expire, and when it is no duration', () => {
    const refusal = (ttl: StateTtlOptions | undefined, options: object): string => {
      const { create } = operatorOf((keyed) =>
        keyed.process('p', {
          output: output<unknown>(),
          state: { one: state.value<number>(ttl === undefined ? {} : { ttl }) },
          onRecord: (_, { state: { one } }) => one.set(1, options),
        }),
      )
      const harness = operatorHarness<Step>(create, { keyBy: ({ key }) => key })
      try {
        harness.record(step(), 0)
        return 'none'
      } catch (error) {
        return String(error)
      }
    }
    expect(refusal(undefined, { ttl: '1h' })).toContain(
      "a write to state 'one' has a ttl, but the state has none",
    )
    expect(refusal({}, { ttl: '1h' })).toBe('none')
    expect(refusal({}, { ttl: 0 })).toContain("ttl of a write to state 'one' must be longer than zero")
    expect(refusal({}, { ttl: 'soon' })).toContain('which is not a duration')
    expect(refusal({}, { after: '1h' })).toContain('has no option after')
    expect(() => operatorOf((keyed) => keyed.reduce('r', (a) => a, { ttl: {} as never }))).toThrow(
      "ttl.after of 'r' is undefined, which is not a duration",
    )
  })
})

describe('a time to live of other operators', () => {
  test('reduce and scan begin anew after it, and leave nothing behind', () => {
    const ttl = { after: 100 }
    const nodes = [
      operatorOf((keyed) =>
        keyed.reduce('r', (a, b) => ({ key: a.key, steps: [...a.steps, ...b.steps] }), { ttl }),
      ),
      operatorOf((keyed) =>
        keyed.scan(
          's',
          () => [] as Step['steps'],
          (all, { steps }) => [...all, ...steps],
          { ttl },
        ),
      ),
    ]
    for (const { create } of nodes) {
      const harness = operatorHarness<Step>(create, { keyBy: ({ key }) => key })
      for (const time of [0, 90, 180, 290]) harness.record(step(['set', time]), time)
      const lengths = harness.outputs.map(({ value }) => {
        const total = (value as { readonly value: Step | Step['steps'] }).value
        return 'steps' in total ? total.steps.length : total.length
      })
      expect(lengths).toEqual([1, 2, 3, 1])
      harness.watermark(390)
      expect(Object.values(harness.cells()).reduce((a, b) => a + b)).toBe(0)
    }
  })
})
