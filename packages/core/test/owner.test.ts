import { memory } from '@millrace/connector-memory'
import { MillraceError } from '@millrace/core'
import type { LockSurroundings } from '@millrace/core/job'
import { simPlatform } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { live, summing, untilCheckpoint } from './simulated-job.ts'

const numbers = Array.from({ length: 2_000 }, (_, index) => index)
const lost = new MillraceError('DIRECTORY_LOCKED', 'another one has it')

test('a job with an owner of its own uses its epoch and releases it, and leaves no files of a lock', async () => {
  const platform = simPlatform({ seed: 1 })
  let released = 0
  const owner = async () => ({
    job: 'kept',
    epoch: 7,
    confirm: async () => {},
    release: async () => void released++,
  })
  const { result } = await live(summing(numbers, memory.write<number>()), {
    ...untilCheckpoint,
    platform,
    owner,
  })
  expect(result).toEqual({ outcome: 'stopped' })
  expect(released).toBe(1)
  const paths = platform.fs.paths()
  expect(paths.filter((path) => path.includes('/owner/'))).toEqual([])
  expect(paths.some((path) => /checkpoint-\d+\.7\.json$/.test(path))).toBe(true)
})

test('a job whose own owner rejects publishes no checkpoint', async () => {
  const platform = simPlatform({ seed: 1 })
  const owner = async () => ({
    job: 'kept',
    epoch: 7,
    confirm: () => Promise.reject(lost),
    release: async () => {},
  })
  const { result } = await live(summing(numbers, memory.write<number>()), { platform, owner })
  expect(result).toEqual({ outcome: 'failed', error: lost })
  expect(platform.fs.paths().filter((path) => path.endsWith('.json'))).toEqual([])
})

test('a job ends when its own owner reports that the directory was lost', async () => {
  const platform = simPlatform({ seed: 1 })
  const sink = memory.write<number>()
  let around: LockSurroundings | undefined
  const { result } = await live(summing(numbers, sink), {
    platform,
    owner: async (given) => {
      around = given
      return { job: 'kept', epoch: 7, confirm: async () => {}, release: async () => {} }
    },
    onEvent: (event) => {
      if (event.kind === 'started') queueMicrotask(() => around!.lost(lost))
    },
  })
  expect(result).toEqual({ outcome: 'failed', error: lost })
})
