import { seededRandom } from '@millrace/world'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { finishedSplits, ScriptedSource, SplitLife } from '../../test/split-life.ts'
import { SplitWatermarks } from '../time/split-watermarks.ts'

/** The watermark of a subtask that was restored with that of its job and with what it knows of its splits. */
async function restoredWatermark(
  watermark: number,
  live: Readonly<Record<string, number | null>>,
  ended: Readonly<Record<string, number>> = {},
  mayGrow = false,
): Promise<number> {
  const watermarks = new SplitWatermarks(100, watermark)
  const finished = await finishedSplits()
  for (const [split, newest] of Object.entries(ended)) finished.add({ split, newest, position: undefined })
  const splits = Object.entries(live).map(([split, newest]) => ({ split, newest, position: 0 }))
  const names = [...Object.keys(live), ...Object.keys(ended)]
  const source = new ScriptedSource({
    splits: Object.fromEntries(names.map((each) => [each, []])),
    ends: true,
    mayGrow,
  })
  const restored = { source: 'scripted', splits, finished: finished.size }
  await SplitLife.begin(source, { watermarks, restored, finished, isBounded: true })
  return watermarks.current
}

test('after a restart, an ended split does not advance the watermark past one that has not ended', async () => {
  expect(await restoredWatermark(4_900, { live: 5_000 }, { ended: 10_000 })).toBe(4_900)
})

test('after a rescale the watermark is that of the splits, not that of the slowest subtask before', async () => {
  expect(await restoredWatermark(2_900, { a: 7_000, b: 5_000 })).toBe(4_900)
})

test('a split that was not read yet holds the restored watermark', async () => {
  expect(await restoredWatermark(2_900, { a: 7_000, b: null })).toBe(2_900)
})

test('when every split has ended and others may come, the watermark is that of the newest', async () => {
  expect(await restoredWatermark(4_900, {}, { a: 7_000, b: 5_000 }, true)).toBe(6_900)
})

test('a source that had ended has the watermark of its end, so what is added to its slowest split is not late', async () => {
  expect(await restoredWatermark(4_900, {}, { a: 7_000, b: 5_000 })).toBe(4_900)
})

describe('which split is read next', () => {
  test.each([64, 65, 1_000])(
    'each of %d busy splits is read, always the one furthest behind next',
    async (count) => {
      const source = new ScriptedSource({ splits: busy(count, 100), ends: false })
      const life = await SplitLife.begin(source)
      await life.run(() => life.read.length >= count * 50)
      expect(life.counts.size).toBe(count)
      const newest = newestBySplit(life)
      // A turn is ten records, and no split gets two turns while another is behind.
      expect(Math.max(...newest) - Math.min(...newest)).toBeLessThanOrEqual(20)
      expect(life.watermarks.current).toBe(Math.min(...newest))
    },
  )

  test('bounded splits of disjoint times are read one after another, after a first poll of each', async () => {
    const days = Array.from({ length: 200 }, (_, day) => [
      name(day),
      Array.from({ length: 50 }, (_each, record) => day * 1_000 + record),
    ])
    const life = await SplitLife.begin(new ScriptedSource({ splits: Object.fromEntries(days), ends: true }), {
      isBounded: true,
      maxOpenReaders: 8,
    })
    await life.run(() => life.watermarks.current >= 1_000)
    expect(life.read.length).toBeLessThan(200 * 2 + 60)
    await life.run()
    expect(life.read).toHaveLength(200 * 50)
    const order = life.read.slice(400).map(({ split }) => split)
    expect(new Set(order).size).toBe(order.filter((split, at) => split !== order[at - 1]).length)
  })

  test('splits without event time take turns, for any number of open readers', async () => {
    const source = new ScriptedSource({ splits: busy(100, 1_000), ends: false })
    const life = await SplitLife.begin(source, { hasTimestamps: false, maxOpenReaders: 7 })
    await life.run(() => life.read.length >= 100 * 50)
    const counts = [...life.counts.values()]
    expect(counts).toHaveLength(100)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(10)
    expect(source.openMost).toBe(7)
  })

  test('splits at the same event time take turns', async () => {
    const splits = Object.fromEntries(
      [0, 1, 2].map((split) => [name(split), Array.from({ length: 500 }, () => 7)]),
    )
    const life = await SplitLife.begin(new ScriptedSource({ splits, ends: false }))
    await life.run(() => life.read.length >= 300)
    expect(Math.min(...life.counts.values())).toBeGreaterThan(80)
  })

  test('a bounded job reads in the same order for any number of records per poll and any duration', async () => {
    const splits = busy(12, 60)
    const orders: (readonly { split: string; time: number }[])[] = []
    for (const seed of [undefined, 1, 2, 3]) {
      for (const limit of [3, 1_000]) {
        const source = new ScriptedSource({ splits, ends: true, ...(seed && { random: seededRandom(seed) }) })
        const life = await SplitLife.begin(source, { isBounded: true, maxOpenReaders: 4, limit })
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
          const life = await SplitLife.begin(source, { isBounded, hasTimestamps, maxOpenReaders })
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
    'a quiet split that was closed is read when it grows (the source reports it: %s)',
    async (saysChanges) => {
      const source = new ScriptedSource({ splits: busy(40, 1), ends: false, saysChanges })
      const life = await SplitLife.begin(source, { maxOpenReaders: 20 })
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

  test('a quiet split that was closed is opened only when it has new records', async () => {
    const source = new ScriptedSource({ splits: busy(40, 1), ends: false, saysChanges: true })
    const life = await SplitLife.begin(source, { maxOpenReaders: 20 })
    await life.run()
    for (let second = 0; second < 60; second++) {
      await life.clock.advance(1_000)
      await life.run()
    }
    expect(Math.max(...source.opened.values())).toBe(1)
    expect(life.set.entries().map(({ position }) => position)).toEqual(Array.from({ length: 40 }, () => 1))
  })

  test('a reader that must stay open is not closed, and does not count', async () => {
    const stayOpen = Array.from({ length: 10 }, (_, split) => name(split * 3))
    const source = new ScriptedSource({ splits: busy(30, 100), ends: false, saysChanges: true, stayOpen })
    const life = await SplitLife.begin(source, { maxOpenReaders: 4 })
    await life.run()
    expect(life.read).toHaveLength(30 * 100)
    expect(source.openMost).toBe(14)
    for (const [split, times] of source.opened) {
      if (stayOpen.includes(split)) expect(times).toBe(1)
    }
    expect(Math.max(...source.opened.values())).toBeGreaterThan(1)
    await life.set.close()
    expect(source.openNow).toBe(0)
  })

  test('a split that is closed holds back the watermark until it is idle', async () => {
    const source = new ScriptedSource({ splits: { a: [1], b: [5], c: [9] }, ends: false, saysChanges: true })
    const life = await SplitLife.begin(source, { maxOpenReaders: 1, idleAfterMs: 10_000 })
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
    const life = await SplitLife.begin(source, { isBounded: true })
    await life.run()
    expect([source.openNow, life.read.length]).toEqual([0, 90])
  })

  test('stays open until the checkpoint with its last position is durable, if its reader is to acknowledge', async () => {
    const source = new ScriptedSource({ splits: { a: [1, 2], b: [3, 4] }, ends: true, acknowledges: true })
    const life = await SplitLife.begin(source, { isBounded: true })
    const before = life.set.toAcknowledge()
    await life.run()
    const after = life.set.toAcknowledge()
    await life.set.acknowledge(before)
    expect([source.openNow, [...source.acknowledged.values()]]).toEqual([2, [0, 0]])
    await life.set.acknowledge(after)
    expect([source.openNow, [...source.acknowledged.values()]]).toEqual([0, [2, 2]])
  })
})

describe('splits that had ended for an earlier run', () => {
  /** Reads ten splits of two records each to their end, adds one to the third, and begins another life. */
  async function nextRun(isBounded: boolean, saysChanges: boolean) {
    const finished = await finishedSplits()
    const script = { splits: busy(10, 2), isResumable: true, saysChanges }
    const first = await SplitLife.begin(new ScriptedSource({ ...script, ends: true }), {
      isBounded: true,
      finished,
    })
    await first.run()
    const source = new ScriptedSource({ ...script, ends: isBounded })
    source.more(name(2), 100)
    const life = await SplitLife.begin(source, { isBounded, finished, idleAfterMs: 5_000 })
    await life.run()
    return { source, life, finished }
  }

  test('are read from their end if they have grown, each once', async () => {
    for (const saysChanges of [true, false]) {
      const { source, life, finished } = await nextRun(true, saysChanges)
      expect(life.read).toEqual([{ split: name(2), time: 100 }])
      expect([source.opened.size, finished.size]).toEqual([saysChanges ? 1 : 10, 10])
    }
  })

  test('are watched by a job that follows its input', async () => {
    for (const saysChanges of [true, false]) {
      const { source, life, finished } = await nextRun(false, saysChanges)
      expect([life.read, finished.size]).toEqual([[{ split: name(2), time: 100 }], 0])
      source.more(name(7), 200)
      await life.clock.advance(1_000)
      await life.run()
      expect(life.read.at(-1)).toEqual({ split: name(7), time: 200 })
      expect([life.watermarks.current, life.watermarks.isIdle]).toEqual([1, false])
      await life.clock.advance(5_000)
      await life.run()
      expect([life.watermarks.current, life.watermarks.isIdle]).toEqual([200, true])
    }
  })

  test('are not opened while discovery does not return them', async () => {
    const finished = await finishedSplits()
    finished.add({ split: 'elsewhere', newest: 5, position: 7 })
    const source = new ScriptedSource({ splits: busy(1, 1), ends: true })
    const life = await SplitLife.begin(source, { isBounded: true, finished })
    await life.run()
    expect([[...source.opened.keys()], finished.size]).toEqual([[name(0)], 2])
  })
})

describe('splits that have ended and are no longer discovered', () => {
  /** Ends 200 splits, names 20 of them in each later discovery, and returns which are still known. */
  async function knownAfter(gone: ((split: string) => boolean) | undefined): Promise<readonly string[]> {
    const source = new ScriptedSource({ splits: busy(200, 1), ends: true, mayGrow: true })
    if (gone !== undefined) source.gone = async (splits) => splits.filter(gone)
    const finished = await finishedSplits()
    const life = await SplitLife.begin(source, { finished })
    await life.run()
    for (let split = 20; split < 200; split++) source.times.delete(name(split))
    await life.clock.advance(1_000)
    await life.run()
    return Array.from(finished.all(), ({ split }) => split).toSorted()
  }

  test('are forgotten once the source reports them as gone', async () => {
    expect(await knownAfter(() => true)).toEqual(Object.keys(busy(20, 1)))
    expect(await knownAfter((split) => split >= name(100))).toEqual(Object.keys(busy(100, 1)))
  })

  test('are remembered until the source reports them as gone', async () => {
    expect(await knownAfter(undefined)).toEqual(Object.keys(busy(200, 1)))
    expect(await knownAfter(() => false)).toEqual(Object.keys(busy(200, 1)))
  })

  test('are not read again when they are discovered again', async () => {
    const source = new ScriptedSource({ splits: busy(200, 1), ends: true, mayGrow: true })
    const life = await SplitLife.begin(source)
    await life.run()
    const times = [...source.times]
    source.times.clear()
    await life.clock.advance(1_000)
    await life.run()
    for (const [split, each] of times) source.times.set(split, each)
    await life.clock.advance(1_000)
    await life.run()
    expect(life.read).toHaveLength(200)
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
