import { sleep } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import type { Source } from '@millrace/core/connector'
import { CheckpointStorage } from '@millrace/core/job'
import { count, output, state, tumbling } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { pacedSource } from './paced-source.ts'
import { scheduledSource } from './scheduled-source.ts'
import { live, nextLife, untilCheckpoint } from './simulated-job.ts'

describe('time in a running job', () => {
  test('EN-088 the watermark is the newest time minus the out-of-orderness, and a window ends when it reaches the end', async () => {
    const seen: number[] = []
    const platform = simPlatform({ seed: 1 })
    await live(
      (p) =>
        p
          .from('n', memory.read({ all: [0, 104, 105, 106] }))
          .withTimestamps({ timestamp: (n) => n, maxOutOfOrderness: 5 })
          .keyBy(() => 'all')
          .process('look', {
            output: output<string>(),
            state: { before: state.value<number>() },
            onRecord({ time }, { watermark, emit }) {
              seen.push(watermark())
              emit(`${time}`)
            },
          })
          .to('out', memory.write()),
      { platform },
    )
    // Each record is handled under the watermark of those before it.
    expect(seen).toEqual([Number.NEGATIVE_INFINITY, -5, 99, 100])
  })

  test('EN-096 an operator emits a watermark only after the output of its timers', async () => {
    const late = memory.write<unknown>()
    const windows = memory.write<{ n: number }>()
    await live((p) => {
      const inner = p
        .from('n', memory.read({ all: [0, 50, 100, 150, 1_000] }))
        .withTimestamps({ timestamp: (n) => n })
        .keyBy(() => 'all')
        .window(tumbling(100))
        .aggregate('inner', { n: count() })
      // One watermark ends several windows of both; results of the inner ones must still be in time for the outer.
      const outer = inner
        .keyBy(() => 'all')
        .window(tumbling(200))
        .aggregate('outer', { n: count() })
      outer.late.to('late', late)
      outer.to('out', windows)
    })
    expect(late.values).toEqual([])
    expect(windows.values.map(({ n }) => n)).toEqual([2, 1])
  })

  test('EN-095 the initial watermark survives a checkpoint, and the end of a run does not count as event time', async () => {
    const build = (times: readonly number[]) => (p: Parameters<Parameters<typeof live>[0]>[0]) =>
      p
        .from('n', memory.read<number>({ all: times }))
        .withTimestamps({ timestamp: (n) => n })
        .keyBy(() => 1)
        .window(tumbling(10))
        .aggregate('w', { n: count() })
        .to('out', memory.write())
    for (const [times, watermark] of [
      [[], null],
      [[25], 25],
    ] as const) {
      const { platform } = await live(build(times))
      const [manifest] = await new CheckpointStorage(platform.fs, 'data/checkpoints').readable(() => {})
      expect(manifest?.watermarks).toMatchObject([
        { operator: 'n', watermark },
        { operator: 'w', watermark },
      ])
      const { result } = await live(build(times), { platform: nextLife(platform) })
      expect(result).toEqual({ outcome: 'finished' })
    }
  })

  test('EN-099 a wall clock that jumps makes no split idle: only elapsed time counts', async () => {
    const platform = simPlatform({ seed: 1 })
    const windows = memory.write<{ n: number }>()
    await live(
      (p) =>
        p
          .from('n', pacedSource({ a: [0, 10, 200, 210], b: [0, 5, 190, 205] }, 1))
          .withTimestamps({ timestamp: (n) => n, idleAfter: 5_000 })
          .keyBy(() => 'all')
          .window(tumbling(100))
          .aggregate('w', { n: count() })
          .to('out', windows),
      {
        platform,
        onEvent: (event) => {
          if (event.kind === 'started') platform.clock.jumpWallClock(3_600_000)
        },
      },
    )
    expect(windows.values.map(({ n }) => n)).toEqual([4, 1, 3])
  })

  test('EN-113 processing timers fire by the clock, and at the end of the input pending ones fire at once', async () => {
    const platform = simPlatform({ seed: 1 })
    const fired = memory.write<number>()
    await live(
      (p) =>
        p
          .from('n', pacedSource({ all: [1, 2, 3] }, 1))
          .keyBy((n) => n)
          .process('remind', {
            output: output<number>(),
            state: { n: state.value<number>() },
            onRecord({ value }, { timers, now }) {
              timers.setProcessing(now() + (value === 3 ? 1_000_000 : 1))
            },
            onTimer({ key }, { emit }) {
              emit(key)
            },
          })
          .to('out', fired),
      { platform },
    )
    expect(fired.values).toEqual([1, 2, 3])
  })

  test('the split whose newest record is oldest is read next', async () => {
    const sink = memory.write<number>()
    await live(
      (p) =>
        p
          .from('n', memory.read({ a: [0, 30, 31, 32], b: [10, 11, 40], c: [20, 21, 22] }))
          .withTimestamps({ timestamp: (n) => n })
          .to('out', sink),
      { batchRecords: 1 },
    )
    expect(sink.values).toEqual([0, 10, 20, 30, 11, 40, 21, 22, 31, 32])
  })
})

describe('lateness at any parallelism', () => {
  test('a subtask without splits delays no watermark, so a late record is late at parallelism 1, 2 and 3', async () => {
    const values = [0, 100, 200, 5, 300, 15, 400]
    const runs: (readonly number[])[] = []
    for (const parallelism of [1, 2, 3]) {
      const late = memory.write<number>()
      await live(
        (p) =>
          p
            .from('n', memory.read({ all: values }))
            .withTimestamps({ timestamp: (n) => n })
            .keyBy((n) => n % 3)
            .window(tumbling(100))
            .aggregate('w', { n: count() })
            .late.to('late', late),
        { parallelism },
      )
      runs.push(late.values.toSorted((a, b) => a - b))
    }
    expect(runs).toEqual([
      [5, 15],
      [5, 15],
      [5, 15],
    ])
  })
})

/** Times by split, which come one by one and of which the last is followed by nothing, not even an end, but in `a`. */
function openEnded(splits: Readonly<Record<string, readonly number[]>>): Source<number, number> {
  return {
    kind: 'open-ended',
    durability: 'replayable',
    discover: async () => ({ splits: Object.keys(splits), isComplete: true }),
    open: async (split, from = 0, { signal }) => {
      const times = splits[split]!
      let next = from
      return {
        poll: () => {
          if (next < times.length) return { kind: 'records', values: [times[next++]!] }
          return split === 'a' ? { kind: 'end' } : { kind: 'pending', isCaughtUp: true }
        },
        ready: () => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
        position: () => next,
        close: async () => {},
      }
    },
  }
}

test('EN-235 after a rescale each split counts from the time it had reached, also before its next record', async () => {
  const windows = memory.write<{ n: number }>()
  let platform = simPlatform({ seed: 1 })
  for (const [parallelism, behind] of [
    [1, [500]],
    [2, [500, 900]],
  ] as const) {
    await live(
      (p) =>
        p
          .from('n', openEnded({ ahead: [1_000], behind }))
          .withTimestamps({ timestamp: (n) => n })
          .keyBy(() => 'all')
          .window(tumbling(600))
          .aggregate('count', { n: count() })
          .to('out', windows),
      {
        platform,
        parallelism,
        isBounded: false,
        ...untilCheckpoint,
      },
    )
    platform = nextLife(platform)
  }
  expect(windows.values.map(({ n }) => n)).toEqual([1])
})

test('after a restart a split that had ended does not make the others late', async () => {
  const [windows, late] = [memory.write<{ n: number }>(), memory.write<number>()]
  let platform = simPlatform({ seed: 1 })
  for (const times of [[100], [100, 200, 400]]) {
    await live(
      (p) => {
        const counted = p
          .from('n', openEnded({ a: [1_000], b: times }))
          .withTimestamps({ timestamp: (n) => n })
          .keyBy(() => 'all')
          .window(tumbling(150))
          .aggregate('count', { n: count() })
        counted.to('windows', windows)
        counted.late.to('late', late)
      },
      {
        platform,
        isBounded: false,
        ...untilCheckpoint,
      },
    )
    platform = nextLife(platform)
  }
  expect(late.values).toEqual([])
  expect(windows.values.map(({ n }) => n)).toEqual([1, 1])
})

test('a split that becomes idle makes no record with a running call late', async () => {
  const [windows, late] = [memory.write<{ n: number }>(), memory.write<number>()]
  const platform = simPlatform({ seed: 1 })
  await live(
    (p) => {
      const counted = p
        .from('n', openEnded({ ahead: [1_000], behind: [100] }))
        .withTimestamps({ timestamp: (n) => n, idleAfter: 50 })
        .mapAsync('call', async (n) => {
          await sleep(platform.clock, n === 100 ? 500 : 0)
          return n
        })
        .keyBy(() => 'all')
        .window(tumbling(600))
        .aggregate('count', { n: count() })
      counted.to('windows', windows)
      counted.late.to('late', late)
    },
    {
      platform,
      parallelism: 2,
      isBounded: false,
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted' && platform.clock.monotonic() > 1_000) void job.stop()
      },
    },
  )
  expect(late.values).toEqual([])
  expect(windows.values.map(({ n }) => n)).toEqual([1])
})

test('EN-235 records in flight keep their watermark, also after a rescale', async () => {
  const seen = memory.write<string>()
  let platform = simPlatform({ seed: 1 })
  for (const [parallelism, callMs] of [
    [1, 10_000],
    [3, 0],
  ] as const) {
    const { clock } = platform
    await live(
      (p) =>
        p
          .from('n', openEnded({ b: [100, 200, 300] }))
          .withTimestamps({ timestamp: (n) => n })
          .mapAsync('call', async (n) => {
            if (n > 100) await sleep(clock, callMs)
            return n
          })
          .keyBy((n) => n)
          .process('look', {
            output: output<string>(),
            state: { n: state.value<number>() },
            onRecord: ({ time }, { watermark, emit }) => emit(`${time} under ${watermark()}`),
          })
          .to('seen', seen),
      {
        platform,
        parallelism,
        isBounded: false,
        ...untilCheckpoint,
      },
    )
    platform = nextLife(platform)
  }
  // After the rescale the keys are in different subtasks, which are not in order.
  expect(seen.values.toSorted()).toEqual(['100 under -Infinity', '200 under 100', '300 under 200'])
})

test('a finished split makes no record of an idle split late', async () => {
  const [windows, late] = [memory.write<{ n: number }>(), memory.write<number>()]
  const platform = simPlatform({ seed: 1 })
  const turns: readonly (readonly [split: string, time: number, atMs: number])[] = [
    ['slow', 100, 0],
    ['fast', 10_000, 20],
    ['slow', 101, 50],
    ['slow', 102, 850],
    ['slow', 103, 850],
  ]
  await live(
    (p) => {
      const counted = p
        .from('n', scheduledSource(turns, 'fast'))
        .withTimestamps({ timestamp: (n) => n, idleAfter: 150 })
        .keyBy(() => 'all')
        .window(tumbling(50))
        .aggregate('count', { n: count() })
      counted.to('windows', windows)
      counted.late.to('late', late)
    },
    {
      platform,
      isBounded: false,
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted' && platform.clock.monotonic() > 1_000)
          void job.stop({ drain: true })
      },
    },
  )
  expect(late.values).toEqual([])
  expect(windows.values.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual([1, 4])
})
