import type { JobStatus, TaskCounters } from '@millrace/core/job'
import { describe, expect, test } from 'vitest'
import { Progress } from './progress.ts'
import { bytesText, dateText, roundedDuration, statusText } from './status-text.ts'

const hour = 3_600_000

function statusOf(...tasks: readonly TaskCounters[]): JobStatus {
  return {
    phase: 'running',
    restarts: 0,
    tasks,
    state: undefined,
    lastCheckpoint: undefined,
    outages: [],
    eventTimeWaits: [],
    stop: undefined,
  }
}

function task(kind: TaskCounters['kind'], figures: Partial<TaskCounters>): TaskCounters {
  const counts = new Map<string, number>()
  const none = { recordsIn: 0, recordsOut: 0, watermark: -Infinity, newest: -Infinity, committed: 0 }
  return { task: 'task', subtask: 0, kind, counts, ...none, ...figures }
}

describe('rates', () => {
  test('are computed over the last second, for all sources and all sinks', () => {
    const source = task('source', {})
    const sink = task('sink', {})
    const progress = new Progress(0)
    for (let at = 100; at <= 5_000; at += 100) {
      source.recordsOut += at <= 4_000 ? 100 : 50
      sink.recordsIn += 1
      progress.update(statusOf(source, task('chain', { recordsIn: 7 }), sink), at)
    }
    expect(progress.update(statusOf(source, sink), 5_000)).toMatchObject({
      recordsIn: 4_500,
      inRate: 500,
      outRate: 10,
    })
  })

  test('records in include what a source could not decode, and records out exclude dead letters', () => {
    const source = task('source', { recordsOut: 2, counts: new Map([['task/deadLettered', 1]]) })
    const sinks = [task('sink', { recordsIn: 2 }), task('sink', { task: 'rejected', recordsIn: 1 })]
    const figures = new Progress(0, new Set(['rejected'])).update(statusOf(source, ...sinks), 1_000)
    expect(figures).toMatchObject({ recordsIn: 3, recordsOut: 2 })
  })

  test('restart at 0 when a restarted job resets its counters', () => {
    const progress = new Progress(0)
    progress.update(statusOf(task('source', { recordsOut: 1_000 })), 1_000)
    expect(progress.update(statusOf(task('source', { recordsOut: 10 })), 2_000).inRate).toBe(0)
    expect(progress.update(statusOf(task('source', { recordsOut: 110 })), 3_000).inRate).toBe(100)
  })
})

describe('the status of a job', () => {
  const now = 1_767_268_800_000 // 2026-01-01 12:00:00 UTC

  test('omits figures that are unknown', () => {
    const figures = new Progress(0).update(statusOf(), 1_000)
    expect(statusText(statusOf(), figures, now)).toBe('running  0 in/s  0 out/s')
  })

  test('with all figures', () => {
    const counts = new Map([
      ['per-card/late', 2],
      ['per-day/late', 1],
      ['parse/deadLettered', 1],
    ])
    const source = task('source', { recordsOut: 12_345, watermark: now - 5_250, counts })
    const status: JobStatus = {
      ...statusOf(source, task('sink', { recordsIn: 120, watermark: now })),
      restarts: 2,
      state: { cells: 10, liveBytes: 1_234_567, diskBytes: 0, writtenBytes: 0 },
      lastCheckpoint: {
        checkpoint: 12,
        durationMs: 8.4,
        alignAndEncodeMs: 1,
        completedAt: now - 3_000,
        bytes: 0,
        slowest: [],
      },
    }
    expect(statusText(status, new Progress(0).update(status, 1_000), now)).toBe(
      'running  12,345 in/s  120 out/s  lag 5.3 s  checkpoint 12, 3.0 s ago, 8 ms  state 1.2 MB  restarts 2  3 late  1 dead letter',
    )
  })

  test('names the split that windows have waited for longest, after a minimum time', () => {
    const wait = { subtask: 0, watermark: now, ahead: now, isQuiet: true, idleAfterMs: undefined }
    const waits = [
      { ...wait, source: 'logs', split: 'b.log', since: now - 7_000 },
      { ...wait, source: 'logs', split: 'a.log', since: now - 42_000 },
    ]
    const text = (at: number): string => {
      const status = { ...statusOf(), eventTimeWaits: waits }
      return statusText(status, new Progress(0).update(status, 1_000), at)
    }
    expect(text(now)).toBe("running  0 in/s  0 out/s  windows wait 42 s for 'logs' split 'a.log'")
    expect(text(now - 38_000)).toBe('running  0 in/s  0 out/s')
  })

  test('names a part whose system is down, and for how long', () => {
    const outages = [{ part: 'orders', since: now - 180_000, reason: 'refused', breaker: undefined }]
    const status = { ...statusOf(), outages }
    expect(statusText(status, new Progress(0).update(status, 1_000), now)).toBe(
      "running  0 in/s  0 out/s  'orders' down for 3 min",
    )
  })

  test('shows the event time itself when the data is old', () => {
    const status = statusOf(task('source', { watermark: now - 24 * hour }))
    expect(statusText(status, new Progress(0).update(status, 1_000), now)).toContain('at 2025-12-31 12:00:00')
  })
})

describe('formats for people', () => {
  test.each([
    [0, '0.0 s'],
    [9_940, '9.9 s'],
    [61_000, '61 s'],
    [30 * 60_000, '30 min'],
    [48 * hour, '48 h'],
  ])('%i ms are %s', (ms, text) => {
    expect(roundedDuration(ms)).toBe(text)
  })

  test.each([
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [3_450_000, '3.5 MB'],
    [2e15, '2000.0 TB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text)
  })

  test('a time outside the calendar range is printed as a number', () => {
    expect(dateText(9e15)).toBe('9000000000000000 ms')
  })
})
