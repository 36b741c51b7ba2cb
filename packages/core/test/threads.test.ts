import { memory } from '@millrace/connector-memory'
import { sum, tumbling, type PipelineBuilder } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, multiset, nextLife, summing } from './simulated-job.ts'

const numbers = Array.from({ length: 300 }, (_, n) => n)

/** A stream with timestamps, windows, a broadcast and two sinks. */
function windows(sink: ReturnType<typeof memory.write<unknown>>): (p: PipelineBuilder) => void {
  return (p) =>
    p
      .from('numbers', pacedSource({ all: numbers, some: numbers.slice(0, 100) }, 3))
      .withTimestamps({ timestamp: (n) => n * 10 })
      .keyBy((n) => `key ${n % 11}`)
      .window(tumbling('100ms'))
      .aggregate('sum', { total: sum((n) => n) })
      .to('out', sink)
}

describe('a job in several workers', () => {
  test('has the same results as in one thread, at any number of them', async () => {
    const inOne = memory.write<unknown>()
    await live(windows(inOne))
    expect(inOne.values.length).toBeGreaterThan(100)
    for (const threads of [2, 3, 8]) {
      for (const seed of [1, 2]) {
        const sink = memory.write<unknown>()
        const { result } = await live(windows(sink), { parallelism: threads, threads, seed })
        expect(result).toEqual({ outcome: 'finished' })
        expect(multiset(sink)).toEqual(multiset(inOne))
      }
    }
  })

  test('gives each of four threads one of four partitions', async () => {
    const partitions = Object.fromEntries([0, 1, 2, 3].map((n) => [`orders-${n}`, numbers]))
    const build = (p: PipelineBuilder): void =>
      p.from('numbers', pacedSource(partitions, 3)).to('out', memory.write<number>())
    const { job } = await live(build, { parallelism: 4, threads: 4 })
    const read = job.status().tasks.filter(({ kind }) => kind === 'source')
    expect(read.map(({ recordsOut }) => recordsOut)).toEqual([300, 300, 300, 300])
  })

  test('restarts with another number of threads, and with none, and has its state and positions', async () => {
    const expected = memory.write<number>()
    await live(summing(numbers, expected))
    const sink = memory.write<number>()
    let platform = simPlatform({ seed: 3 })
    for (const [life, threads] of [1, 2, 3, 3, 1, 2, 8].entries()) {
      const isLast = life === 6
      const { result } = await live(summing(numbers, sink), {
        platform,
        parallelism: threads,
        threads,
        checkpoints: { everyMs: 5 },
        ...(isLast
          ? {}
          : {
              onEvent: (event, job) => {
                if (event.kind === 'checkpointCompleted') void job.stop()
              },
            }),
      })
      expect(result?.outcome).toBe(isLast ? 'finished' : 'stopped')
      platform = nextLife(platform, 10 + life)
    }
    expect(multiset(sink)).toEqual(multiset(expected))
  })
})
