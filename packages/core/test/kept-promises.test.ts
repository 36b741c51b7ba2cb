import { describe, expect, test } from 'vitest'
import { sleep } from '@millrace/world'
import { memory } from '@millrace/connector-memory'
import type { Sink, Source } from '@millrace/core/connector'
import { CheckpointStorage } from '@millrace/core/job'
import { output, state } from '@millrace/flow'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { openSource } from './open-source.ts'
import { pacedSource } from './paced-source.ts'
import { live, nextLife, untilCheckpoint } from './simulated-job.ts'

const numbers = Array.from({ length: 200 }, (_, n) => n)

/** A sink that says which committables each subtask is opened with, and whose commits may fail. */
function openedWith(
  opened: (readonly [number, readonly number[]])[],
  isDown: () => boolean,
): Sink<number, number> {
  return {
    kind: 'opened',
    guarantee: 'exactly-once',
    open: async (subtask, pending) => {
      opened.push([subtask, pending])
      return {
        write: () => {},
        prepare: async (checkpoint) => checkpoint,
        commit: async () => {
          if (isDown()) throw new Error('the outside system is down')
        },
        close: async () => {},
      }
    },
  }
}

/** A sink that is so slow at its first barrier that the checkpoint is aborted. */
function slowAtFirst(platform: SimPlatform, delayMs: number): Sink<number> {
  let isFirst = true
  return {
    kind: 'slow',
    guarantee: 'at-least-once',
    open: async () => ({
      write: () => {},
      prepare: async () => {
        const wasFirst = isFirst
        isFirst = false
        if (wasFirst) await sleep(platform.clock, delayMs)
        return undefined
      },
      close: async () => {},
    }),
  }
}

describe('prepared work', () => {
  test('EN-208 output prepared for an aborted checkpoint is named by the next manifest, so a crash does not lose it', async () => {
    const opened: (readonly [number, readonly number[]])[] = []
    const platform = simPlatform({ seed: 1 })
    const { result, events } = await live(
      (p) => {
        const stream = p.from('numbers', pacedSource({ all: numbers }, 2))
        stream.to(
          'opened',
          openedWith(opened, () => true),
        )
        stream.to('slow', slowAtFirst(platform, 50))
      },
      { platform, checkpoints: { everyMs: 10, timeoutMs: 30 } },
    )
    expect(events.some(({ kind }) => kind === 'checkpointAbandoned')).toBe(true)
    expect(result).toHaveProperty('error.code', 'SINK_FAILED')
    const [manifest] = await new CheckpointStorage(platform.fs, 'data/checkpoints').readable(() => {})
    const named = manifest!.sinks
      .filter(({ sink }) => sink === 'opened')
      .map(({ committable }) => committable)
    expect(named).toEqual([1, 2])
  })

  test('EN-219 prepared output of a manifest is passed to subtask 0 and to no other', async () => {
    const opened: (readonly [number, readonly number[]])[] = []
    const build = (isDown: boolean) => (p: Parameters<Parameters<typeof live>[0]>[0]) =>
      p.from('numbers', pacedSource({ all: numbers }, 2)).to(
        'opened',
        openedWith(opened, () => isDown),
      )
    const { platform } = await live(build(true), { parallelism: 2, checkpoints: { everyMs: 10 } })
    opened.length = 0
    await live(build(false), { parallelism: 2, platform: nextLife(platform) })
    expect(opened.toSorted(([a], [b]) => a - b)).toEqual([
      [0, [1, 1]],
      [1, []],
    ])
  })
})

/** Pushes the positions that are acknowledged. */
function acknowledging(acknowledged: number[], acknowledgesLast: boolean): Source<number, number> {
  const inner = pacedSource({ all: numbers }, 4)
  return {
    ...inner,
    open: async (split, from, context) => {
      const reader = await inner.open(split, from, context)
      return {
        poll: (limit) => reader.poll(limit),
        ready: () => reader.ready(),
        position: () => reader.position(),
        close: () => reader.close(),
        acknowledge: async (position) => void acknowledged.push(position),
        acknowledgesLast,
      }
    },
  }
}

test('a source may only delete input that the oldest kept checkpoint has read', async () => {
  const acknowledged: number[] = []
  const forgetting = acknowledging(acknowledged, false)
  let completed = 0
  const { platform } = await live((p) => p.from('numbers', forgetting).to('out', memory.write()), {
    checkpoints: { everyMs: 5, retain: 2 },
    onEvent: (event, job) => {
      if (event.kind === 'checkpointCompleted' && ++completed === 6) void job.stop()
    },
  })
  const kept = await new CheckpointStorage(platform.fs, 'data/checkpoints').readable(() => {})
  const oldest = kept.at(-1)!.sources[0]!.splits[0]!.position as number
  expect(kept.length).toBe(2)
  expect(acknowledged.length).toBeGreaterThan(2)
  expect(Math.max(...acknowledged)).toBeLessThanOrEqual(oldest)
})

test.each([true, false])(
  'a source that would deliver records again acknowledges the last checkpoint of a run, also if it is bounded (%s)',
  async (isBounded) => {
    const acknowledged: number[] = []
    let completed = 0
    const { platform } = await live(
      (p) => p.from('numbers', acknowledging(acknowledged, true)).to('out', memory.write()),
      {
        isBounded,
        checkpoints: { everyMs: 5, retain: 2 },
        onEvent: (event, job) => {
          if (!isBounded && event.kind === 'checkpointCompleted' && ++completed === 3) void job.stop()
        },
      },
    )
    const [newest] = await new CheckpointStorage(platform.fs, 'data/checkpoints').readable(() => {})
    const position = isBounded ? numbers.length : newest!.sources[0]!.splits[0]!.position
    expect(Math.max(...acknowledged)).toBe(position)
  },
)

test('EN-235 after a rescale no result has a later watermark than the records after it', async () => {
  const seen = memory.write<readonly [time: number, watermark: number]>()
  // Split `a` is far ahead of `b`; their records in flight come together in one subtask.
  const splits = { a: [1_000, 2_000, 3_000], b: [10, 20, 30] }
  let platform = simPlatform({ seed: 1 })
  for (const [parallelism, callMs] of [
    [4, 10_000],
    [1, 0],
  ] as const) {
    const { clock } = platform
    await live(
      (p) =>
        p
          .from('n', openSource(splits))
          .withTimestamps({ timestamp: (n) => n })
          .mapAsync('call', async (n) => {
            await sleep(clock, callMs)
            return n
          })
          .keyBy((n) => n)
          .process('look', {
            output: output<readonly [number, number]>(),
            state: { n: state.value<number>() },
            onRecord: ({ time }, { watermark, emit }) => emit([time, watermark()]),
          })
          .to('seen', seen),
      { platform, parallelism, isBounded: false, ...untilCheckpoint },
    )
    platform = nextLife(platform)
  }
  expect(seen.values.map(([time]) => time).toSorted((a, b) => a - b)).toEqual([
    10, 20, 30, 1_000, 2_000, 3_000,
  ])
  // Each was in time when it was read, so each must be in time here.
  for (const [time, watermark] of seen.values) expect(watermark).toBeLessThanOrEqual(time)
})
