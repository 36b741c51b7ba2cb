import { describe, expect, test } from 'vitest'
import { memory, type MemorySink } from '@millrace/connector-memory'
import { describeError } from '@millrace/core'
import type { JobEvent } from '@millrace/core/job'
import { simPlatform, SimFs } from '@millrace/testkit'
import { live, summing, type SimulatedLife } from './simulated-job.ts'

const numbers = Array.from({ length: 100 }, (_, i) => i)

const checkpoints = { everyMs: 10 }

/** Runs the job on a disk until it has completed some checkpoints, or ends by itself. */
async function run(fs: SimFs, sink: MemorySink<number>, completed = Infinity): Promise<SimulatedLife> {
  const isCompleted = (event: JobEvent): boolean => event.kind === 'checkpointCompleted'
  return live(summing(numbers, sink), {
    platform: simPlatform({ seed: fs.life, fs }),
    checkpoints,
    until: (_job, events) => events.filter(isCompleted).length >= completed,
  })
}

/** The index of each directory sync among the operations of a life without failures. */
async function namesSynced(): Promise<number[]> {
  const fs = new SimFs()
  await run(fs, memory.write())
  const operations = fs.describe().split('\n')
  return operations.flatMap((line, index) => (line.includes(' syncDirectory ') ? [index + 1] : []))
}

describe('a job that was stopped because the sync of a directory had failed', () => {
  test('keeps its committed output after the next start, at any power loss', async () => {
    const syncs = await namesSynced()
    expect(syncs.length).toBeGreaterThan(10)
    for (const operation of syncs) {
      const fs = new SimFs()
      fs.failAt(operation)
      const sink = memory.write<number>()
      const first = await run(fs, sink)
      // The last sync only notes that all is committed: the job has ended well without it.
      if (operation === syncs.at(-1)) expect(first.result).toEqual({ outcome: 'finished' })
      else expect(first.result).toMatchObject({ outcome: 'failed', error: { code: 'FS_SYNC_FAILED' } })
      const disk = fs.afterKill()
      await run(disk, sink, 1)
      const last = await run(disk.afterPowerLoss(), sink)
      expect(last.result, `operation ${operation} failed`).toEqual({ outcome: 'finished' })
      expect(sink.values.length, `operation ${operation} failed`).toBe(numbers.length)
    }
  })
})

describe('a job on a disk that has run full', () => {
  test('restarts from its checkpoint on a full disk, and continues when there is room', async () => {
    const fs = new SimFs()
    const sink = memory.write<number>()
    const story: string[] = []
    const { result } = await live(summing(numbers, sink), {
      platform: simPlatform({ seed: 1, fs }),
      checkpoints,
      restart: { kind: 'fixed', delayMs: 1_000, attempts: 3 },
      onEvent: (event) => {
        if (event.kind === 'checkpointCompleted' && story.length === 1) fs.capacityBytes = 0
        if (event.kind === 'started') story.push(`started from ${event.restoredFrom}`)
        if (event.kind === 'failed') story.push(describeError(event.error))
        if (event.kind === 'failed' && story.length > 4) fs.capacityBytes = Infinity
      },
    })
    const full = expect.stringMatching(/^FS_FULL: data\/state\/segment-\d+\.\d+\.seg: .* free some space$/)
    expect(story).toEqual([
      'started from undefined',
      full,
      'started from 1',
      full,
      'started from 1',
      full,
      'started from 1',
    ])
    expect(result).toEqual({ outcome: 'finished' })
    expect(sink.values.length).toBe(numbers.length)
  })

  test('names the file it has no room for at the start, and starts when there is room', async () => {
    const fs = new SimFs()
    const sink = memory.write<number>()
    await run(fs, sink, 2)
    const full = fs.afterKill()
    full.capacityBytes = 0
    const { result } = await run(full, sink)
    expect(result).toMatchObject({
      outcome: 'failed',
      error: {
        code: 'FS_FULL',
        isTransient: true,
        message: expect.stringMatching(/^data\/owner\/epoch-0000000002.*free some space$/),
      },
    })
    const disk = full.afterKill()
    disk.capacityBytes = Infinity
    expect((await run(disk, sink)).result).toEqual({ outcome: 'finished' })
    expect(sink.values.length).toBe(numbers.length)
  })
})
