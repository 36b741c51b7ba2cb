import { ManualClock, seededRandom } from '@millrace/channels'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ScriptedSource, SplitLife } from '../../test/split-life.ts'
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
    context: context as ConnectorContext,
    readerContext: () => ({ context: context as ConnectorContext, release: () => {} }),
    subtask: 0,
    parallelism: 1,
    keyGroups: 16,
    watermarks,
    hasTimestamps: true,
    turnRecords: 10,
    maxOpenReaders: 10,
    idleAfterMs: undefined,
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

describe('which split is read next', () => {
  test.each([64, 65, 1_000])(
    'of %d busy splits every one is read, the one furthest behind next',
    async (count) => {
      const source = new ScriptedSource({ splits: busy(count, 100), ends: false })
      const life = new SplitLife(source)
      await life.set.open()
      await life.run(() => life.read.length >= count * 50)
      expect(life.counts.size).toBe(count)
      const newest = newestBySplit(life)
      // A turn is ten records, and no split gets two turns while another is behind.
      expect(Math.max(...newest) - Math.min(...newest)).toBeLessThanOrEqual(20)
      expect(life.watermarks.current).toBe(Math.min(...newest))
    },
  )

  test('bounded splits of disjoint times are read one after another, once a little of each is known', async () => {
    const days = Array.from({ length: 200 }, (_, day) => [
      name(day),
      Array.from({ length: 50 }, (_each, record) => day * 1_000 + record),
    ])
    const life = new SplitLife(new ScriptedSource({ splits: Object.fromEntries(days), ends: true }), {
      isBounded: true,
      maxOpenReaders: 8,
    })
    await life.set.open()
    await life.run(() => life.watermarks.current >= 1_000)
    expect(life.read.length).toBeLessThan(200 * 2 + 60)
    await life.run()
    expect(life.read).toHaveLength(200 * 50)
    const order = life.read.slice(400).map(({ split }) => split)
    expect(new Set(order).size).toBe(order.filter((split, at) => split !== order[at - 1]).length)
  })

  test('splits without event time take turns, whatever number may be open', async () => {
    const source = new ScriptedSource({ splits: busy(100, 1_000), ends: false })
    const life = new SplitLife(source, { hasTimestamps: false, maxOpenReaders: 7 })
    await life.set.open()
    await life.run(() => life.read.length >= 100 * 50)
    const counts = [...life.counts.values()]
    expect(counts).toHaveLength(100)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(10)
    expect(source.openMost).toBe(7)
  })

  test('splits that are all at the same time take turns', async () => {
    const splits = Object.fromEntries(
      [0, 1, 2].map((split) => [name(split), Array.from({ length: 500 }, () => 7)]),
    )
    const life = new SplitLife(new ScriptedSource({ splits, ends: false }))
    await life.set.open()
    await life.run(() => life.read.length >= 300)
    expect(Math.min(...life.counts.values())).toBeGreaterThan(80)
  })

  test('a bounded job reads in the same order, however many records a poll brings and however long it takes', async () => {
    const splits = busy(12, 60)
    const orders: (readonly { split: string; time: number }[])[] = []
    for (const seed of [undefined, 1, 2, 3]) {
      for (const limit of [3, 1_000]) {
        const source = new ScriptedSource({ splits, ends: true, ...(seed && { random: seededRandom(seed) }) })
        const life = new SplitLife(source, { isBounded: true, maxOpenReaders: 4, limit })
        await life.set.open()
        await life.run()
        orders.push(life.read)
      }
    }
    expect(orders[0]).toHaveLength(12 * 60)
    for (const order of orders) expect(order).toEqual(orders[0])
  })
})

describe('more splits than readers may be open', () => {
  test('every record of every split is read once, in the order of its split', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        fc.boolean(),
        fc.nat(),
        async (count, maxOpenReaders, isBounded, hasTimestamps, seed) => {
          const splits = busy(count, 30)
          const source = new ScriptedSource({ splits, ends: true, random: seededRandom(seed) })
          const life = new SplitLife(source, { isBounded, hasTimestamps, maxOpenReaders })
          await life.set.open()
          await life.run()
          for (const [split, times] of Object.entries(splits)) {
            expect(life.read.filter((each) => each.split === split).map(({ time }) => time)).toEqual(times)
          }
          expect(source.openMost).toBeLessThanOrEqual(maxOpenReaders)
          expect(source.openNow).toBe(0)
        },
      ),
    )
  })

  test.each([true, false])(
    'a quiet split that was closed is read when it grows (source says so: %s)',
    async (saysChanges) => {
      const source = new ScriptedSource({ splits: busy(40, 1), ends: false, saysChanges })
      const life = new SplitLife(source, { maxOpenReaders: 20 })
      await life.set.open()
      await life.run()
      expect(life.read).toHaveLength(40)
      for (let round = 0; round < 5; round++) {
        for (let split = 0; split < 40; split++) source.more(name(split), 1_000 + round)
        await life.clock.advance(1_000)
        await life.run()
        await life.clock.advance(1_000)
        await life.run()
      }
      expect([...life.counts.values()]).toEqual(Array.from({ length: 40 }, () => 6))
      expect(source.openMost).toBe(20)
    },
  )

  test('a quiet split that was closed is opened only when there is something to read', async () => {
    const source = new ScriptedSource({ splits: busy(40, 1), ends: false, saysChanges: true })
    const life = new SplitLife(source, { maxOpenReaders: 20 })
    await life.set.open()
    await life.run()
    for (let second = 0; second < 60; second++) {
      await life.clock.advance(1_000)
      await life.run()
    }
    expect(Math.max(...source.opened.values())).toBe(1)
    expect(life.set.entries().map(({ position }) => position)).toEqual(Array.from({ length: 40 }, () => 1))
  })

  test('a split that is closed holds back the watermark until it is idle', async () => {
    const source = new ScriptedSource({ splits: { a: [1], b: [5], c: [9] }, ends: false, saysChanges: true })
    const life = new SplitLife(source, { maxOpenReaders: 1, idleAfterMs: 10_000 })
    await life.set.open()
    await life.run()
    expect([life.read.length, life.watermarks.current]).toEqual([3, 1])
    await life.clock.advance(10_000)
    await life.run()
    expect([life.watermarks.current, life.watermarks.isIdle]).toEqual([9, true])
  })
})

describe('a split that has ended', () => {
  test('is closed at once', async () => {
    const source = new ScriptedSource({ splits: busy(30, 3), ends: true })
    const life = new SplitLife(source, { isBounded: true })
    await life.set.open()
    await life.run()
    expect([source.openNow, life.read.length]).toEqual([0, 90])
  })

  test('is kept open until the checkpoint with its last position is durable, if its reader wants to hear', async () => {
    const source = new ScriptedSource({ splits: { a: [1, 2], b: [3, 4] }, ends: true, acknowledges: true })
    const life = new SplitLife(source, { isBounded: true })
    await life.set.open()
    const before = life.set.toAcknowledge()
    await life.run()
    const after = life.set.toAcknowledge()
    await life.set.acknowledge(before)
    expect([source.openNow, [...source.acknowledged.values()]]).toEqual([2, [0, 0]])
    await life.set.acknowledge(after)
    expect([source.openNow, [...source.acknowledged.values()]]).toEqual([0, [2, 2]])
  })
})

/** Splits with so many records each, a millisecond apart. */
function busy(count: number, records: number): Record<string, readonly number[]> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, split) => [
      name(split),
      Array.from({ length: records }, (_each, at) => at),
    ]),
  )
}

function name(split: number): string {
  return `split-${String(split).padStart(5, '0')}`
}

function newestBySplit(life: SplitLife): readonly number[] {
  const newest = new Map<string, number>()
  for (const { split, time } of life.read) newest.set(split, time)
  return [...newest.values()]
}
