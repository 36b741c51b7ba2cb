import { memory } from '@millrace/connector-memory'
import { sleep } from '@millrace/world'
import { startJob, type Job, type JobEvent } from '@millrace/core/job'
import type { Sink } from '@millrace/core/connector'
import { jobOptionsOf, pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, type SimPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'

/** A job whose sink takes 200 ms to commit, or never does. */
function committing(platform: SimPlatform, fails = false): Job {
  const slow: Sink<string, string> = {
    kind: 'slow',
    guarantee: 'exactly-once',
    open: async () => ({
      write: () => {},
      prepare: async () => 'prepared',
      commit: async () => {
        await sleep(platform.clock, 200)
        if (fails) throw new Error('cannot commit')
      },
      close: async () => {},
    }),
  }
  const program = pipeline('slow', (p) => p.from('words', memory.read(['a'])).to('out', slow))
  const options = jobOptionsOf(program, { bounded: true, restart: { kind: 'none' } })
  return startJob({ ...options, platform, store: memoryStore() })
}

describe('a running job', () => {
  test('an observer that is added right after the start gets every event, until it is disposed of', async () => {
    const platform = simPlatform({ seed: 1 })
    const job = committing(platform)
    const all: JobEvent['kind'][] = []
    const some: JobEvent['kind'][] = []
    job.observe((event) => all.push(event.kind))
    const observing = job.observe((event) => {
      some.push(event.kind)
      if (event.kind === 'stopping') observing[Symbol.dispose]()
    })
    await driveJob(job, platform.clock)
    expect(all).toEqual(['started', 'stopping', 'checkpointCompleted', 'ended'])
    expect(some).toEqual(['started', 'stopping'])
  })

  test('committed rejects while the job starts', async () => {
    const platform = simPlatform({ seed: 1 })
    const job = committing(platform)
    const committed = job.committed(1).catch((error: unknown) => (error as Error).message)
    await driveJob(job, platform.clock)
    expect(await committed).toBe('the job is starting')
  })

  test('committed resolves for everyone who waits once all sinks have committed, and rejects if the job ends before', async () => {
    const ends: unknown[] = []
    for (const fails of [false, true]) {
      const platform = simPlatform({ seed: 1 })
      const job = committing(platform, fails)
      const startedAt = platform.clock.monotonic()
      job.observe((event) => {
        if (event.kind !== 'checkpointCompleted') return
        for (let waiting = 0; waiting < 2; waiting++) {
          job.committed(event.figures.checkpoint).then(
            () => ends.push(platform.clock.monotonic() - startedAt),
            (error: unknown) => ends.push((error as Error).message),
          )
        }
      })
      await driveJob(job, platform.clock)
    }
    const lost = 'the job ended before it had committed checkpoint 1'
    expect(ends).toEqual([200, 200, lost, lost])
  })
})
