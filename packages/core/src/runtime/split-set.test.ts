import { ManualClock, seededRandom } from '@millrace/channels'
import { expect, test } from 'vitest'
import type { SplitEntry } from '../checkpoint/manifest.ts'
import { memorySource } from '../connect/memory.ts'
import type { ConnectorContext } from '../connect/source.ts'
import { SplitWatermarks } from '../time/split-watermarks.ts'
import { SplitSet } from './split-set.ts'

/** The watermark of a subtask that was restored with that of its job and with what it knows of its splits. */
async function restoredWatermark(
  watermark: number,
  splits: readonly Pick<SplitEntry, 'split' | 'newest' | 'isFinished'>[],
): Promise<number> {
  const watermarks = new SplitWatermarks(100, watermark)
  const context: Partial<ConnectorContext> = {
    clock: new ManualClock(0),
    random: seededRandom(0),
    isBounded: true,
  }
  const set = new SplitSet({
    source: memorySource(Object.fromEntries(splits.map(({ split }) => [split, []]))),
    context: () => context as ConnectorContext,
    subtask: 0,
    parallelism: 1,
    keyGroups: 16,
    watermarks,
    hasTimestamps: true,
    restored: { source: 'source', splits: splits.map((entry) => ({ ...entry, position: 0 })) },
    wake: () => {},
  })
  await set.open()
  return watermarks.current
}

test('a split that has ended does not carry the watermark past one that has not, after a restart', async () => {
  const splits = [
    { split: 'ended', newest: 10_000, isFinished: true },
    { split: 'going on', newest: 5_000, isFinished: false },
  ]
  expect(await restoredWatermark(4_900, splits)).toBe(4_900)
})

test('after a rescale the watermark is that of the splits, not that of the slowest subtask before', async () => {
  const splits = [
    { split: 'a', newest: 7_000, isFinished: false },
    { split: 'b', newest: 5_000, isFinished: false },
  ]
  expect(await restoredWatermark(2_900, splits)).toBe(4_900)
})

test('a split of which nothing is known yet holds the restored watermark where it is', async () => {
  const splits = [
    { split: 'a', newest: 7_000, isFinished: false },
    { split: 'b', newest: null, isFinished: false },
  ]
  expect(await restoredWatermark(2_900, splits)).toBe(2_900)
})

test('where every split has ended the watermark is that of the newest', async () => {
  const splits = [
    { split: 'a', newest: 7_000, isFinished: true },
    { split: 'b', newest: 5_000, isFinished: true },
  ]
  expect(await restoredWatermark(4_900, splits)).toBe(6_900)
})
