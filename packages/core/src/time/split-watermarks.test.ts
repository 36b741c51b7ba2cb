import { describe, expect, test } from 'vitest'
import { MIN_TIME } from '../record/time.ts'
import { SplitWatermarks, type SplitTime } from './split-watermarks.ts'

/** Watermarks of splits that are all known from the start, without disorder. */
function watermarksOf(count: number): { watermarks: SplitWatermarks; splits: readonly SplitTime[] } {
  const watermarks = new SplitWatermarks(0)
  const splits = Array.from({ length: count }, (_, number) => watermarks.add(`${number}`))
  watermarks.unread(false)
  return { watermarks, splits }
}

function observe(watermarks: SplitWatermarks, split: SplitTime, time: number): number {
  watermarks.read(split)
  return watermarks.observe(time)
}

describe('the watermark of the splits of a source', () => {
  test('a split that finishes ahead of an idle one does not make the idle one late', () => {
    const { watermarks, splits } = watermarksOf(2)
    const [idle, finished] = [splits[0]!, splits[1]!]
    observe(watermarks, idle, 100)
    observe(watermarks, finished, 10_000)
    watermarks.idle(idle)
    expect(watermarks.current).toBe(10_000)
    const again = watermarksOf(2)
    observe(again.watermarks, again.splits[0]!, 100)
    observe(again.watermarks, again.splits[1]!, 10_000)
    again.watermarks.finish(again.splits[1]!)
    again.watermarks.idle(again.splits[0]!)
    expect(again.watermarks.current).toBe(100)
  })

  test('a split that resumes behind the watermark does not hold it back until it has caught up', () => {
    const { watermarks, splits } = watermarksOf(2)
    observe(watermarks, splits[0]!, 100)
    watermarks.idle(splits[0]!)
    observe(watermarks, splits[1]!, 1_000)
    expect(observe(watermarks, splits[0]!, 200)).toBe(1_000)
    expect(observe(watermarks, splits[1]!, 1_100)).toBe(1_100)
    observe(watermarks, splits[0]!, 1_200)
    expect(observe(watermarks, splits[1]!, 1_300)).toBe(1_200)
  })

  test('an added split holds the watermark until it has passed it', () => {
    const { watermarks, splits } = watermarksOf(1)
    observe(watermarks, splits[0]!, 100)
    const added = watermarks.add('added')
    expect(observe(watermarks, splits[0]!, 200)).toBe(100)
    expect(observe(watermarks, added, 50)).toBe(100)
    expect(observe(watermarks, added, 150)).toBe(150)
  })

  test('splits that were not read yet hold the watermark', () => {
    const watermarks = new SplitWatermarks(0)
    const split = watermarks.add('added')
    expect(observe(watermarks, split, 100)).toBe(MIN_TIME)
    expect([watermarks.isIdle, watermarks.holder]).toEqual([false, undefined])
    watermarks.unread(false)
    expect([watermarks.current, watermarks.holder]).toEqual([100, split])
  })

  test('when every split has finished, the watermark is that of the most advanced split', () => {
    const { watermarks, splits } = watermarksOf(2)
    observe(watermarks, splits[0]!, 7_000)
    observe(watermarks, splits[1]!, 5_000)
    watermarks.finish(splits[0]!)
    expect([watermarks.current, watermarks.isIdle]).toEqual([5_000, false])
    watermarks.finish(splits[1]!)
    expect([watermarks.current, watermarks.isIdle]).toEqual([7_000, true])
  })

  test('the index of a finished split is reused, and the new split has its own time', () => {
    const { watermarks, splits } = watermarksOf(2)
    observe(watermarks, splits[0]!, 7_000)
    watermarks.finish(splits[0]!)
    const added = watermarks.add('added')
    expect([added.input, added.newest]).toEqual([splits[0]!.input, MIN_TIME])
    observe(watermarks, splits[1]!, 9_000)
    expect(observe(watermarks, added, 8_000)).toBe(8_000)
  })
})
