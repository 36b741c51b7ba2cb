import { memory } from '@millrace/connector-memory'
import { MillraceError } from '@millrace/core'
import type { Sink, Source } from '@millrace/core/connector'
import { startJob, type JobOptions } from '@millrace/core/job'
import { count, pipeline, tumbling, type PipelineBuilder } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, type SimPlatform } from '@millrace/testkit'
import { sleep } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import type { Finding, RuntimeFigures } from '../src/contract.ts'
import { WatchedJob } from '../src/job/watched-job.ts'

const calm: RuntimeFigures = {
  eventLoopDelayMs: 0,
  eventLoopDelayMaxMs: 1,
  eventLoopUtilization: 0.1,
  gcMs: 0,
  gcRuns: 0,
  residentBytes: 1e8,
  heapUsedBytes: 1e7,
  heapLimitBytes: 1e9,
  cpuMs: 0,
}

/** A value, and the time of the clock at which it comes, in milliseconds. */
type Turn = readonly [split: string, value: number, atMs: number]

/** Values that come at moments of the clock; the splits stay open. */
function scheduled(turns: readonly Turn[], lagOf?: (split: string) => number): Source<number, number> {
  return {
    kind: 'scheduled',
    durability: 'replayable',
    discover: async () => ({ splits: [...new Set(turns.map(([split]) => split))], isComplete: true }),
    open: async (split, from = 0, { clock, signal }) => {
      const own = turns.filter((turn) => turn[0] === split)
      let next = from
      return {
        poll: (limit) => {
          const values: number[] = []
          while (next < own.length && own[next]![2] <= clock.monotonic() && values.length < limit) {
            values.push(own[next++]![1])
          }
          return values.length === 0 ? { kind: 'pending', isCaughtUp: true } : { kind: 'records', values }
        },
        ready: () => {
          const turn = own[next]
          return sleep(clock, turn === undefined ? 1e9 : Math.max(0, turn[2] - clock.monotonic()), signal)
        },
        position: () => next,
        ...(lagOf && { lag: () => ({ records: lagOf(split) }) }),
        close: async () => {},
      }
    },
  }
}

/** `n` values of one split at once. */
function burst(n: number, value: (i: number) => number = (i) => i): readonly Turn[] {
  return Array.from({ length: n }, (_, i) => ['all', value(i), 0] as const)
}

interface Situation {
  readonly build: (p: PipelineBuilder, platform: SimPlatform) => void
  readonly untilMs?: number
  readonly options?: Partial<JobOptions>
  readonly runtime?: Partial<RuntimeFigures>
  /** Called once the job runs. */
  readonly begin?: (watched: WatchedJob, platform: SimPlatform) => void
}

/** Runs a job for some time of the clock, and asks the doctor. */
async function findings({
  build,
  untilMs = 20_000,
  options,
  runtime,
  begin,
}: Situation): Promise<readonly Finding[]> {
  const platform = simPlatform({ seed: 1 })
  const { graph } = pipeline('patient', (p) => build(p, platform)).describe()
  const watched = new WatchedJob({
    job: startJob({
      graph,
      platform,
      store: memoryStore(),
      directory: 'data',
      restart: { kind: 'none' },
      ...options,
    }),
    runtime: () => ({ ...calm, ...runtime }),
  })
  let hasBegun = false
  await driveJob(watched.job, platform.clock, {
    until: () => {
      if (!hasBegun && watched.job.status().phase === 'running') {
        hasBegun = true
        begin?.(watched, platform)
      }
      return platform.clock.monotonic() >= untilMs
    },
  })
  watched.measure()
  const { findings: found } = watched.diagnosis()
  watched[Symbol.dispose]()
  void watched.job.cancel()
  await driveJob(watched.job, platform.clock)
  return found
}

/** A sink that takes `ms` for each batch. */
function slowSink(ms: number): Sink<unknown> {
  return {
    kind: 'slow',
    guarantee: 'at-least-once',
    open: async (_subtask, _pending, { clock, signal }) => ({
      write: () => sleep(clock, ms, signal),
      prepare: async () => undefined,
      close: async () => {},
    }),
  }
}

const start = Date.UTC(2024, 0, 1)

const situations: Readonly<Record<string, Situation & { readonly code: string; readonly says: RegExp }>> = {
  'an idle split': {
    code: 'idle-split',
    says: /split 'quiet' of source 'in': it is at 2024-01-01 00:00:00.*caught up/,
    build: (p) => {
      const turns: Turn[] = [['quiet', 0, 0]]
      for (let s = 0; s < 30; s++) turns.push(['busy', s * 1_000, s * 1_000])
      p.from('in', scheduled(turns))
        .withTimestamps({ timestamp: (n) => start + n })
        .keyBy(() => 'all')
        .window(tumbling('5s'))
        .aggregate('counted', { n: count() })
        .to('out', memory.write())
    },
  },
  'a skewed key': {
    code: 'hot-key',
    says: /Subtask \d of 'sum' gets 100 % of the records of its 4 subtasks/,
    options: { parallelism: 4 },
    untilMs: 1_600,
    build: (p) => {
      const turns = Array.from({ length: 1_500 }, (_, i) => ['all', i, i] as const)
      p.from('in', scheduled(turns))
        .keyBy(() => 'one')
        .scan(
          'sum',
          () => 0,
          (sum, n) => sum + n,
        )
        .to('out', memory.write())
    },
  },
  'a slow sink': {
    code: 'bottleneck',
    says: /'out' is the bottleneck: \d+ % busy, and everything before it waits/,
    options: { batchRecords: 8, edgeBatches: 2 },
    build: (p) => {
      p.from('in', scheduled(burst(5_000)))
        .keyBy((n) => n % 7)
        .scan(
          'sum',
          () => 0,
          (sum, n) => sum + n,
        )
        .to('out', slowSink(1_000))
    },
  },
  'a time in the future': {
    code: 'future-time',
    says: /Split 'all' of source 'in' has a record of .* in the future/,
    build: (p, { clock }) => {
      p.from('in', scheduled(burst(10)))
        .withTimestamps({ timestamp: (n) => clock.now() + n * 86_400_000 })
        .to('out', memory.write())
    },
  },
  'splits with different clocks': {
    code: 'time-skew',
    says: /Split 'b' of source 'in' is 5\d h behind split 'a' in event time|Split 'b' .* is 3 h behind split 'a'/,
    build: (p) => {
      const turns: Turn[] = []
      for (let s = 0; s < 60; s++) turns.push(['a', 10_800_000 + s, s * 1_000 - 1], ['b', s, s * 1_000])
      p.from(
        'in',
        scheduled(turns, () => 0),
      )
        .withTimestamps({ timestamp: (n) => start + n })
        .to('out', memory.write())
    },
    untilMs: 20_000,
  },
  'a window that never fires': {
    code: 'silent-window',
    says: /Window 'counted' has taken in 2,000 records and emitted nothing/,
    untilMs: 3_000,
    build: (p) => {
      p.from('in', scheduled(burst(2_000)))
        .withTimestamps({ timestamp: (n) => start + n })
        .keyBy((n) => n % 3)
        .window(tumbling('365d'))
        .aggregate('counted', { n: count() })
        .to('out', memory.write())
    },
  },
  'too much disorder': {
    code: 'late-records',
    says: /records came too late for 'counted'/,
    untilMs: 3_000,
    build: (p) => {
      const turns = burst(200, (i) => (i % 2 === 0 ? i * 1_000 : (i - 100) * 1_000))
      p.from('in', scheduled(turns))
        .withTimestamps({ timestamp: (n) => start + n })
        .keyBy(() => 'all')
        .window(tumbling('1s'))
        .aggregate('counted', { n: count() })
        .to('out', memory.write())
    },
  },
  'a checkpoint that does not end': {
    code: 'stuck-checkpoint',
    says: /Checkpoint \d+ has run for .* and 1 of \d subtasks have not reached it; the first is 'out\/0'/,
    build: (p) => {
      p.from('in', scheduled(burst(10))).to('out', slowSink(1e8))
    },
  },
  'one slow split': {
    code: 'slow-split',
    says: /Split 'b' of source 'in' is 50,000 records behind, the other 2 together 20/,
    untilMs: 3_000,
    build: (p) => {
      const turns: Turn[] = ['a', 'b', 'c'].map((split) => [split, 1, 0] as const)
      p.from(
        'in',
        scheduled(turns, (split) => (split === 'b' ? 50_000 : 10)),
      ).to('out', memory.write())
    },
  },
  'a full disk': {
    code: 'full-disk',
    says: /The job has failed: .*disk is full/,
    untilMs: 5_000,
    begin: (_watched, { fs }) => {
      fs.capacityBytes = 0
    },
    build: (p) => {
      p.from('in', scheduled(burst(10)))
        .keyBy((n) => n)
        .scan(
          'sum',
          () => 0,
          (sum, n) => sum + n,
        )
        .to('out', memory.write())
    },
  },
  'an open circuit breaker': {
    code: 'breaker-open',
    says: /'enriched' waits: its circuit breaker is open, because the system behind it fails \(.*refused.*\)/,
    build: (p) => {
      p.from('in', scheduled(burst(50)))
        .mapAsync('enriched', () => Promise.reject(new MillraceError('UNAVAILABLE', 'connection refused')), {
          retry: { attempts: 1_000 },
          breaker: { failures: 3, openFor: '30s' },
        })
        .to('out', memory.write())
    },
  },
  'state without an expiry': {
    code: 'growing-state',
    says: /'seen' keeps 100,\d{3} values.* of 100,\d{3} records: its state grows with each record/,
    untilMs: 2_000,
    build: (p) => {
      p.from('in', scheduled(burst(100_500)))
        .keyBy((n) => n)
        .scan(
          'seen',
          () => 0,
          (sum, n) => sum + n,
        )
        .to('out', memory.write())
    },
  },
  'a paused source': {
    code: 'paused-source',
    says: /Source 'in' is paused/,
    untilMs: 3_000,
    begin: ({ job }) => job.pause('in'),
    build: (p) => {
      p.from('in', scheduled(burst(10))).to('out', memory.write())
    },
  },
  'a blocked event loop': {
    code: 'blocked-loop',
    says: /The event loop was blocked for 900 ms/,
    untilMs: 3_000,
    runtime: { eventLoopDelayMaxMs: 900 },
    build: (p) => {
      p.from('in', scheduled(burst(10))).to('out', memory.write())
    },
  },
}

describe('the doctor names the cause of', () => {
  test.each(Object.entries(situations))('%s', async (_, { code, says, ...situation }) => {
    const found = await findings(situation)
    expect(found.map((each) => each.code)).toContain(code)
    const { sentence, advice } = found.find((each) => each.code === code)!
    expect(sentence).toMatch(says)
    expect(advice).not.toBe('')
  })

  test('nothing, where nothing is wrong', async () => {
    const turns = Array.from({ length: 100 }, (_, s) => ['all', s * 100, s * 100] as const)
    const found = await findings({
      untilMs: 8_000,
      build: (p) => {
        p.from('in', scheduled(turns))
          .withTimestamps({ timestamp: (n) => start + n, idleAfter: '1s' })
          .keyBy((n) => n % 3)
          .window(tumbling('1s'))
          .aggregate('counted', { n: count() })
          .to('out', memory.write())
      },
    })
    expect(found).toEqual([])
  })
})
