import { describe, expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import type { Job } from '@millrace/core/job'
import { aggregator, count, output, sliding, tumbling, type PipelineBuilder } from '@millrace/flow'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { pacedSource } from './paced-source.ts'
import { live } from './simulated-job.ts'

const workPerTurn = 20

/** A world in which the engine may do 20 units of work per turn of the event loop, and a count of those that it did. */
class CountedWorld {
  readonly platform: SimPlatform
  /** The most that was counted between two turns. */
  longest = 0
  total = 0
  turns = 0
  /** Called at each turn. */
  onTurn: () => void = () => {}
  #sinceTurn = 0

  constructor(fs?: SimPlatform['fs']) {
    const platform = simPlatform({ seed: 1, workPerTurn, ...(fs === undefined ? {} : { fs }) })
    const { scheduler } = platform
    const turn = async (): Promise<void> => {
      await scheduler.turn()
      this.#sinceTurn = 0
      this.turns++
      this.onTurn()
    }
    this.platform = { ...platform, scheduler: { turn } }
  }

  /** Call it for each unit of work. */
  count(): void {
    this.total++
    this.longest = Math.max(this.longest, ++this.#sinceTurn)
  }
}

const keys = Array.from({ length: 1_000 }, (_, index) => index)

describe('the event loop has its turn', () => {
  /** Runs the pipeline, which calls `count` for each of a thousand units of work and puts out nothing. */
  async function expectSlices(build: (p: PipelineBuilder, count: () => void) => void): Promise<void> {
    const world = new CountedWorld()
    const { result } = await live((p) => build(p, () => world.count()), { platform: world.platform })
    expect(result).toEqual({ outcome: 'finished' })
    expect(world.total).toBe(1_000)
    expect(world.longest).toBeGreaterThan(1)
    expect(world.longest).toBeLessThanOrEqual(workPerTurn)
  }

  test('event timers: a thousand due at one watermark fire in slices, though the next operator drops all results', () =>
    expectSlices((p, unit) => {
      p.from('n', memory.read({ all: [...keys, 5_000] }))
        .withTimestamps({ timestamp: (n) => (n < 5_000 ? 1 : n) })
        .keyBy((n) => n)
        .process('timers', {
          output: output<number>(),
          onRecord({ value }, { timers }) {
            if (value < 5_000) timers.setEvent(1_000)
          },
          onTimer({ key }, { emit }) {
            unit()
            emit(key)
          },
        })
        .filter(() => false)
        .to('out', memory.write())
    }))

  test('processing timers: a thousand due at one moment fire in slices', () =>
    expectSlices((p, unit) => {
      let moment = 0
      p.from('n', pacedSource({ all: [...keys, ...Array.from({ length: 4_000 }, () => -1)] }, 100))
        .keyBy((n) => n)
        .process('timers', {
          output: output<number>(),
          onRecord({ value }, { timers, now }) {
            if (moment === 0) moment = now() + 20
            if (value >= 0) timers.setProcessing(moment)
          },
          onTimer() {
            unit()
          },
        })
        .to('out', memory.write())
    }))

  test('windows: a thousand keys of one window are emitted in slices, though the next operator drops them', () =>
    expectSlices((p, unit) => {
      p.from('n', memory.read({ all: [...keys, 5_000] }))
        .withTimestamps({ timestamp: (n) => (n < 5_000 ? 1 : n) })
        .keyBy((n) => n)
        .window(tumbling(1_000))
        .aggregate('windows', { n: count() })
        .filter(({ key }) => {
          if (key < 5_000) unit()
          return false
        })
        .to('out', memory.write())
    }))

  test('records: a batch of a thousand is handled in slices, though none of them leaves the operator', () =>
    expectSlices((p, unit) => {
      p.from('n', memory.read({ all: keys }))
        .keyBy((n) => n % 7)
        .process('drop', { output: output<number>(), onRecord: unit })
        .to('out', memory.write())
    }))

  test('sources: a poll of a thousand records is decoded in slices, though the next step drops them', () =>
    expectSlices((p, unit) => {
      p.from('n', memory.read({ all: keys }))
        .filter(() => {
          unit()
          return false
        })
        .withTimestamps({ timestamp: (n) => n })
        .to('out', memory.write())
    }))
})

describe('between two slices', () => {
  test('records take turns with a processing timer that sets itself again for the same moment', async () => {
    const sink = memory.write<number>()
    const { result } = await live(
      (p) => {
        p.from('n', memory.read({ all: [1, 2, 3] }))
          .keyBy(() => 'all')
          .process('restless', {
            output: output<number>(),
            onRecord({ value }, { emit, timers, now }) {
              emit(value)
              timers.setProcessing(now())
            },
            onTimer(_, { timers, now }) {
              timers.setProcessing(now())
            },
          })
          .to('out', sink)
      },
      { platform: new CountedWorld().platform, batchRecords: 1 },
    )
    expect(result).toEqual({ outcome: 'finished' })
    expect(sink.values).toEqual([1, 2, 3])
  })

  test('a thousand records of mapAsync are accepted, saved and restored in slices', async () => {
    const build =
      (unit: () => void) =>
      (p: PipelineBuilder): void =>
        p
          .from('n', memory.read({ all: keys }))
          .keyBy((n) => {
            unit()
            return n
          })
          .mapAsync('wait', () => new Promise<number>(() => {}), { concurrency: 1_000 })
          .to('out', memory.write())
    const world = new CountedWorld()
    let [cells, mostKept] = [0, 0]
    const first = await live(
      build(() => world.count()),
      {
        platform: world.platform,
        checkpoints: { everyMs: 1 },
        onEvent: (event, job) => {
          if (event.kind === 'started') {
            world.onTurn = () => {
              const now = job.status().state?.cells ?? 0
              mostKept = Math.max(mostKept, now - cells)
              cells = now
            }
          } else if (event.kind === 'checkpointCompleted' && cells >= 1_000) void job.stop()
        },
      },
    )
    expect(first.result).toEqual({ outcome: 'stopped' })
    // One cell is the page of splits that have ended.
    expect([world.total, cells]).toEqual([1_000, 1_001])
    expect(world.longest).toBeLessThanOrEqual(workPerTurn)
    expect(mostKept).toBeLessThanOrEqual(workPerTurn)
    const again = new CountedWorld(first.platform.fs)
    await live(
      build(() => again.count()),
      {
        platform: again.platform,
        until: () => again.total === 1_000,
      },
    )
    expect(again.total).toBe(1_000)
    expect(again.longest).toBeLessThanOrEqual(workPerTurn)
  })

  test('a window of many slices is merged in several of them when it ends', async () => {
    const world = new CountedWorld()
    const merged = aggregator({
      kind: 'merged',
      version: 1,
      create: () => 0,
      add: (n, _value: number) => n + 1,
      merge: (a, b) => {
        world.count()
        return a + b
      },
      result: (n) => n,
    })
    const sink = memory.write<{ n: number }>()
    await live(
      (p) => {
        p.from('n', memory.read({ all: [...Array.from({ length: 4_000 }, (_, n) => n), 8_000] }))
          .withTimestamps({ timestamp: (n) => n })
          .keyBy(() => 'all')
          .window(sliding({ size: 3_000, slide: 1 }))
          .aggregate('windows', { n: merged })
          .filter(({ n }) => n === 3_000)
          .map(({ n }) => ({ n }))
          .to('out', sink)
      },
      { platform: world.platform },
    )
    expect(sink.values).toHaveLength(1_001)
    expect(world.total).toBeGreaterThan(6_000)
    // A unit of work is 32 slices, each of which is copied by a merge and then merged.
    expect(world.longest).toBeLessThanOrEqual(workPerTurn * 64)
  })

  test('a job that is cancelled in the middle of a burst of timers ends without firing the rest', async () => {
    const fired: number[] = []
    const { result } = await live(
      (p) => {
        p.from('n', memory.read({ all: [...keys, 5_000] }))
          .withTimestamps({ timestamp: (n) => (n < 5_000 ? 1 : n) })
          .keyBy((n) => n)
          .process('timers', {
            output: output<number>(),
            onRecord({ value }, { timers }) {
              if (value < 5_000) timers.setEvent(1_000)
            },
            onTimer({ key }) {
              fired.push(key)
            },
          })
          .to('out', memory.write())
      },
      {
        platform: new CountedWorld().platform,
        until: (job) => {
          if (fired.length > 0) void job.cancel()
          return false
        },
      },
    )
    expect(result?.outcome).toBe('failed')
    expect(fired.length).toBeGreaterThan(0)
    expect(fired.length).toBeLessThan(keys.length)
  })

  test('a checkpoint that began before a burst of timers completes while they fire', async () => {
    let fired = 0
    const firedAtCompletion: number[] = []
    let begun: Job | undefined
    const { result } = await live(
      (p) => {
        p.from('n', memory.read({ all: [...keys, 5_000] }))
          .tap((n) => {
            // The barrier comes behind this record, and before the one that sets off the burst.
            if (n === 999) void begun!.checkpoint()
          })
          .withTimestamps({ timestamp: (n) => (n < 5_000 ? 1 : n) })
          .keyBy((n) => n)
          .process('timers', {
            output: output<number>(),
            onRecord({ value }, { timers }) {
              if (value < 5_000) timers.setEvent(1_000)
            },
            onTimer({ time }, { timers }) {
              fired++
              if (time < 1_010) timers.setEvent(time + 1)
            },
          })
          .to('out', memory.write())
      },
      {
        platform: simPlatform({ seed: 1, workPerTurn: 20 }),
        batchRecords: 1,
        onEvent: (event, job) => {
          if (event.kind === 'started') begun = job
          if (event.kind === 'checkpointCompleted') firedAtCompletion.push(fired)
        },
      },
    )
    expect(result).toEqual({ outcome: 'finished' })
    expect(fired).toBe(11_000)
    expect(firedAtCompletion[0]).toBeGreaterThan(0)
    expect(firedAtCompletion[0]).toBeLessThan(11_000)
  })

  test('a restart restores a thousand timers and windows in slices', async () => {
    const world = new CountedWorld()
    const build = (p: PipelineBuilder): void => {
      const keyed = p
        .from('n', pacedSource({ all: [...keys, ...keys, ...keys] }, 5))
        .withTimestamps({ timestamp: () => 1 })
        .keyBy((n) => n)
      keyed
        .process('timers', {
          output: output<number>(),
          onRecord: (_record, { timers }) => timers.setEvent(1_000),
        })
        .to('out', memory.write())
      keyed
        .window(sliding({ size: 100, slide: 10 }))
        .aggregate('windows', { n: count() })
        .to('results', memory.write())
    }
    const isFull = (job: Job): boolean => (job.status().state?.cells ?? 0) >= 2_000
    const first = await live(build, {
      platform: world.platform,
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted' && isFull(job)) void job.stop()
      },
    })
    expect(first.result).toEqual({ outcome: 'stopped' })
    const again = new CountedWorld(first.platform.fs)
    const turns = again.turns
    await live(build, { platform: again.platform, until: (job) => isFull(job) })
    expect(again.turns - turns).toBeGreaterThan(2_000 / workPerTurn)
  })
})
