import { memory } from '@millrace/connector-memory'
import type { CpuProfile, Profiler } from '@millrace/core/disk'
import type { Job, JobEvent, ThreadProfile } from '@millrace/core/job'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { live, summing, type LifeOptions } from './simulated-job.ts'

const nothing: CpuProfile = {
  nodes: [],
  startTime: 0,
  endTime: 0,
  samples: [],
  timeDeltas: [],
  startedAtMs: 0,
}

/** A platform whose profiler samples nothing, and counts how many profiles are being made. */
function profiled(): { readonly platform: SimPlatform; readonly open: () => number } {
  let open = 0
  const profiler: Profiler = {
    start: async () => {
      open++
      return {
        stop: async () => {
          open--
          return nothing
        },
      }
    },
  }
  return { platform: Object.assign(simPlatform({ seed: 1 }), { profiler }), open: () => open }
}

const numbers = Array.from({ length: 400 }, (_, n) => n)

/** Runs the sums, and profiles them for 50 ms once the job runs. */
async function profiledLife(
  options: LifeOptions,
  ms = 50,
): Promise<{ readonly values: readonly number[]; readonly outcome: Promise<readonly ThreadProfile[]> }> {
  const sink = memory.write<number>()
  let outcome: Promise<readonly ThreadProfile[]> | undefined
  const onEvent = (event: JobEvent, job: Job): void => {
    if (event.kind !== 'checkpointCompleted' || outcome !== undefined) return
    outcome = job.profile(ms)
    outcome.catch(() => {})
  }
  await live(summing(numbers, sink), { onEvent, ...options })
  return { values: [...sink.values], outcome: outcome! }
}

describe('a profile of a job', () => {
  test.each([1, 2])(
    '%d threads: changes no result, and names the parts and turns of each',
    async (threads) => {
      const plain = memory.write<number>()
      const parallel = threads === 1 ? {} : { threads, parallelism: threads }
      await live(summing(numbers, plain), parallel)
      const { platform, open } = profiled()
      const { values, outcome } = await profiledLife({ platform, ...parallel })
      expect(values.toSorted((a, b) => a - b)).toEqual([...plain.values].toSorted((a, b) => a - b))
      const profiles = await outcome
      expect(open()).toBe(0)
      expect(profiles.map(({ worker }) => worker)).toEqual(
        threads === 1 ? ['main'] : ['main', 'worker 1', 'worker 2'],
      )
      const parts = new Set(profiles.flatMap(({ frames }) => frames.map(({ part }) => part)))
      expect([...parts].toSorted()).toEqual(['map-1', 'sum'])
      for (const { frames, turns } of profiles) {
        const names = frames.map(({ url, functionName }) => `${url} ${functionName}`)
        expect(new Set(names).size).toBe(names.length)
        expect(turns.at).toEqual(turns.at.toSorted((a, b) => a - b))
        expect(Math.max(...turns.subtask)).toBeLessThan(turns.subtasks.length)
      }
      const ran = profiles.flatMap(({ turns }) => turns.subtask.map((at) => turns.subtasks[at]?.task))
      expect(new Set(ran)).toEqual(new Set([undefined, 'numbers', 'sum', 'out']))
    },
  )

  test('is made one at a time, and a later one is possible', async () => {
    const { platform } = profiled()
    const outcomes: string[] = []
    let count = 0
    await live(summing(numbers, memory.write()), {
      platform,
      onEvent: (event, job) => {
        if (event.kind !== 'checkpointCompleted' || count++ > 0) return
        const first = job.profile(10)
        job.profile(10).catch((error: Error) => outcomes.push(error.message))
        void first.then(() => job.profile(10)).then((profiles) => outcomes.push(`then ${profiles.length}`))
      },
    })
    expect(outcomes).toEqual([expect.stringContaining('is being profiled'), 'then 1'])
  })

  test('ends with JOB_FAILED if the job ends first, and leaves no profiler open', async () => {
    const { platform, open } = profiled()
    const { outcome } = await profiledLife({ platform }, 1e6)
    await expect(outcome).rejects.toMatchObject({
      code: 'JOB_FAILED',
      message: expect.stringContaining('the profile was lost'),
    })
    expect(open()).toBe(0)
  })

  test('is refused where the platform has no profiler', async () => {
    const { outcome } = await profiledLife({ platform: simPlatform({ seed: 1 }) })
    await expect(outcome).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})
