import { memory } from '@millrace/connector-memory'
import { output, state, type PipelineBuilder } from '@millrace/flow'
import type { SimPlatform } from '@millrace/testkit'
import { sleep } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { batches, measuring, timed, type Measuring, type Written } from './measuring.ts'

const constant = (n: number, size: number): readonly number[] => Array.from({ length: n }, () => size)

/** How long the calls of a log took between two moments. */
function tookBetween(log: readonly Written[], from: number, until: number): number {
  const parts = log.map((call) => Math.max(0, Math.min(call.until, until) - Math.max(call.from, from)))
  return parts.reduce((sum, each) => sum + each, 0)
}

const recordsBefore = (log: readonly Written[], at: number): number =>
  log.reduce((sum, { from, records }) => (from <= at ? sum + records : sum), 0)

/** The moments that rates and shares are computed between. */
function intervalOf({ measured }: Measuring): { readonly from: number; readonly until: number } {
  const { now, before } = measured.interval
  return { from: before.monotonic, until: now.monotonic }
}

const share = (at: Measuring, task: string) =>
  at.measured.figures().tasks.find((each) => each.task === task)!.shares

describe('shares of the time', () => {
  test('a sink that works 4 ms of each 10 is as busy as the log of its calls says, and idle otherwise', async () => {
    const log: Written[] = []
    await measuring(
      (p) => p.from('numbers', batches(constant(2_000, 3), undefined, 10)).to('out', timed(log, 4)),
      (at) => {
        const { from, until } = intervalOf(at)
        if (until < 8_000) return false
        const expected = tookBetween(log, from, until) / (until - from)
        expect(expected).toBeCloseTo(0.4, 1)
        expect(share(at, 'out').busy).toBeCloseTo(expected, 6)
        expect(share(at, 'out').idle).toBeCloseTo(1 - expected, 6)
        expect(share(at, 'numbers').backPressured).toBe(0)
        return true
      },
      { checkpoints: { everyMs: 1e9 } },
      250,
    )
  })

  test('a sink that is always called is busy all the time, and the source before it waits for room', async () => {
    const log: Written[] = []
    await measuring(
      (p) => p.from('numbers', batches(constant(5_000, 3))).to('out', timed(log, 20)),
      (at) => {
        const { from, until } = intervalOf(at)
        if (until < 8_000) return false
        expect(tookBetween(log, from, until)).toBe(until - from)
        expect(share(at, 'out')).toEqual({ busy: 1, backPressured: 0, idle: 0, waiting: 0 })
        // One record more is read each time that the sink takes one.
        expect(share(at, 'numbers').backPressured).toBeGreaterThan(0.9)
        expect(at.measured.figures().tasks.map(({ task, isBottleneck }) => [task, isBottleneck])).toEqual([
          ['numbers', false],
          ['out', true],
        ])
        return true
      },
      { checkpoints: { everyMs: 1e9 } },
      250,
    )
  })
})

test('subtasks: records, rate and busy share of each are those of its own calls', async () => {
  const log: Written[] = []
  await measuring(
    (p) =>
      p
        .from('numbers', batches(constant(4_000, 40), undefined, 5))
        .keyBy((n) => n % 13)
        .scan(
          'sum',
          () => 0,
          (sum, n) => sum + n,
        )
        .to('out', timed(log, 1)),
    (at) => {
      const { from, until } = intervalOf(at)
      if (until < 7_000) return false
      const { subtasks } = at.measured.detail('out')!
      expect(subtasks.map(({ subtask }) => subtask)).toEqual([0, 1, 2])
      for (const each of subtasks) {
        const own = log.filter(({ subtask }) => subtask === each.subtask)
        const before = recordsBefore(own, from)
        const now = recordsBefore(own, until)
        expect(now).toBeGreaterThan(1_000)
        expect([each.subtask, each.recordsIn]).toEqual([each.subtask, now])
        expect(each.inRate).toBeCloseTo(((now - before) * 1_000) / (until - from), 6)
        expect(each.shares.busy).toBeCloseTo(tookBetween(own, from, until) / (until - from), 6)
      }
      const busy = subtasks.map((each) => each.shares.busy)
      const { shares, busiest } = at.measured.figures().tasks.find(({ task }) => task === 'out')!
      expect(busiest).toEqual({ subtask: busy.indexOf(Math.max(...busy)), busy: Math.max(...busy) })
      expect(shares.busy).toBeCloseTo(busy.reduce((sum, own) => sum + own, 0) / 3, 6)
      const rate = subtasks.reduce((sum, { inRate }) => sum + inRate, 0)
      expect(at.measured.overview().outRate).toBeCloseTo(rate, 6)
      return true
    },
    { parallelism: 3, checkpoints: { everyMs: 1e9 } },
    // Never at the moment of a call.
    250.3,
  )
})

test('calls under way are those that the called stub has begun and not ended', async () => {
  let [begun, ended, most] = [0, 0, 0]
  await measuring(
    (p, clock) =>
      p
        .from('numbers', batches([1, 2, 3, 4, 5, 6, 7], undefined, 3))
        .mapAsync(
          'call',
          async (n) => {
            begun++
            await sleep(clock, 7.5)
            ended++
            return n
          },
          { concurrency: 100 },
        )
        .to('out', memory.write()),
    ({ operator }) => {
      expect(operator('call').inFlight).toBe(begun - ended)
      most = Math.max(most, begun - ended)
      return ended === 28
    },
  )
  expect(most).toBeGreaterThan(10)
})

/** Keeps a list, and a count for each number modulo 3, by key: `lists` and `counts` know what is kept. */
function keeping(p: PipelineBuilder, kept: { keys: Set<number>; counts: Set<string> }): void {
  p.from('numbers', batches(constant(30, 700)))
    .keyBy((n) => n % 500)
    .process('keeper', {
      state: { latest: state.value<number>(), counts: state.map<number, number>() },
      output: output<number>(),
      onRecord({ value, key }, { emit, state: { latest, counts } }) {
        kept.keys.add(key)
        kept.counts.add(`${key} ${value % 3}`)
        latest.set(value)
        counts.set(value % 3, (counts.get(value % 3) ?? 0) + 1)
        emit(value)
      },
    })
    .to('out', memory.write())
}

/** The bytes of all files in a directory. */
async function bytesIn({ fs }: SimPlatform, directory: string): Promise<number> {
  let sum = 0
  for (const { name, kind } of await fs.list(directory)) {
    const path = `${directory}/${name}`
    sum += kind === 'directory' ? await bytesIn({ fs } as SimPlatform, path) : (await fs.stat(path))!.size
  }
  return sum
}

describe.each([1, 3])('state of an operator with %i subtasks', (parallelism) => {
  test('bytes: those of the files that a checkpoint has added, of all files, and of a full copy', async () => {
    const kept = { keys: new Set<number>(), counts: new Set<string>() }
    const look = async ({ measured, platform, operator }: Measuring): Promise<boolean> => {
      // All is read, so that one checkpoint writes each value once.
      if (operator('out').recordsIn < 30 * 700) return false
      const { job } = measured
      const before = await bytesIn(platform, 'data/state')
      await job.checkpoint()
      measured.measure()
      const after = await bytesIn(platform, 'data/state')
      const { lastCheckpoint, totals } = measured.overview()
      expect(after).toBeGreaterThan(before)
      expect(lastCheckpoint!.bytes).toBe(after - before)
      expect(totals.diskBytes).toBe(after)
      expect(lastCheckpoint!.largest).toEqual([{ operator: 'keeper', bytes: totals.stateBytes }])
      // A savepoint is a full copy; it begins each of its files with a header.
      await job.savepoint('copy')
      const copied = await bytesIn(platform, 'copy/state')
      expect(copied / totals.stateBytes).toBeGreaterThan(1)
      expect(copied / totals.stateBytes).toBeLessThan(1.1)
      expect(operator('keeper').stateBytes).toBe(totals.stateBytes)
      const parts = measured.detail('keeper')!.tables.map(({ bytes }) => bytes!)
      expect(parts.reduce((sum, bytes) => sum + bytes, 0)).toBe(totals.stateBytes)
      return true
    }
    await measuring((p) => keeping(p, kept), look, {
      parallelism,
      directory: 'data',
      checkpoints: { everyMs: 1e9 },
    })
  })

  test('each piece has one line, with the values that the functions have set', async () => {
    const kept = { keys: new Set<number>(), counts: new Set<string>() }
    await measuring(
      (p) => keeping(p, kept),
      ({ measured, operator, platform }) => {
        if (platform.clock.monotonic() < 50) return false
        const tables = measured.detail('keeper')!.tables.map(({ table, cells }) => [table, cells])
        expect(tables).toEqual([
          ['latest', kept.keys.size],
          ['counts', kept.counts.size],
        ])
        expect(operator('keeper').stateCells).toBe(kept.counts.size + kept.keys.size)
        return true
      },
      { parallelism },
    )
  })
})
