import { startJob } from '@millrace/core/job'
import { pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, SimFs, simPlatform } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { files } from '../src/index.ts'
import { textOf } from './sink-run.ts'

/** A disk that counts how often each file is opened for reading, and how many are open at a time. */
class CountingFs extends SimFs {
  readonly opened = new Map<string, number>()
  openMost = 0

  override async open(...[path, mode]: Parameters<SimFs['open']>): ReturnType<SimFs['open']> {
    const file = await super.open(path, mode)
    if (mode === 'read' && path.startsWith('logs/')) {
      this.opened.set(path, (this.opened.get(path) ?? 0) + 1)
      this.openMost = Math.max(
        this.openMost,
        this.openPaths().filter((each) => each.startsWith('logs/')).length,
      )
    }
    return file
  }
}

test('a job follows 400 files with 200 handles, and opens a quiet one only when it has changed', async () => {
  const fs = new CountingFs()
  const paths = Array.from({ length: 400 }, (_, index) => `logs/${index}.log`)
  for (const path of paths) fs.put(path, `first of ${path}\n`)
  const platform = simPlatform({ seed: 1, fs })
  const linesOut = (): string[] => (textOf(fs, 'out/all.log') ?? '').split('\n').slice(0, -1)
  const job = startJob({
    graph: pipeline('follow', (p) => {
      p.from('logs', files.readLines('logs', { follow: true, maxOpenFiles: 200, pollEvery: '1s' })).to(
        'all',
        files.writeLines('out/all.log'),
      )
    }).describe().graph,
    platform,
    store: memoryStore(),
    directory: 'data',
    isBounded: false,
    checkpoints: { everyMs: 500 },
  })
  await driveJob(job, platform.clock, { longestMs: 60_000, until: () => linesOut().length === 400 })
  await driveJob(job, platform.clock, { longestMs: 60_000, until: isLater(platform.clock, 2_000) })
  const opened = [...fs.opened.values()]
  await driveJob(job, platform.clock, { longestMs: 120_000, until: isLater(platform.clock, 3_000) })
  expect([...fs.opened.values()]).toEqual(opened)
  for (const path of paths) {
    const file = await fs.open(path, 'append')
    await file.write(Buffer.from(`second of ${path}\n`))
    await file.close()
  }
  await driveJob(job, platform.clock, { longestMs: 60_000, until: () => linesOut().length === 800 })
  expect(linesOut().toSorted()).toEqual(
    paths.flatMap((path) => [`first of ${path}`, `second of ${path}`]).toSorted(),
  )
  expect(fs.openMost).toBe(200)
  const stopped = job.stop()
  await driveJob(job, platform.clock)
  await stopped
  expect(fs.openPaths()).toEqual([])
})

/** Resolves after this much time on the clock. */
function isLater(clock: { monotonic(): number }, ms: number): () => boolean {
  const from = clock.monotonic()
  return () => clock.monotonic() - from >= ms
}

test('lines appended after a bounded run are read by the next one, bounded or following', async () => {
  const fs = new SimFs()
  const read = (): string => textOf(fs, 'out.txt') ?? ''
  const run = async (isBounded: boolean, isEnough: () => boolean): Promise<void> => {
    const platform = simPlatform({ seed: 1, fs })
    const job = startJob({
      graph: pipeline('copy', (p) => {
        p.from('in', files.readLines('in.txt', { follow: true })).to('out', files.writeLines('out.txt'))
      }).describe().graph,
      platform,
      store: memoryStore(),
      directory: 'data',
      isBounded,
      checkpoints: { everyMs: 10 },
    })
    await driveJob(job, platform.clock, { longestMs: 60_000, until: isEnough })
    if (isBounded) return
    const stopped = job.stop()
    await driveJob(job, platform.clock)
    await stopped
  }
  const add = async (lines: string): Promise<void> => {
    const file = await fs.open('in.txt', 'append')
    await file.write(Buffer.from(lines))
    await file.close()
  }
  fs.put('in.txt', '1\n2\n')
  await run(true, () => false)
  await add('3\n4\n')
  await run(true, () => false)
  expect(read()).toBe('1\n2\n3\n4\n')
  await add('5\n')
  await run(false, () => read().endsWith('5\n'))
  await run(true, () => false)
  expect(read()).toBe('1\n2\n3\n4\n5\n')
})
