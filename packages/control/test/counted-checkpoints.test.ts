import { memory } from '@millrace/connector-memory'
import { describe, expect, test } from 'vitest'
import { batches, measuring, timed, type Measuring, type Written } from './measuring.ts'

const constant = (n: number, size: number): readonly number[] => Array.from({ length: n }, () => size)
const never = { checkpoints: { everyMs: 1e9, timeoutMs: 1e9 } }

describe('checkpoints', () => {
  test.each([
    { writeMs: 0, prepareMs: 30 },
    { writeMs: 70, prepareMs: 30 },
  ])('took as long as the sink had planted: %j', async ({ writeMs, prepareMs }) => {
    const log: Written[] = []
    const look = async ({ measured, platform }: Measuring): Promise<boolean> => {
      // In the middle of a write, or when all is written.
      const isWritten = log.length === 3 && log.at(-1)!.until < platform.clock.monotonic()
      if (writeMs > 0 ? log.length < 2 : !isWritten) return false
      const begun = platform.clock.monotonic()
      await measured.job.checkpoint()
      measured.measure()
      // The barrier follows the batches that wait before the sink.
      const aligned = writeMs > 0 ? log.at(-1)!.until - begun : 0
      const { lastCheckpoint } = measured.overview()
      const slowest = { task: 'out', subtask: 0, alignedMs: aligned, encodeMs: prepareMs }
      expect(lastCheckpoint).toMatchObject({
        outcome: 'completed',
        at: platform.clock.now(),
        durationMs: aligned + prepareMs,
        alignAndEncodeMs: aligned + prepareMs,
      })
      expect(lastCheckpoint!.slowest[0]).toEqual(slowest)
      // What took longer of the two.
      const isAligned = aligned > prepareMs
      expect(lastCheckpoint!.cause).toBe(
        isAligned
          ? `its barrier reached 'out' only after ${aligned} ms, because of the records before it`
          : `'out' took ${prepareMs} ms to write its state or to prepare its output`,
      )
      expect(measured.checkpoints()).toMatchObject({ completed: 1, aborted: 0, running: null })
      return true
    }
    await measuring(
      (p) =>
        p.from('numbers', batches([5, 5, 5])).to(
          'out',
          timed(log, writeMs, () => prepareMs),
        ),
      look,
      never,
    )
  })

  test('one that runs: since when, and the subtasks that have not done their part', async () => {
    const log: Written[] = []
    let begun: number | undefined
    await measuring(
      (p) =>
        p
          .from('numbers', batches(constant(3, 5)))
          .keyBy((n) => n)
          .scan(
            'sum',
            () => 0,
            (sum, n) => sum + n,
          )
          .to(
            'out',
            timed(log, 0, () => 5_000),
          ),
      ({ measured, platform }) => {
        const { clock } = platform
        if (clock.monotonic() === 100) {
          begun = clock.now()
          measured.job.checkpoint().catch(() => {})
        }
        if (clock.monotonic() < 150) return false
        // A source, an operator and a sink, each with two subtasks; the split is in one of them.
        expect(measured.checkpoints().running).toEqual({
          checkpoint: 1,
          startedAt: begun,
          missing: ['out/0', 'out/1'],
          participants: 6,
        })
        return true
      },
      { ...never, parallelism: 2 },
    )
  })

  test('completed and aborted ones are counted as often as they were planted', async () => {
    const aborted: number[] = []
    let prepared = 0
    await measuring(
      (p) =>
        p.from('numbers', batches(constant(2_000, 1))).to(
          'out',
          timed([], 0, () => (++prepared % 3 === 0 ? 80 : 1)),
        ),
      ({ measured }) => {
        const { completed, aborted: count, checkpoints } = measured.checkpoints()
        const rows = checkpoints.filter(({ outcome }) => outcome === 'aborted')
        expect(rows).toHaveLength(count)
        if (count > aborted.length) aborted.push(rows[0]!.checkpoint)
        expect([completed, count]).toEqual([completed, aborted.length])
        if (prepared < 9 || measured.checkpoints().running !== null) return false
        // Each third prepare takes longer than a checkpoint may.
        expect(count).toBe(Math.floor(prepared / 3))
        expect(completed).toBe(prepared - count)
        expect(rows.every(({ reason }) => reason!.includes('50'))).toBe(true)
        return true
      },
      { checkpoints: { everyMs: 20, timeoutMs: 50 } },
    )
  })
})

test('history: a point for each second, with what the overview said at that moment', async () => {
  const said: object[] = []
  let looked = 0
  await measuring(
    (p) =>
      p
        .from('numbers', batches(constant(20_000, 2)))
        .withTimestamps({ timestamp: () => 0 })
        .to('out', memory.write()),
    ({ measured, platform }) => {
      if (looked++ === 0) {
        measured.onMeasured(() => {
          const { inRate, outRate, totals, lastCheckpoint } = measured.overview()
          const { watermarkLagMs, stateBytes } = totals
          const at = platform.clock.now()
          const checkpointMs = lastCheckpoint?.durationMs ?? null
          said.push({ at, inRate, outRate, watermarkLagMs, stateBytes, checkpointMs })
        })
      }
      if (said.length < 9) return false
      const history = measured.history()
      const points = history.at.map((at, index) => ({
        at,
        inRate: history.inRate[index],
        outRate: history.outRate[index],
        watermarkLagMs: history.watermarkLagMs[index],
        stateBytes: history.stateBytes[index],
        checkpointMs: history.checkpointMs[index],
      }))
      expect(points.slice(-said.length)).toEqual(said)
      expect(history.inRate.at(-1)).toBeCloseTo(2_000, 0)
      const shares = new Map(measured.figures().tasks.map((each) => [each.task, each.shares.busy]))
      for (const { operator, busy } of history.operators) {
        const { task } = measured.graph.operators.find(({ id }) => id === operator)!
        expect(busy.at(-1)).toBeCloseTo(shares.get(task)!, 6)
      }
      expect(history.operators.map(({ operator, inRate }) => [operator, Math.round(inRate.at(-1)!)])).toEqual(
        [
          ['numbers', 2_000],
          ['withTimestamps-1', 2_000],
          ['out', 2_000],
        ],
      )
      return true
    },
    {},
    2_500,
  )
})
