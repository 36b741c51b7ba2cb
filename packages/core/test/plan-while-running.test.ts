import { memory } from '@millrace/connector-memory'
import type { Fs, FsEntry } from '@millrace/core/disk'
import { planStart } from '@millrace/core/job'
import { pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import type { SimPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { live, summing, untilCheckpoint } from './simulated-job.ts'

const build = summing([1, 2, 3, 4, 5, 6, 7, 8], memory.write())

/** A disk on which a running job removes a checkpoint after it was listed so many times. */
function removing(fs: Fs, times: number): Fs {
  let left = times
  const list = async (directory: string): Promise<readonly FsEntry[]> => {
    const entries = await fs.list(directory)
    const [manifest] = entries.filter(({ name }) => name.startsWith('checkpoint-'))
    if (manifest === undefined || left-- <= 0) return entries
    return [...entries, { ...manifest, name: 'checkpoint-0000000999.1.json' }]
  }
  return new Proxy(fs, {
    get: (target, name) => {
      if (name === 'list') return list
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

async function plan(platform: SimPlatform, fs: Fs): ReturnType<typeof planStart> {
  const { graph } = pipeline('test', build).describe()
  const options = { graph, directory: 'data', platform: { ...platform, fs }, store: memoryStore() }
  return planStart(options, (message) => expect.unreachable(message))
}

describe('a plan of a directory whose job runs', () => {
  test.each([1, 2, 3])(
    'a checkpoint that is removed after it was listed %d times: the list is read again',
    async (times) => {
      const { platform } = await live(build, untilCheckpoint)
      const found = await plan(platform, removing(platform.fs, times))
      expect(found?.checkpoint).toBeGreaterThan(0)
      expect(found?.checkpoint).not.toBe(999)
    },
  )

  test('a checkpoint that stays listed and cannot be read is an error', async () => {
    const { platform } = await live(build, untilCheckpoint)
    await expect(plan(platform, removing(platform.fs, 1_000))).rejects.toMatchObject({ code: 'FS_NOT_FOUND' })
  })
})
