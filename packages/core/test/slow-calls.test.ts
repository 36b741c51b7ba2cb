import { sleep } from '@millrace/world'
import type { Clock } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import type { Sink } from '@millrace/core/connector'
import { startJob, type Job } from '@millrace/core/job'
import { output, pipeline, type PipelineBuilder, type SourceStream, type StreamOf } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, type SimPlatform } from '@millrace/testkit'
import { pacedSource } from './paced-source.ts'
import { live, nextLife, type LifeOptions, type SimulatedLife } from './simulated-job.ts'

const slowMs = 2_000

/** Calls of user code: how many of each record, how many at once, and in which order they began. */
class Calls {
  readonly #ms: (n: number) => number
  readonly begun: number[] = []
  running = 0
  most = 0

  constructor(ms: (n: number) => number = () => slowMs) {
    this.#ms = ms
  }

  on(platform: SimPlatform): (n: number, signal: AbortSignal) => Promise<number> {
    return async (n, signal) => {
      this.begun.push(n)
      this.most = Math.max(this.most, ++this.running)
      try {
        const ms = this.#ms(n)
        if (ms > 0) await sleep(platform.clock, ms, signal)
        return n
      } finally {
        this.running--
      }
    }
  }
}

function naturals(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}

function sorted(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b)
}

function recordsRead(job: Job): number {
  const sources = job.status().tasks.filter(({ kind }) => kind === 'source')
  return sources.reduce((sum, { recordsOut }) => sum + recordsOut, 0)
}

/** Runs a job that something is done to once it has started. */
async function lifeWith(
  build: (p: PipelineBuilder) => void,
  platform: SimPlatform,
  act: (job: Job) => Promise<void>,
  options: LifeOptions = {},
): Promise<SimulatedLife> {
  let acting: Promise<void> = Promise.resolve()
  const life = await live(build, {
    platform,
    directory: 'slow',
    checkpoints: { everyMs: 1e9 },
    ...options,
    onEvent: (event, job) => {
      if (event.kind === 'started') acting = act(job)
    },
  })
  await acting
  return life
}

describe('a slow mapAsync', () => {
  const shapes: Readonly<Record<string, (numbers: SourceStream<number>) => StreamOf<number, 'untimed'>>> = {
    'right behind its source': (numbers) => numbers,
    'behind operators': (numbers) =>
      numbers
        .map((n) => n)
        .keyBy((n) => n % 10)
        .process('pass', {
          output: output<number>(),
          onRecord: ({ value }, { emit }) => emit(value),
        }),
    'behind an operator that emits more than it takes': (numbers) =>
      numbers.filter((n) => n % 10 === 0).flatMap((n) => Array.from({ length: 10 }, (_, i) => n + i)),
  }

  test.each([
    { shape: 'right behind its source', parallelism: 1 },
    { shape: 'behind operators', parallelism: 2 },
    { shape: 'behind an operator that emits more than it takes', parallelism: 1 },
  ])(
    '$shape, parallelism $parallelism: a checkpoint takes under 1 s and a stop under 5 s with 100,000 records to come, and each counts once',
    async ({ shape, parallelism }) => {
      const all = naturals(100_000)
      const splits = Object.fromEntries(
        naturals(8).map((i) => [`split ${i}`, all.filter((n) => n % 8 === i)]),
      )
      const sink = memory.write<number>()
      const slow = new Calls()
      let platform = simPlatform({ seed: 1 })
      const build =
        (calls: Calls, on: SimPlatform) =>
        (p: PipelineBuilder): void =>
          shapes[shape]!(p.from('n', memory.read(splits)))
            .mapAsync('call', calls.on(on))
            .to('out', sink)
      const { result, job } = await lifeWith(
        build(slow, platform),
        platform,
        async (running) => {
          const { clock } = platform
          for (let round = 0; round < 5; round++) {
            await sleep(clock, 3_000)
            expect((await running.checkpoint()).durationMs).toBeLessThan(1_000)
          }
          const before = clock.monotonic()
          await running.stop()
          expect(clock.monotonic() - before).toBeLessThan(5_000)
        },
        { parallelism },
      )
      expect(result).toEqual({ outcome: 'stopped' })
      expect(slow.most).toBe(16 * parallelism)
      const made = slow.begun.length
      // What runs and what was committed account for all calls: none was made ahead of the others.
      expect(made - sink.values.length).toBeLessThanOrEqual(16 * parallelism)
      expect(recordsRead(job)).toBeLessThan(30_000)

      platform = nextLife(platform)
      const quick = new Calls(() => 0)
      const finished = await lifeWith(build(quick, platform), platform, async () => {}, { parallelism })
      expect(finished.result).toEqual({ outcome: 'finished' })
      expect(sorted(sink.values)).toEqual(all)
      expect(made + quick.begun.length - all.length).toBeLessThanOrEqual(16 * parallelism)
    },
  )

  test('bounds the records before it to about those it processes in a second', async () => {
    const platform = simPlatform({ seed: 1 })
    const calls = new Calls((n) => (n < 1_000 ? 1 : slowMs))
    const { job } = await lifeWith(
      (p) =>
        p
          .from('n', memory.read({ all: naturals(100_000) }))
          .mapAsync('call', calls.on(platform))
          .to('out', memory.write()),
      platform,
      async (running) => {
        // What was let in while calls were quick is called in the end; then the credit is that of slow calls.
        await sleep(platform.clock, 700_000)
        await running.stop()
      },
    )
    expect(recordsRead(job) - calls.begun.length).toBeLessThanOrEqual(16)
    expect(recordsRead(job)).toBeGreaterThan(1_000)
  })

  test('records in checkpoints keep their credit, so more checkpoints admit no more records', async () => {
    const platform = simPlatform({ seed: 1 })
    const calls = new Calls(() => 1e9)
    const read: number[] = []
    await lifeWith(
      (p) =>
        p
          .from('n', memory.read({ all: naturals(100_000) }))
          .map((n) => n)
          .keyBy((n) => n % 10)
          .process('pass', { output: output<number>(), onRecord: ({ value }, { emit }) => emit(value) })
          .mapAsync('call', calls.on(platform))
          .to('out', memory.write()),
      platform,
      async (job) => {
        for (let round = 0; round < 20; round++) {
          await sleep(platform.clock, 1_000)
          await job.checkpoint()
          read.push(recordsRead(job))
        }
        await job.stop()
      },
      { batchRecords: 64, edgeBatches: 2 },
    )
    // Two edges, a batch in each task, and the poll that was under way when the first barrier came.
    expect(read.at(-1)).toBeLessThan(10 * 64)
    expect(new Set(read.slice(10)).size).toBe(1)
  })

  test('after a restart the waiting records are called in order, with the same concurrency', async () => {
    let platform = simPlatform({ seed: 1 })
    const sink = memory.write<number>()
    const all = naturals(5_000)
    const first = new Calls((n) => (n < 100 ? 0 : 1e9))
    const build =
      (calls: Calls, on: SimPlatform) =>
      (p: PipelineBuilder): void =>
        p.from('n', memory.read({ all })).mapAsync('call', calls.on(on), { concurrency: 4 }).to('out', sink)
    const { job } = await lifeWith(build(first, platform), platform, async (running) => {
      await sleep(platform.clock, 1_000)
      await running.stop()
    })
    expect(recordsRead(job) - first.begun.length).toBeGreaterThan(1_000)
    platform = nextLife(platform)
    const second = new Calls(() => 1)
    await lifeWith(build(second, platform), platform, async () => {})
    expect(second.most).toBe(4)
    expect(second.begun).toEqual(all.slice(first.begun.length - 4))
    expect(sink.values).toEqual(all)
  })

  test('the end of the input waits for all calls, and checkpoints continue meanwhile', async () => {
    const platform = simPlatform({ seed: 1 })
    const sink = memory.write<number>()
    const calls = new Calls(() => 60_000)
    const { result } = await lifeWith(
      (p) =>
        p
          .from('n', memory.read({ all: [1, 2, 3] }))
          .mapAsync('call', calls.on(platform))
          .to('out', sink),
      platform,
      async (job) => {
        await sleep(platform.clock, 1_000)
        expect((await job.checkpoint()).durationMs).toBeLessThan(1_000)
      },
    )
    expect(result).toEqual({ outcome: 'finished' })
    expect(sink.values).toEqual([1, 2, 3])
    expect(calls.begun).toEqual([1, 2, 3])
  })

  test('a stop aborts the signals of calls, which are repeated after a restart', async () => {
    let platform = simPlatform({ seed: 1 })
    const sink = memory.write<number>()
    let aborted = 0
    const build =
      (ms: number) =>
      (p: PipelineBuilder): void => {
        const { clock } = platform
        p.from('n', memory.read({ all: [1, 2] }))
          .mapAsync('call', async (n, signal) => {
            await sleep(clock, ms, signal).catch((error: unknown) => {
              aborted++
              throw error
            })
            return n
          })
          .to('out', sink)
      }
    await lifeWith(build(1e9), platform, async (job) => {
      await sleep(platform.clock, 1_000)
      await job.stop()
    })
    expect(aborted).toBe(2)
    platform = nextLife(platform)
    await lifeWith(build(1), platform, async () => {})
    expect(sink.values).toEqual([1, 2])
  })
})

describe('a slow operator', () => {
  test('bounds the records before it to about those it processes in a second', async () => {
    const world = simPlatform({ seed: 1 })
    // An operator takes time without giving the event loop a turn.
    let spentMs = 0
    const clock: Clock = {
      now: () => world.clock.now() + spentMs,
      monotonic: () => world.clock.monotonic() + spentMs,
      schedule: (delayMs, callback) => world.clock.schedule(delayMs, callback),
    }
    const ahead: number[] = []
    const job: Job = startJob({
      graph: pipeline('slow', (p) => {
        p.from('n', memory.read({ all: naturals(10_000) }))
          .map((n) => {
            spentMs += 50
            if (n > 7_000) ahead.push(recordsRead(job) - n)
            return n
          })
          .to('out', memory.write())
      }).describe().graph,
      platform: { ...world, clock },
      store: memoryStore(),
      directory: 'data',
      isBounded: true,
      checkpoints: { everyMs: 1e9 },
    })
    expect(await driveJob(job, world.clock)).toEqual({ outcome: 'finished' })
    expect(ahead).toHaveLength(2_999)
    expect(Math.max(...ahead)).toBeLessThanOrEqual(40)
  })
})

describe('a sink that accepts no records', () => {
  test('does not let more records wait with every abandoned checkpoint', async () => {
    const platform = simPlatform({ seed: 1 })
    const stalled: Sink<number> = {
      kind: 'stalled',
      guarantee: 'at-least-once',
      open: async (_subtask, _pending, { signal }) => ({
        write: () => sleep(platform.clock, Number.POSITIVE_INFINITY, signal),
        prepare: async () => undefined,
        close: async () => {},
      }),
    }
    const read: number[] = []
    const life = await live(
      (p) =>
        p
          .from('n', pacedSource({ all: naturals(50_000) }, 1_000))
          .flatMap((n) => [n, n])
          .keyBy((n) => n % 10)
          .process('pass', { output: output<number>(), onRecord: ({ value }, { emit }) => emit(value) })
          .to('out', stalled),
      {
        platform,
        parallelism: 2,
        batchRecords: 64,
        edgeBatches: 2,
        checkpoints: { everyMs: 1_000, timeoutMs: 500, toleratedFailures: 1_000 },
        onEvent: (event, job) => {
          if (event.kind === 'checkpointAbandoned') read.push(recordsRead(job))
        },
        until: () => read.length === 20,
      },
    )
    await life.job.cancel()
    expect(new Set(read.slice(10)).size).toBe(1)
    expect(read.at(-1)).toBeLessThan(20 * 64)
  })
})
