import { memory } from '@millrace/connector-memory'
import { join, type PipelineBuilder, type TimestampOptions } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { scheduledSource } from './scheduled-source.ts'
import { live, untilCheckpoint } from './simulated-job.ts'

const minute = 60_000
/** A day, minute by minute. */
const day = Array.from({ length: 1_440 }, (_, n) => n * minute)

interface Run {
  /** How far the fast source was ahead of the slow one at most, in minutes. */
  readonly lead: number
  /** How long the job took, by the simulated clock. */
  readonly tookMs: number
  readonly joined: number
}

/** Joins a source that brings ten records a millisecond with one that brings a record a millisecond. */
async function run(options: Partial<TimestampOptions<number>>, parallelism = 1): Promise<Run> {
  const platform = simPlatform({ seed: 1 })
  const sink = memory.write<number>()
  let [fast, slow, lead] = [0, 0, 0]
  await live(
    (p: PipelineBuilder) => {
      const left = p
        .from('fast', pacedSource({ all: day }, 10))
        .tap((time) => {
          fast = time
          lead = Math.max(lead, fast - slow)
        })
        .withTimestamps({ timestamp: (time) => time, ...options })
      const right = p
        .from('slow', pacedSource({ all: day }, 1))
        .tap((time) => {
          slow = time
        })
        .withTimestamps({ timestamp: (time) => time })
      join(
        left.keyBy(() => 'all'),
        right.keyBy(() => 'all'),
      )
        .between(0, 0)
        .inner('pairs', (time) => time)
        .to('out', sink)
    },
    // A barrier would wake up a source that nothing else wakes up.
    { platform, parallelism, checkpoints: { everyMs: 100_000 } },
  )
  return { lead: lead / minute, tookMs: platform.clock.monotonic(), joined: sink.values.length }
}

/** Reads an archive up to a cut and a live stream from there on. Both have the records around it. */
function historyThenLive(sink: ReturnType<typeof memory.write<number>>, seen: string[]) {
  return (p: PipelineBuilder): void => {
    const cut = 300 * minute
    const times = { timestamp: (time: number) => time, maxDrift: '10m' }
    const archive = p
      .from('archive', pacedSource({ all: day.slice(0, 400) }, 2))
      .filter((time) => time < cut)
      .tap(() => seen.push('archive'))
      .withTimestamps(times)
    const stream = p
      .from('stream', pacedSource({ all: day.slice(200, 600) }, 50))
      .filter((time) => time >= cut)
      .tap(() => seen.push('stream'))
      .withTimestamps(times)
    archive.union(stream).to('out', sink)
  }
}

describe('history, and then live', () => {
  test('each record comes once, and the live stream waits for the archive', async () => {
    const sink = memory.write<number>()
    const seen: string[] = []
    await live(historyThenLive(sink, seen))
    expect(sink.values.toSorted((a, b) => a - b)).toEqual(day.slice(0, 600))
    // A poll brings up to fifty records of the stream before it is known to be ahead.
    expect(
      seen.slice(0, seen.lastIndexOf('archive')).filter((one) => one === 'stream').length,
    ).toBeLessThanOrEqual(60)
  })

  test('a restart changes nothing', async () => {
    const sink = memory.write<number>()
    const platform = simPlatform({ seed: 1 })
    const first = await live(historyThenLive(sink, []), {
      ...untilCheckpoint,
      platform,
      checkpoints: { everyMs: 40 },
    })
    expect(first.result?.outcome).toBe('stopped')
    await live(historyThenLive(sink, []), { platform })
    expect(sink.values.toSorted((a, b) => a - b)).toEqual(day.slice(0, 600))
  })
})

describe('aligned sources', () => {
  test('EN-092 a source is not read further ahead of the slowest one than maxDrift, and resumes', async () => {
    const free = await run({})
    const aligned = await run({ maxDrift: '1h' })
    // A day behind at the end: without a limit, the join keeps all that the fast one has brought.
    expect(free.lead).toBeGreaterThan(1_200)
    // A poll brings up to ten records, of which the first is within the limit.
    expect(aligned.lead).toBeLessThanOrEqual(60 + 10 + 1)
    expect(aligned.lead).toBeGreaterThanOrEqual(60)
    expect([free.joined, aligned.joined]).toEqual([day.length, day.length])
    // The backlog of the slow one is read at full speed.
    expect(aligned.tookMs - free.tookMs).toBeLessThanOrEqual(20)
  })

  test('sources with several subtasks are aligned all together', async () => {
    const aligned = await run({ maxDrift: '30m' }, 3)
    expect(aligned.lead).toBeLessThanOrEqual(30 + 10 + 1)
    expect(aligned.joined).toBe(day.length)
  })

  test('EN-240 a split waits for a quiet one until that is idle', async () => {
    const platform = simPlatform({ seed: 1 })
    const readAt: number[] = []
    await live(
      (p) => {
        p.from(
          'logs',
          scheduledSource([
            ['quiet', 0, 0],
            ['busy', 0, 0],
            ['busy', 1_000, 10],
            ['busy', 2_000, 20],
          ]),
        )
          .tap((time) => {
            if (time > 0) readAt.push(platform.clock.monotonic())
          })
          .withTimestamps({ timestamp: (time) => time, maxDrift: 0, idleAfter: '10s' })
          .to('out', memory.write())
      },
      {
        platform,
        isBounded: false,
        checkpoints: { everyMs: 5_000 },
        onEvent: (event, job) => {
          if (event.kind === 'checkpointCompleted' && platform.clock.monotonic() > 20_000) void job.stop()
        },
      },
    )
    expect(readAt.length).toBe(2)
    // The first record shows that the split is ahead; the second one waits.
    expect(readAt[0]).toBeLessThan(1_000)
    expect(readAt[1]).toBeGreaterThanOrEqual(10_000)
    expect(readAt[1]).toBeLessThan(15_000)
  })
})
