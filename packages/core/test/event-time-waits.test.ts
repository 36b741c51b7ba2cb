import { describe, expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import type { Source } from '@millrace/core/connector'
import type { EventTimeWait } from '@millrace/core/job'
import { count, tumbling, type PipelineBuilder, type TimedStream } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { scheduledSource } from './scheduled-source.ts'
import { live } from './simulated-job.ts'

const noon = Date.UTC(2024, 0, 31, 12)
const time = (n: number): number => noon + n

/** Runs a pipeline for some time of the clock, and returns what it has warned of and what event time waits for then. */
async function watched(
  build: (p: PipelineBuilder) => TimedStream<number>,
  { untilMs = 40_000, stalledAfterMs = 30_000 } = {},
): Promise<{ warnings: readonly string[]; waits: readonly EventTimeWait[] }> {
  const platform = simPlatform({ seed: 1 })
  const warnings: string[] = []
  let waits: readonly EventTimeWait[] = []
  await live(
    (p) => {
      build(p)
        .keyBy(() => 'all')
        .window(tumbling(1_000))
        .aggregate('count', { n: count() })
        .to('out', memory.write())
    },
    {
      platform,
      isBounded: false,
      stalledAfterMs,
      checkpoints: { everyMs: 5_000 },
      onEvent: (event, job) => {
        if (event.kind === 'warning') warnings.push(event.message)
        if (event.kind !== 'checkpointCompleted' || platform.clock.monotonic() < untilMs) return
        waits = job.status().eventTimeWaits
        void job.stop()
      },
    },
  )
  return { warnings, waits }
}

/** A split that brings a record each second, and one that brings a single one. */
const quietAndBusy = scheduledSource([
  ['quiet', time(0), 0],
  ...Array.from({ length: 100 }, (_, n) => ['busy', time(n * 1_000), n * 1_000] as const),
])

const onlyOne = scheduledSource([['one', time(0), 0]])

describe('event time that does not move while records wait', () => {
  test('a quiet split that holds back the watermark is named, with advice', async () => {
    const { warnings, waits } = await watched((p) =>
      p.from('logs', quietAndBusy).withTimestamps({ timestamp: (n) => n }),
    )
    expect(warnings).toEqual([
      "event time has not moved for 30 s (source 'logs', split 'quiet'): it is at 2024-01-31T12:00:00.000Z, while others have reached 2024-01-31T12:00:37.000Z, and windows wait. The split is caught up and brings nothing. Set idleAfter in withTimestamps so that quiet splits are not waited for",
    ])
    expect(waits).toEqual([
      {
        source: 'logs',
        subtask: 0,
        split: 'quiet',
        isQuiet: true,
        idleAfterMs: undefined,
        watermark: time(0),
        ahead: time(40_000),
        since: expect.any(Number) as number,
      },
    ])
  })

  test('a split with a label is shown by it', async () => {
    const labelled = { ...quietAndBusy, splitLabel: (split: string) => `${split}.log` }
    const { warnings, waits } = await watched((p) =>
      p.from('logs', labelled).withTimestamps({ timestamp: (n) => n }),
    )
    expect(warnings).toEqual([expect.stringContaining("(source 'logs', split 'quiet.log')") as string])
    expect(waits).toMatchObject([{ split: 'quiet.log' }])
  })

  test('a source that holds back another in a common operator is named', async () => {
    const { warnings } = await watched((p) =>
      p
        .from('slow', onlyOne)
        .withTimestamps({ timestamp: (n) => n })
        .union(p.from('logs', scheduledSource(busyOnly)).withTimestamps({ timestamp: (n) => n })),
    )
    expect(warnings).toEqual([expect.stringContaining("(source 'slow', split 'one')") as string])
  })

  test('sources without a common operator do not wait for each other', async () => {
    const { warnings, waits } = await watched((p) => {
      const apart = p.from('slow', onlyOne).withTimestamps({ timestamp: (n) => n })
      apart
        .keyBy(() => 'all')
        .window(tumbling(1_000))
        .aggregate('apart', { n: count() })
        .to('elsewhere', memory.write())
      return p.from('logs', scheduledSource(busyOnly)).withTimestamps({ timestamp: (n) => n })
    })
    expect([warnings, waits]).toEqual([[], []])
  })

  test('a stream on which all splits are quiet causes no warning', async () => {
    const { warnings, waits } = await watched((p) =>
      p.from('one', onlyOne).withTimestamps({ timestamp: (n) => n }),
    )
    expect([warnings, waits]).toEqual([[], []])
  })

  test('a split that becomes idle in time causes no warning, and one that does not is named with its idleAfter', async () => {
    const idle = (idleAfter: string) => (p: PipelineBuilder) =>
      p.from('logs', quietAndBusy).withTimestamps({ timestamp: (n) => n, idleAfter })
    expect(await watched(idle('10s'))).toEqual({ warnings: [], waits: [] })
    const late = await watched(idle('5m'))
    expect(late.warnings).toEqual([
      expect.stringContaining('it is waited for until it has been quiet for 5m, the idleAfter') as string,
    ])
  })

  test('a split whose records do not advance in time is named as such', async () => {
    const stuck = scheduledSource([
      ...Array.from({ length: 100 }, (_, n) => ['stuck', time(0), n * 1_000] as const),
      ...busyOnly,
    ])
    const { warnings } = await watched((p) =>
      p.from('logs', eager(stuck)).withTimestamps({ timestamp: (n) => n }),
    )
    expect(warnings).toEqual([expect.stringContaining("split 'stuck'): it is at") as string])
    expect(warnings[0]).toContain('has brought nothing later')
  })

  test('a wait that ends and begins again causes another warning', async () => {
    const twice = scheduledSource([['quiet', time(0), 0], ['quiet', time(50_000), 50_000], ...busyOnly])
    const build = (p: PipelineBuilder) => p.from('logs', twice).withTimestamps({ timestamp: (n) => n })
    expect((await watched(build, { untilMs: 95_000 })).warnings).toHaveLength(2)
  })
})

const busyOnly = Array.from({ length: 100 }, (_, n) => ['busy', time(n * 1_000), n * 1_000] as const)

/** The same source, whose readers never say that they have caught up. */
function eager(source: Source<number, number>): Source<number, number> {
  return {
    ...source,
    open: async (split, from, context) => {
      const reader = await source.open(split, from, context)
      return {
        ...reader,
        poll: (limit) => {
          const poll = reader.poll(limit)
          return poll.kind === 'pending' ? { ...poll, isCaughtUp: false } : poll
        },
      }
    },
  }
}
