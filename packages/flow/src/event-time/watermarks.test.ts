import type { Json, WatermarkGenerator } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { timestampSpec } from './timestamp-spec.ts'
import { adaptiveWatermark, punctuatedWatermark } from './watermarks.ts'

/** The watermarks after each record of a split. */
function watermarksOf(
  generator: WatermarkGenerator,
  times: readonly number[],
  saved?: Json,
): readonly unknown[] {
  const split = generator.create(saved)
  return times.map((time) => split.onRecord(undefined, time))
}

/** Times that advance by 1, of which every tenth is `late` behind the newest. */
const tenthLate = (count: number, late: number, from = 0): readonly number[] =>
  Array.from({ length: count }, (_, i) => from + (i % 10 === 9 ? i - late : i))

describe('an adaptive watermark', () => {
  test('stays behind by atMost until it has seen enough, then by what the share of records needs', () => {
    const times = tenthLate(1_000, 100)
    const all = watermarksOf(adaptiveWatermark({ share: 1, atMost: 1_000 }), times)
    expect(all.slice(0, 3)).toEqual([-1_000, -999, -998])
    // The delay of 99 is in the bucket from 96 to 103.
    expect(all.at(-2)).toBe(998 - 103)
    expect(watermarksOf(adaptiveWatermark({ share: 0.9, atMost: 1_000 }), times).at(-2)).toBe(998)
    expect(watermarksOf(adaptiveWatermark({ share: 0.9, atMost: 1_000, atLeast: 5 }), times).at(-2)).toBe(993)
    expect(watermarksOf(adaptiveWatermark({ share: 1, atMost: 50 }), times).at(-2)).toBe(948)
  })

  test('forgets old delays', () => {
    const times = [...tenthLate(5_000, 500), ...tenthLate(60_000, 20, 5_000)]
    const marks = watermarksOf(adaptiveWatermark({ share: 0.99, atMost: 1_000 }), times) as readonly number[]
    expect(times[4_998]! - marks[4_998]!).toBeGreaterThanOrEqual(499)
    expect(times[64_998]! - marks[64_998]!).toBeLessThan(25)
  })

  test('continues after a restore as if there had been none', () => {
    const times = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 })
    fc.assert(
      fc.property(times, fc.nat(200), (all, at) => {
        const generator = adaptiveWatermark({ share: 0.95, atMost: 250 })
        const first = generator.create(undefined)
        const before = all.slice(0, at).map((time) => first.onRecord(undefined, time))
        const saved = JSON.parse(JSON.stringify(first.state!())) as Json
        expect([...before, ...watermarksOf(generator, all.slice(at), saved)]).toEqual(
          watermarksOf(generator, all),
        )
      }),
    )
  })

  test.each([
    [() => adaptiveWatermark({ atMost: 0 }), /atMost of adaptiveWatermark/],
    [() => adaptiveWatermark({ atMost: 1, share: 0 }), /above 0 and at most 1/],
    [() => adaptiveWatermark({ atMost: 1, share: 99 }), /above 0 and at most 1/],
    [() => adaptiveWatermark({ atMost: 1, atLeast: 2 }), /is above atMost/],
    [() => adaptiveWatermark({ atMost: 1, most: 2 } as never), /no option most/],
  ])('%s is refused', (mistake, message) => {
    expect(mistake).toThrow(message)
  })
})

describe('withTimestamps', () => {
  test('takes one of watermark and maxOutOfOrderness', () => {
    const watermark = punctuatedWatermark((n: number) => n)
    const timestamp = (): number => 0
    expect(timestampSpec({ timestamp, watermark })).toMatchObject({
      generator: watermark,
    })
    expect(() => timestampSpec({ timestamp, watermark, maxOutOfOrderness: 1 })).toThrow(/give one of them/)
    expect(() => timestampSpec({ timestamp, watermark: {} as never })).toThrow(/needs a function/)
  })
})
