import { crashEverywhere, SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { CheckpointStorage } from './checkpoint-storage.ts'
import type { Manifest } from './manifest.ts'

const manifest = (checkpoint: number): Manifest => ({
  format: 1,
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
  store: { kind: 'memory', snapshot: null },
})

const newestIn = async (fs: SimFs): Promise<number> => {
  const [newest] = await new CheckpointStorage(fs, 'checkpoints').readable(() => {})
  return newest?.checkpoint ?? 0
}

describe('checkpoints on a disk that crashes', () => {
  // A sink commits what the checkpoint names that a job goes on from. Were that checkpoint lost to a second crash, the one
  // before it would be restored, and its records would be written again.
  test('a checkpoint that was published, or renewed once, is never lost', async () => {
    await crashEverywhere(
      () => {
        let published = 0
        return {
          async run(fs) {
            fs.put('checkpoints/.keep', '')
            const storage = new CheckpointStorage(fs, 'checkpoints')
            for (let checkpoint = 1; checkpoint <= 3; checkpoint++) {
              await storage.publish(manifest(checkpoint))
              published = checkpoint
              await storage.remove(checkpoint > 2 ? [checkpoint - 2] : [])
            }
          },
          async verify(fs) {
            const restored = await newestIn(fs)
            expect(restored).toBeGreaterThanOrEqual(published)
            if (restored > 0) await new CheckpointStorage(fs, 'checkpoints').renew(restored)
            expect(await newestIn(fs.afterPowerLoss())).toBe(restored)
          },
        }
      },
      { seeds: 10 },
    )
  })
})

test('a checkpoint whose name could not be synced is durable once it is renewed', async () => {
  for (const isRenewed of [false, true]) {
    const fs = new SimFs()
    fs.put('checkpoints/.keep', '')
    const storage = new CheckpointStorage(fs, 'checkpoints')
    await storage.publish(manifest(1))
    fs.failNext('syncDirectory')
    await expect(storage.publish(manifest(2))).rejects.toMatchObject({ code: 'FS_SYNC_FAILED' })
    expect(await newestIn(fs)).toBe(2)
    if (isRenewed) await storage.renew(2)
    expect(await newestIn(fs.afterPowerLoss())).toBe(isRenewed ? 2 : 1)
  }
})

test('a checkpoint is renewed again and again on a disk without room, and found, read and removed after it', async () => {
  const fs = new SimFs()
  fs.put('checkpoints/.keep', '')
  const storage = new CheckpointStorage(fs, 'checkpoints')
  await storage.publish(manifest(1))
  await storage.publish(manifest(2))
  fs.capacityBytes = 0
  for (let restart = 0; restart < 3; restart++) {
    await storage.renew(2)
    expect(await storage.list()).toEqual([2, 1])
    expect((await storage.read(2)).checkpoint).toBe(2)
  }
  await storage.remove([2])
  expect(await storage.list()).toEqual([1])
  await expect(storage.read(2)).rejects.toMatchObject({ code: 'FS_NOT_FOUND' })
})

test('a checkpoint whose renewal could not be synced is durable once it is renewed again', async () => {
  const fs = new SimFs()
  fs.put('checkpoints/.keep', '')
  const storage = new CheckpointStorage(fs, 'checkpoints')
  for (const [checkpoint, call] of [
    [1, () => storage.publish(manifest(1))],
    [1, () => storage.renew(1)],
  ] as const) {
    fs.failNext('syncDirectory')
    await expect(call()).rejects.toMatchObject({ code: 'FS_SYNC_FAILED' })
    expect(await newestIn(fs)).toBe(checkpoint)
  }
  await storage.renew(1)
  expect(await newestIn(fs.afterPowerLoss())).toBe(1)
})

describe('two processes in one directory', () => {
  const publisher = (confirm: () => Promise<void>) => ({ mark: 'a1', confirm })

  test('who was overtaken after it had confirmed cannot publish', async () => {
    const fs = new SimFs()
    fs.put('checkpoints/.keep', '')
    const [zombie, successor] = [
      new CheckpointStorage(fs, 'checkpoints'),
      new CheckpointStorage(fs, 'checkpoints'),
    ]
    const published = zombie.publish(
      manifest(1),
      publisher(() => successor.fence()),
    )
    await expect(published).rejects.toMatchObject({ code: 'FS_NOT_FOUND' })
    expect(await successor.list()).toEqual([])
    expect(fs.paths()).toEqual(['/checkpoints/.keep'])
  })

  test('who was overtaken while it renewed a checkpoint takes nothing from its successor', async () => {
    const fs = new SimFs()
    fs.put('checkpoints/.keep', '')
    const storage = new CheckpointStorage(fs, 'checkpoints')
    await storage.publish(manifest(1))
    const successor = async (): Promise<void> => {
      await storage.fence()
      expect(await newestIn(fs)).toBe(1)
      await storage.renew(1)
    }
    await storage.renew(1, publisher(successor))
    expect(await newestIn(fs)).toBe(1)
    await storage.remove([1])
    expect(await storage.list()).toEqual([])
  })

  test('who was overtaken does not publish what its successor is writing', async () => {
    const fs = new SimFs()
    fs.put('checkpoints/.keep', '')
    const storage = new CheckpointStorage(fs, 'checkpoints')
    const overtaken = storage.publish(
      manifest(1),
      publisher(async () => {
        await storage.fence()
        fs.put('checkpoints/checkpoint-0000000001.json.b2.tmp', 'half of it')
      }),
    )
    await expect(overtaken).rejects.toMatchObject({ code: 'FS_NOT_FOUND' })
    expect(await storage.list()).toEqual([])
  })
})
