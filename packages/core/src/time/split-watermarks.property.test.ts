import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MIN_TIME } from '../record/time.ts'
import { SplitWatermarks } from './split-watermarks.ts'
import { WatermarkMerger } from './watermark-merger.ts'

const maxOutOfOrdernessMs = 5
const splitsMax = 4

const step = fc.record({
  split: fc.nat({ max: splitsMax - 1 }),
  call: fc.constantFrom('observe', 'observe', 'observe', 'observe', 'idle', 'idle', 'finish'),
  time: fc.integer({ min: -20, max: 60 }),
})

test('the splits of a source and the inputs of a task follow one rule', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: splitsMax }),
      fc.constantFrom(MIN_TIME, 0, 30),
      fc.array(step, { maxLength: 60 }),
      (count, initial, steps) => {
        const watermarks = new SplitWatermarks(maxOutOfOrdernessMs, initial)
        const splits = Array.from({ length: count }, (_, number) => watermarks.add(`${number}`))
        watermarks.unread(false)
        // One more input represents the splits that a source may still find, so that the last end is not the end of time.
        const merger = new WatermarkMerger(count + 1, initial)
        merger.idle(count)
        const live = new Set(splits.keys())
        for (const { split: number, call, time } of steps) {
          const at = number % count
          const split = splits[at]!
          if (!live.has(at)) continue
          if (call === 'observe') {
            watermarks.read(split)
            merger.active(at)
            expect(watermarks.observe(time)).toBe(watermarks.current)
            merger.advance(at, time - maxOutOfOrdernessMs)
          } else if (call === 'idle') {
            watermarks.idle(split)
            merger.idle(at)
          } else {
            watermarks.finish(split)
            merger.end(at)
            live.delete(at)
          }
          if (live.size === 0) return
          expect([watermarks.current, watermarks.isIdle]).toStrictEqual([merger.current, merger.isIdle])
        }
      },
    ),
    { numRuns: 2000 },
  )
})
