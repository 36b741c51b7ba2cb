import { seededRandom } from '@millrace/world'
import { crashEverywhere, SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { makeDurableDirectory } from './durable-directory.ts'
import { MillraceError } from '../errors/errors.ts'
import { publishFile } from './whole-file.ts'

const path = 'data/job/inbox'

/** What happens to a directory in a power loss. */
async function kindAfterPowerLoss(fs: SimFs, directory = path): Promise<string | undefined> {
  return (await fs.afterPowerLoss().stat(directory))?.kind
}

/** A disk on which some directories cannot be opened. */
class DenyingFs extends SimFs {
  denied: readonly string[] = []

  override syncDirectory(directory: string): Promise<void> {
    if (!this.denied.includes(directory)) return super.syncDirectory(directory)
    return Promise.reject(new MillraceError('FS_DENIED', directory))
  }
}

function syncsOf(fs: SimFs): string[] {
  const lines = fs.describe().split('\n')
  return lines.filter((line) => line.includes('syncDirectory')).map((line) => line.split(' ').at(-1)!)
}

describe('a durable directory', () => {
  test.each([
    ['/data/job/inbox', ['/', '/data', '/data/job']],
    ['./data//inbox/', ['.', './data']],
    ['data', ['.']],
  ])(
    '%s has every parent synced, outermost first, also when it already existed',
    async (directory, parents) => {
      const fs = new SimFs()
      await makeDurableDirectory(fs, directory)
      expect(syncsOf(fs)).toEqual(parents)
      await makeDurableDirectory(fs, directory)
      expect(syncsOf(fs)).toEqual([...parents, ...parents])
      expect(fs.paths()).toEqual([])
      expect(await kindAfterPowerLoss(fs, directory)).toBe('directory')
    },
  )

  test('survives a crash, with its content', async () => {
    await crashEverywhere(() => {
      let isPublished = false
      return {
        async run(fs) {
          await makeDurableDirectory(fs, path)
          await publishFile(fs, path, 'a', new Uint8Array(1))
          isPublished = true
        },
        async verify(fs) {
          if (isPublished) expect(fs.peek(`${path}/a`)).toHaveLength(1)
          await makeDurableDirectory(fs, path)
          expect(fs.paths().filter((each) => each.endsWith('.not-durable'))).toEqual([])
          expect(await kindAfterPowerLoss(fs)).toBe('directory')
        },
      }
    })
  })

  test('is not durable when a sync fails, and is durable once it is created again', async () => {
    for (let failing = 1; failing <= 3; failing++) {
      const fs = new SimFs()
      fs.failNext('syncDirectory', failing)
      await expect(makeDurableDirectory(fs, path)).rejects.toMatchObject({ code: 'FS_SYNC_FAILED' })
      const next = fs.afterKill()
      await makeDurableDirectory(next, path)
      expect(await kindAfterPowerLoss(next)).toBe('directory')
    }
  })

  test('is created again by a process that follows a killed one', async () => {
    for (let operation = 1; operation <= 20; operation++) {
      const fs = new SimFs()
      fs.failNext('syncDirectory', 3)
      await expect(makeDurableDirectory(fs, path)).rejects.toThrow()
      const second = fs.afterKill()
      second.crashAt(operation, 'after')
      await makeDurableDirectory(second, path).catch(() => {})
      const third = second.afterKill()
      await makeDurableDirectory(third, path)
      expect(await kindAfterPowerLoss(third), `killed after ${operation}`).toBe('directory')
    }
  })

  test('that another program has created stays unchanged', async () => {
    const fs = new SimFs()
    await fs.makeDirectory('data')
    const before = await fs.stat('data')
    await makeDurableDirectory(fs, 'data')
    expect(await fs.stat('data')).toEqual(before)
  })

  test('fails if a file has the same path', async () => {
    const fs = new SimFs()
    fs.put('data/job', 'x')
    await expect(makeDurableDirectory(fs, 'data/job')).rejects.toMatchObject({ code: 'FS_EXISTS' })
    await expect(makeDurableDirectory(fs, path)).rejects.toMatchObject({ code: 'FS_NOT_FOUND' })
  })

  test('can be created concurrently', async () => {
    for (let seed = 0; seed < 300; seed++) {
      const fs = new SimFs({ random: seededRandom(seed) })
      await Promise.all([1, 2, 3].map(() => makeDurableDirectory(fs, path)))
      expect(fs.paths()).toEqual([])
      expect(await kindAfterPowerLoss(fs), `seed ${seed}`).toBe('directory')
    }
  })
})

describe('a parent that cannot be read', () => {
  test('is not touched when its entries existed before', async () => {
    const fs = new DenyingFs()
    fs.put('data/job/x', '')
    fs.denied = ['.', './data']
    await makeDurableDirectory(fs, path)
    expect(syncsOf(fs)).toEqual(['./data/job'])
  })

  test('cannot get a new directory, and nothing is left there', async () => {
    const fs = new DenyingFs()
    fs.put('data/x', '')
    fs.denied = ['./data']
    await expect(makeDurableDirectory(fs, path)).rejects.toMatchObject({
      code: 'FS_DENIED',
      message: expect.stringContaining('make ./data/job before the job is started'),
    })
    expect(await fs.stat('data/job')).toBeUndefined()
    expect(fs.paths()).toEqual(['/data/x'])
    await fs.makeDirectory('data/job')
    await makeDurableDirectory(fs, path)
  })
})

test('a directory that cannot be created is named, not only its mark', async () => {
  const fs = new SimFs()
  fs.failNext('create')
  await expect(makeDurableDirectory(fs, 'data')).rejects.toThrow(/^\.\/data: it cannot be made \(/)
  await makeDurableDirectory(fs, 'data')
  expect(fs.paths()).toEqual([])
})

test('a leftover that cannot be removed is named', async () => {
  const fs = new SimFs()
  fs.failNext('syncDirectory')
  await expect(makeDurableDirectory(fs, 'data')).rejects.toThrow()
  fs.failNext('removeDirectory')
  const failure = makeDurableDirectory(fs, 'data')
  await expect(failure).rejects.toThrow(/^\.\/data: its name may not be on the disk.* remove it by hand/)
  await makeDurableDirectory(fs, 'data')
  expect(await kindAfterPowerLoss(fs, 'data')).toBe('directory')
})
