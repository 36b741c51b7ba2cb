import { sleep } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import type { Batch, Sink } from '@millrace/core/connector'
import type { PipelineBuilder } from '@millrace/flow'
import { simPlatform, SimFs, type SimPlatform } from '@millrace/testkit'
import { pacedSource } from './paced-source.ts'
import { live, nextLife, summing, untilCheckpoint } from './simulated-job.ts'

const numbers = Array.from({ length: 200 }, (_, i) => i)

/** A sink that records its calls and fails on request. */
function telling(story: string[], failCommit: () => boolean = () => false): Sink<number, number> {
  return {
    kind: 'telling',
    guarantee: 'exactly-once',
    open: async (_subtask, pending) => {
      for (const committable of pending) {
        if (failCommit()) throw new Error('the outside system is down')
        story.push(`commit ${committable} again`)
      }
      return {
        write: (batch: Batch<number>) => {
          story.push(`write ${batch.length}`)
        },
        prepare: async (checkpoint) => {
          story.push(`prepare ${checkpoint}`)
          return checkpoint
        },
        commit: async (committable) => {
          if (failCommit()) throw new Error('the outside system is down')
          story.push(`commit ${committable}`)
        },
        close: async () => {},
      }
    },
  }
}

/** A sink that is so slow at its first barrier that the first checkpoint is abandoned. */
function slowAtFirst(platform: SimPlatform): Sink<number> {
  let isFirst = true
  return {
    kind: 'slow',
    guarantee: 'at-least-once',
    open: async () => ({
      write: () => {},
      prepare: async () => {
        if (isFirst) await sleep(platform.clock, 50)
        isFirst = false
        return undefined
      },
      close: async () => {},
    }),
  }
}

describe('commits', () => {
  test('EN-208 EN-216 output prepared for an abandoned checkpoint is committed with the next, once, in order', async () => {
    const story: string[] = []
    const platform = simPlatform({ seed: 1 })
    const slow = slowAtFirst(platform)
    const { result, events } = await live(
      (p) => {
        const stream = p.from('numbers', pacedSource({ all: numbers }, 2))
        stream.to('log', telling(story))
        stream.to('slow', slow)
      },
      { platform, checkpoints: { everyMs: 10, timeoutMs: 30 } },
    )
    expect(result).toEqual({ outcome: 'finished' })
    expect(events.filter((event) => event.kind === 'checkpointAbandoned')).toHaveLength(1)
    const commits = story.filter((line) => line.startsWith('commit'))
    expect(commits.slice(0, 2)).toEqual(['commit 1', 'commit 2'])
    expect(new Set(commits).size).toBe(commits.length)
  })

  test('EN-208 after a crash before the commit, the next start commits output prepared for a checkpoint that was aborted too', async () => {
    const story: string[] = []
    let isDown = true
    let platform = simPlatform({ seed: 1 })
    const build = (p: PipelineBuilder): void => {
      const stream = p.from('numbers', pacedSource({ all: numbers }, 2))
      stream.to(
        'log',
        telling(story, () => isDown),
      )
      stream.to('slow', slowAtFirst(platform))
    }
    const first = await live(build, { platform, checkpoints: { everyMs: 10, timeoutMs: 30 } })
    expect(first.result).toHaveProperty('error.code', 'SINK_FAILED')
    expect(first.events.filter((event) => event.kind === 'checkpointAbandoned')).toHaveLength(1)
    isDown = false
    platform = nextLife(platform)
    await live(build, { platform })
    expect(story.filter((line) => line.endsWith('again'))).toEqual(['commit 1 again', 'commit 2 again'])
  })

  test('EN-218 EN-219 a failed commit stops the job; each start repeats it from the manifest until it succeeds', async () => {
    const story: string[] = []
    let isDown = true
    const build = (p: Parameters<Parameters<typeof live>[0]>[0]) =>
      p.from('numbers', pacedSource({ all: numbers }, 2)).to(
        'log',
        telling(story, () => isDown),
      )
    const first = await live(build, { checkpoints: { everyMs: 10 } })
    expect(first.result).toHaveProperty('error.code', 'SINK_FAILED')
    expect(first.result).toHaveProperty(
      'error.message',
      expect.stringContaining("sink 'log' could not commit"),
    )
    const second = await live(build, { platform: nextLife(first.platform) })
    expect(second.result).toHaveProperty('error.message', expect.stringContaining('outside system is down'))
    isDown = false
    const third = await live(build, { platform: nextLife(first.platform, 3) })
    expect(third.result).toEqual({ outcome: 'finished' })
    expect(story.filter((line) => line.endsWith('again'))).toEqual(['commit 1 again'])
  })

  test('EN-225 every record before a barrier is written before the sink prepares', async () => {
    const story: string[] = []
    await live((p) => p.from('numbers', pacedSource({ all: numbers }, 2)).to('log', telling(story)), {
      checkpoints: { everyMs: 20 },
    })
    const written = story
      .filter((line) => line.startsWith('write'))
      .reduce((sum, line) => sum + Number(line.slice(6)), 0)
    expect(written).toBe(200)
    expect(story.at(-2)).toMatch(/^prepare/)
    expect(story.at(-1)).toMatch(/^commit/)
  })

  test('EN-210 a data directory can be moved: the job resumes from its new place', async () => {
    const sink = memory.write<number>()
    const build = summing(numbers, sink)
    const { platform } = await live(build, {
      checkpoints: { everyMs: 10 },
      ...untilCheckpoint,
    })
    const elsewhere = new SimFs()
    for (const path of platform.fs.paths())
      elsewhere.put(path.replace('/data/', '/moved/here/'), platform.fs.peek(path)!)
    const { result, events } = await live(build, {
      platform: simPlatform({ seed: 4, fs: elsewhere }),
      directory: 'moved/here',
    })
    expect(result).toEqual({ outcome: 'finished' })
    expect(events[0]).toMatchObject({ kind: 'started', restoredFrom: expect.any(Number) as number })
    expect(sink.values.length).toBe(200)
  })
})
