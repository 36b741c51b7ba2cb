import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Slice, Window, WindowAssigner } from './assigner.ts'
import { sliding, floorMod } from './sliding.ts'
import { tumbling } from './tumbling.ts'

/** The windows that contain `time`, earliest first. */
function windowsOf(assigner: WindowAssigner, time: number): Window[] {
  const { firstWindowEnd, lastWindowEnd } = assigner.slice(time)
  const windows: Window[] = []
  for (let end = firstWindowEnd; end <= lastWindowEnd; end = assigner.slice(end).firstWindowEnd)
    windows.push({ start: assigner.startOf(end), end })
  return windows
}

function starts(assigner: WindowAssigner, time: number): number[] {
  return windowsOf(assigner, time).map(({ start }) => start)
}

function startsOf(assigner: WindowAssigner, times: readonly number[]): number[] {
  return times.flatMap((time) => starts(assigner, time))
}

describe('tumbling windows', () => {
  test('EN-001 a window includes its start and excludes its end', () => {
    expect(startsOf(tumbling(5), [5, 9, 10])).toEqual([5, 5, 10])
  })

  test('EN-002 size 7 without offset', () => {
    expect(startsOf(tumbling(7), [1, 6, 7, 8])).toEqual([0, 0, 7, 7])
  })

  test('EN-003 size 7 with offset 3', () => {
    expect(startsOf(tumbling(7, { offset: 3 }), [1, 2, 3, 9, 10])).toEqual([-4, -4, 3, 3, 10])
  })

  test('EN-004 size 7 with offset -2', () => {
    expect(startsOf(tumbling(7, { offset: -2 }), [1, -2, 3, 4, 7, 12])).toEqual([-2, -2, -2, -2, 5, 12])
  })

  test('EN-005 days of a zone 8 hours ahead of UTC', () => {
    expect(starts(tumbling('1d', { offset: '-8h' }), 1470902048450)).toEqual([1470844800000])
  })

  test('EN-006 times before the epoch are rounded down, not towards it', () => {
    expect(startsOf(tumbling(7), [-1, -7, -8, -15])).toEqual([-7, -7, -14, -21])
    expect(starts(tumbling(5), -1)).toEqual([-5])
  })

  test('times with a fraction are in the window of their integer part', () => {
    const shifted = tumbling(10, { offset: '-3ms' })
    expect(startsOf(shifted, [0.1, -0.1, -3.001, 1470902048446.999])).toEqual([-3, -3, -13, 1470902048437])
    expect(startsOf(tumbling(7, { offset: 3 }), [0.1, 9.999])).toEqual([-4, 3])
    expect(Object.is(starts(tumbling(5), -0)[0], 0)).toBe(true)
  })
})

describe('sliding windows', () => {
  test('EN-007 size 5000, slide 1000', () => {
    const assigner = sliding({ size: 5000, slide: 1000 })
    expect(starts(assigner, 0)).toEqual([-4000, -3000, -2000, -1000, 0])
    expect(starts(assigner, 4999)).toEqual([0, 1000, 2000, 3000, 4000])
    expect(starts(assigner, 5000)).toEqual([1000, 2000, 3000, 4000, 5000])
  })

  test('EN-008 with offset 100', () => {
    const assigner = sliding({ size: 5000, slide: 1000, offset: 100 })
    expect(starts(assigner, 100)).toEqual([-3900, -2900, -1900, -900, 100])
    expect(starts(assigner, 5099)).toEqual([100, 1100, 2100, 3100, 4100])
    expect(starts(assigner, 5100)).toEqual([1100, 2100, 3100, 4100, 5100])
  })

  test('EN-009 with offset -100', () => {
    const assigner = sliding({ size: 5000, slide: 1000, offset: -100 })
    expect(starts(assigner, 0)).toEqual([-4100, -3100, -2100, -1100, -100])
  })

  test('EN-010 the size is not a multiple of the slide', () => {
    const assigner = sliding({ size: 12, slide: 5 })
    expect(windowsOf(assigner, 21)).toEqual([
      { start: 10, end: 22 },
      { start: 15, end: 27 },
      { start: 20, end: 32 },
    ])
  })

  test('EN-011 windows overlap by a millisecond', () => {
    const assigner = sliding({ size: 6, slide: 5 })
    expect(starts(assigner, 7)).toEqual([5])
    expect(starts(assigner, 5)).toEqual([0, 5])
  })

  test('slices begin where a window starts or ends, and each has the ends of its first and last window', () => {
    const assigner = sliding({ size: 12, slide: 5 })
    const slices: Slice[] = []
    for (let time = 10; time < 22; time = slices.at(-1)!.end) slices.push(assigner.slice(time))
    expect(slices).toEqual([
      { start: 10, end: 12, firstWindowEnd: 12, lastWindowEnd: 22 },
      { start: 12, end: 15, firstWindowEnd: 17, lastWindowEnd: 22 },
      { start: 15, end: 17, firstWindowEnd: 17, lastWindowEnd: 27 },
      { start: 17, end: 20, firstWindowEnd: 22, lastWindowEnd: 27 },
      { start: 20, end: 22, firstWindowEnd: 22, lastWindowEnd: 32 },
    ])
    expect(assigner.startOf(22)).toBe(10)
  })
})

describe('options', () => {
  const refused = (build: () => unknown, message: RegExp) => {
    expect(build).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }),
    )
  }

  test('EN-013 invalid options are rejected with the name of the parameter', () => {
    for (const size of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 'soon', 0.5, '0s']) {
      refused(() => tumbling(size), /^size /)
      refused(() => sliding({ size, slide: 1 }), /^size /)
      refused(() => sliding({ size: 10, slide: size }), /^slide /)
    }
    for (const offset of [7, -7, '-7ms', 8, Number.NaN, Number.POSITIVE_INFINITY, 0.5, '--1ms', 'x']) {
      refused(() => tumbling(7, { offset }), /^offset /)
      refused(() => sliding({ size: 10, slide: 7, offset }), /^offset /)
    }
    refused(() => tumbling(2 ** 53), /^size /)
  })

  test('EN-028 equal windows are equal', () => {
    expect(tumbling('1m')).toEqual(tumbling(60_000))
    expect(tumbling(5)).not.toEqual(tumbling(6))
    expect(tumbling(5, { offset: '-0s' })).toEqual(tumbling(5))
  })

  test('EN-028 two sets of windows have the same fingerprint exactly if they are equal', () => {
    const same: readonly (readonly [WindowAssigner, WindowAssigner])[] = [
      [tumbling('1m'), tumbling(60_000)],
      [tumbling(10), sliding({ size: 10, slide: 10 })],
      [tumbling('1d', { offset: '-8h' }), tumbling('1d', { offset: '16h' })],
      [tumbling(10, { offset: 5 }), tumbling(10, { offset: -5 })],
      [sliding({ size: 10, slide: 4, offset: -1 }), sliding({ size: 10, slide: 4, offset: 3 })],
    ]
    for (const [a, b] of same) expect(a.fingerprint).toEqual(b.fingerprint)
    const different = [
      tumbling(10),
      tumbling(20),
      tumbling(10, { offset: 1 }),
      sliding({ size: 10, slide: 5 }),
      sliding({ size: 10, slide: 2 }),
      sliding({ size: 20, slide: 5 }),
    ].map(({ fingerprint }) => JSON.stringify(fingerprint))
    expect(new Set(different).size).toBe(different.length)
  })
})

describe('floorMod', () => {
  test('EN-006 negative times are rounded down to the window before them', () => {
    const start = (time: number): number => time - floorMod(time, 7)
    expect([-1, -7, -8, -15, 0, 6, 7].map(start)).toStrictEqual([-7, -7, -14, -21, 0, 0, 7])
  })

  test('an exact multiple leaves 0 and never -0', () => {
    expect(Object.is(floorMod(-14, 7), 0)).toBe(true)
    expect(Object.is(floorMod(-0, 7), 0)).toBe(true)
  })

  test('the result takes the sign of the divisor', () => {
    expect([floorMod(1, -7), floorMod(-1, -7), floorMod(7, -7)]).toStrictEqual([-6, -1, 0])
  })

  test('the result is the remainder of whole steps, and less than one step', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 2 ** 40 }), (a, b) => {
        const rest = floorMod(a, b)
        expect(rest >= 0 && rest < b).toBe(true)
        expect((BigInt(a) - BigInt(rest)) % BigInt(b)).toBe(0n)
      }),
    )
  })
})
