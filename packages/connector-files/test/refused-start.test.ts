import { startJob, type JobEvent, type JobResult } from '@millrace/core/job'
import { pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, SimFs, simPlatform } from '@millrace/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { files } from '../src/index.ts'
import { textOf } from './sink-run.ts'

let fs: SimFs

beforeEach(() => {
  fs = new SimFs()
  fs.put('in/a.txt', '1\n2\n3\n')
})

interface Ended {
  readonly result: JobResult | undefined
  readonly events: readonly JobEvent[]
}

/** Copies lines to some paths; ends after `completed` checkpoints without a stop. */
async function copy(
  directory: string,
  to: readonly string[],
  completed = Infinity,
  from = 'in/a.txt',
): Promise<Ended> {
  const platform = simPlatform({ seed: fs.life, fs })
  const events: JobEvent[] = []
  const job = startJob({
    graph: pipeline('copy', (p) => {
      const lines = p.from('lines', files.readLines(from, { follow: completed < Infinity }))
      for (const path of to) lines.to(path.replace('/', ' '), files.writeLines(path))
    }).describe().graph,
    platform,
    store: memoryStore(),
    directory,
    isBounded: completed === Infinity,
    checkpoints: { everyMs: 10 },
    observer: (event) => events.push(event),
  })
  const isOver = (): boolean =>
    events.filter(({ kind }) => kind === 'checkpointCompleted').length >= completed
  const result = await driveJob(job, platform.clock, { longestMs: 60_000, until: isOver })
  return { result, events }
}

/** Files of the output, including hidden ones. */
function outputs(): readonly string[] {
  return fs.paths().filter((path) => path.startsWith('/out/'))
}

describe('a failed start', () => {
  test('because of one sink leaves no trace in the output of another, and the right job runs after it', async () => {
    fs.put('out/b.txt', 'of another program\n')
    const { result, events } = await copy('refused', ['out/a.txt', 'out/b.txt'])
    expect(result).toMatchObject({ outcome: 'failed', error: { cause: { code: 'FS_EXISTS' } } })
    expect(events.filter(({ kind }) => kind === 'failed')).toEqual([])
    expect(outputs()).toEqual(['/out/b.txt'])
    expect((await copy('real', ['out/a.txt'])).result).toEqual({ outcome: 'finished' })
    expect(textOf(fs, 'out/a.txt')).toBe('1\n2\n3\n')
  })

  test('because of a source leaves no trace', async () => {
    const { result } = await copy('refused', ['out/a.txt'], Infinity, 'in/missing.txt')
    expect(result).toMatchObject({ outcome: 'failed' })
    expect(outputs()).toEqual([])
  })

  test('because another job owns the output is not retried, and that job continues after it', async () => {
    await copy('owner', ['out/a.txt'], 1)
    fs = fs.afterKill()
    const before = outputs()
    const { result, events } = await copy('other', ['out/a.txt'])
    expect(result).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('is written by the job that keeps its data in owner/') },
    })
    expect(events.filter(({ kind }) => kind === 'failed')).toEqual([])
    expect(outputs()).toEqual(before)
    expect((await copy('owner', ['out/a.txt'])).result).toEqual({ outcome: 'finished' })
    expect(textOf(fs, 'out/a.txt')).toBe('1\n2\n3\n')
    expect(outputs()).toEqual(['/out/a.txt'])
  })
})
