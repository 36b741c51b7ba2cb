import { memory, type MemorySink } from '@millrace/connector-memory'
import { describe, expect, test } from 'vitest'
import { simPlatform } from '@millrace/testkit'
import type { CheckpointFigures } from '@millrace/core/job'
import { live, nextLife, summing, type SimulatedLife } from './simulated-job.ts'

const numbers = Array.from({ length: 400 }, (_, n) => n)

function sorted(sink: MemorySink<number>): readonly number[] {
  return sink.values.toSorted((a, b) => a - b)
}

/** What the whole input gives. */
async function expected(): Promise<readonly number[]> {
  const sink = memory.write<number>()
  await live(summing(numbers, sink))
  return sorted(sink)
}

/** The number of the checkpoint that a life began with. */
function restoredFrom({ events }: SimulatedLife): number | undefined {
  const started = events.find((event) => event.kind === 'started')
  return started?.kind === 'started' ? started.restoredFrom : undefined
}

describe('a savepoint', () => {
  test.each([1, 3])(
    'on stop: a job continues in its directory with parallelism %i, and nothing is lost or repeated',
    async (parallelism) => {
      const sink = memory.write<number>()
      const { platform, result, job } = await live(summing(numbers, sink), {
        checkpoints: { everyMs: 20 },
        onEvent: (event, running) => {
          if (event.kind === 'checkpointCompleted' && event.figures.checkpoint === 2) {
            void running.stop({ savepoint: 'saved' })
          }
        },
      })
      expect(result).toEqual({ outcome: 'stopped' })
      expect(sink.values.length).toBeLessThan(numbers.length)
      const again = await live(summing(numbers, sink), {
        platform: nextLife(platform),
        directory: 'saved',
        parallelism,
      })
      expect(again.result).toEqual({ outcome: 'finished' })
      expect(restoredFrom(again)).toBe(job.status().lastCheckpoint?.checkpoint)
      expect(sorted(sink)).toEqual(await expected())
    },
  )

  test('of a running job: the job is not affected, and another continues from the savepoint', async () => {
    const sink = memory.write<number>()
    const savepoints: Promise<CheckpointFigures>[] = []
    const first = await live(summing(numbers, sink), {
      checkpoints: { everyMs: 20, retain: 1 },
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted' && event.figures.checkpoint === 3) {
          savepoints.push(job.savepoint('saved'))
        }
      },
    })
    const { checkpoint } = await savepoints[0]!
    expect(first.result).toEqual({ outcome: 'finished' })
    expect(sorted(sink)).toEqual(await expected())
    expect(checkpoint).toBeLessThan(first.job.status().lastCheckpoint!.checkpoint)
    const again = await live(summing(numbers, sink), {
      platform: nextLife(first.platform),
      directory: 'saved',
    })
    expect(again.result).toEqual({ outcome: 'finished' })
    expect(restoredFrom(again)).toBe(checkpoint)
  })

  test('a directory that is not empty is refused, and the job runs on', async () => {
    const sink = memory.write<number>()
    const errors: Promise<unknown>[] = []
    const platform = simPlatform({ seed: 1 })
    const { result } = await live(summing(numbers, sink), {
      platform,
      checkpoints: { everyMs: 20 },
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted' && event.figures.checkpoint === 2) {
          errors.push(job.savepoint('data').catch((error: unknown) => error))
        }
      },
    })
    expect(String(await errors[0])).toContain('data is not empty')
    expect(result).toEqual({ outcome: 'finished' })
    expect(sorted(sink)).toEqual(await expected())
  })
})
