import { crashEverywhere, SimFs, SimOwners } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import type { Owner } from '../disk/owner.ts'
import { CheckpointStorage } from './checkpoint-storage.ts'
import { manifestFormat, type Manifest } from './manifest.ts'

const manifest = (checkpoint: number): Manifest => ({
  format: manifestFormat,
  pipeline: 'p',
  checkpoint,
  createdAt: 0,
  phase: 'running',
  keyGroups: 128,
  parallelism: 1,
  operators: [],
  sources: [],
  watermarks: [],
  sinks: [],
  dropState: [],
  store: { kind: 'memory', layout: 'one worker', parts: [{ directory: '', snapshot: null }] },
})

const newestIn = async (fs: SimFs): Promise<number> => {
  const [newest] = await new CheckpointStorage(fs, 'checkpoints').readable(() => {})
  return newest?.checkpoint ?? 0
}

/** A disk with an empty directory for checkpoints. */
function emptyDisk(): SimFs {
  const fs = new SimFs()
  fs.put('checkpoints/.keep', '')
  return fs
}

describe('checkpoints on a disk that crashes', () => {
  // A sink commits what the restored checkpoint names. If that checkpoint were lost to a second crash, the
  // previous one would be restored, and its records would be written again.
  test('a published checkpoint, or one renewed once, is never lost', async () => {
    await crashEverywhere(
      () => {
        const owners = new SimOwners()
        let published = 0
        return {
          async run(fs) {
            fs.put('checkpoints/.keep', '')
            const owner = owners.take()
            const storage = new CheckpointStorage(fs, 'checkpoints')
            for (let checkpoint = 1; checkpoint <= 3; checkpoint++) {
              await storage.publish(manifest(checkpoint), owner)
              published = checkpoint
              await storage.retire(checkpoint > 2 ? [checkpoint - 2] : [], checkpoint)
            }
          },
          async verify(fs) {
            const restored = await newestIn(fs)
            expect(restored).toBeGreaterThanOrEqual(published)
            if (restored > 0) await new CheckpointStorage(fs, 'checkpoints').renew(restored, owners.take())
            expect(await newestIn(fs.afterPowerLoss())).toBe(restored)
          },
        }
      },
      { seeds: 10 },
    )
  })
})

test('a checkpoint whose name could not be synced is durable once the next owner has renewed it', async () => {
  for (const isRenewed of [false, true]) {
    const fs = emptyDisk()
    const owners = new SimOwners()
    const owner = owners.take()
    const storage = new CheckpointStorage(fs, 'checkpoints')
    await storage.publish(manifest(1), owner)
    fs.failNext('syncDirectory')
    await expect(storage.publish(manifest(2), owner)).rejects.toMatchObject({ code: 'FS_SYNC_FAILED' })
    expect(await newestIn(fs)).toBe(2)
    if (isRenewed) await storage.renew(2, owners.take())
    expect(await newestIn(fs.afterPowerLoss())).toBe(isRenewed ? 2 : 1)
  }
})

test('a checkpoint can be renewed repeatedly on a full disk, and is found and read after it', async () => {
  const fs = emptyDisk()
  const owners = new SimOwners()
  const storage = new CheckpointStorage(fs, 'checkpoints')
  await storage.publish(manifest(1), owners.take())
  await storage.publish(manifest(2), owners.take())
  fs.capacityBytes = 0
  for (let restart = 0; restart < 3; restart++) {
    const owner = owners.take()
    for (let attempt = 0; attempt < 2; attempt++) await storage.renew(2, owner)
    expect(await storage.list()).toEqual([2, 1])
    expect((await storage.read(2)).checkpoint).toBe(2)
  }
  await storage.retire([1], 2)
  expect(await storage.list()).toEqual([2])
  await expect(storage.read(1)).rejects.toMatchObject({ code: 'FS_NOT_FOUND' })
})

test('a checkpoint whose renewal could not be synced is durable once the next owner has renewed it', async () => {
  const fs = emptyDisk()
  const owners = new SimOwners()
  const storage = new CheckpointStorage(fs, 'checkpoints')
  for (const call of [
    (owner: Owner) => storage.publish(manifest(1), owner),
    (owner: Owner) => storage.renew(1, owner),
  ]) {
    fs.failNext('syncDirectory')
    await expect(call(owners.take())).rejects.toMatchObject({ code: 'FS_SYNC_FAILED' })
    expect(await newestIn(fs)).toBe(1)
  }
  await storage.renew(1, owners.take())
  expect(await newestIn(fs.afterPowerLoss())).toBe(1)
})

describe('a removed manifest', () => {
  async function threeCheckpoints(): Promise<SimFs> {
    const fs = emptyDisk()
    const owner = new SimOwners().take()
    const storage = new CheckpointStorage(fs, 'checkpoints')
    for (const checkpoint of [1, 2, 3]) {
      await storage.publish(manifest(checkpoint), owner)
      await storage.retire([checkpoint - 2], checkpoint)
    }
    return fs
  }

  test.each([
    [
      'the newest',
      [3],
      /checkpoint 3 was published, but its manifest is missing.*to go back to checkpoint 2/,
    ],
    ['all', [2, 3], /checkpoint 3 was published, but its manifest is missing.*to start empty/],
  ])('is detected: %s', async (_, removed, message) => {
    const fs = await threeCheckpoints()
    for (const checkpoint of removed) await fs.remove(`checkpoints/checkpoint-000000000${checkpoint}.1.json`)
    const failure = await newestIn(fs).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'CHECKPOINT_CORRUPT', message: expect.stringMatching(message) })
    // The message names the file to remove in order to go back.
    await fs.remove('checkpoints/announced-0000000003')
    expect(await newestIn(fs)).toBe(removed.length === 1 ? 2 : 0)
  })

  test('is not an error if it is the older one, or if the power was lost before it was durable', async () => {
    const fs = await threeCheckpoints()
    await fs.remove('checkpoints/checkpoint-0000000002.1.json')
    expect(await newestIn(fs)).toBe(3)
    const lost = await threeCheckpoints()
    lost.failNext('syncDirectory')
    const publishing = new CheckpointStorage(lost, 'checkpoints').publish(manifest(4), new SimOwners().take())
    await expect(publishing).rejects.toMatchObject({ code: 'FS_SYNC_FAILED' })
    expect(await newestIn(lost.afterPowerLoss())).toBe(3)
  })
})

describe('two processes in one directory', () => {
  test('an owner that was replaced after it had confirmed cannot publish', async () => {
    const fs = emptyDisk()
    const owners = new SimOwners()
    const replaced = owners.take()
    const [old, next] = [new CheckpointStorage(fs, 'checkpoints'), new CheckpointStorage(fs, 'checkpoints')]
    const published = old.publish(manifest(1), { ...replaced, confirm: () => next.fence(owners.take()) })
    await expect(published).rejects.toMatchObject({ code: 'FS_NOT_FOUND' })
    expect(await next.list()).toEqual([])
    expect(fs.paths()).toEqual(['/checkpoints/.keep'])
  })

  test('an owner that was replaced before it confirms cannot publish', async () => {
    const fs = emptyDisk()
    const owners = new SimOwners()
    const replaced = owners.take()
    owners.take()
    const storage = new CheckpointStorage(fs, 'checkpoints')
    await expect(storage.publish(manifest(1), replaced)).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
    expect(await storage.list()).toEqual([])
  })

  test('an owner that was replaced while it renewed a checkpoint fails, and does not affect the new owner', async () => {
    const fs = emptyDisk()
    const owners = new SimOwners()
    const storage = new CheckpointStorage(fs, 'checkpoints')
    await storage.publish(manifest(1), owners.take())
    const replaced = owners.take()
    const replace = async (): Promise<void> => {
      const next = owners.take()
      await storage.fence(next)
      await storage.renew(1, next)
    }
    const renewed = storage.renew(1, { ...replaced, confirm: replace })
    await expect(renewed).rejects.toMatchObject({ code: 'FS_NOT_FOUND' })
    expect(await newestIn(fs)).toBe(1)
    expect(fs.paths()).toContain('/checkpoints/checkpoint-0000000001.3.json')
  })

  test('an owner that was replaced does not delete what the new owner is writing', async () => {
    const fs = emptyDisk()
    const owners = new SimOwners()
    const replaced = owners.take()
    const storage = new CheckpointStorage(fs, 'checkpoints')
    const next = owners.take()
    fs.put(`checkpoints/checkpoint-0000000001.2.json.${next.epoch}.tmp`, 'half of it')
    await storage.fence(replaced)
    expect(fs.paths()).toHaveLength(2)
    await storage.fence(next)
    expect(fs.paths()).toHaveLength(1)
  })
})
