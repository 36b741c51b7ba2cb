import { startJob } from '@millrace/core'
import { pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, SimFs, simPlatform } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { files } from '../src/index.ts'
import { textOf } from './sink-run.ts'

test('a job follows more files than may be read at once, and is not held up by quiet ones', async () => {
  const fs = new SimFs()
  const paths = Array.from({ length: 150 }, (_, index) => `logs/${index}.log`)
  for (const path of paths) fs.put(path, `first of ${path}\n`)
  const platform = simPlatform({ seed: 1, fs })
  const linesOut = (): string[] => (textOf(fs, 'out/all.log') ?? '').split('\n').slice(0, -1)
  const job = startJob({
    graph: pipeline('follow', (p) => {
      p.from('logs', files.readLines('logs', { follow: true })).to('all', files.writeLines('out/all.log'))
    }).describe().graph,
    platform,
    store: memoryStore(),
    directory: 'data',
    isBounded: false,
    checkpoints: { everyMs: 10 },
  })
  await driveJob(job, platform.clock, { longestMs: 60_000, until: () => linesOut().length === 150 })
  for (const path of paths) {
    const file = await fs.open(path, 'append')
    await file.write(Buffer.from(`second of ${path}\n`))
    await file.close()
  }
  await driveJob(job, platform.clock, { longestMs: 60_000, until: () => linesOut().length === 300 })
  expect(linesOut().toSorted()).toEqual(
    paths.flatMap((path) => [`first of ${path}`, `second of ${path}`]).toSorted(),
  )
  const stopped = job.stop()
  await driveJob(job, platform.clock)
  await stopped
  expect(fs.openPaths()).toEqual([])
})

test('lines that are added after a bounded run are read by the next one, bounded or following', async () => {
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
