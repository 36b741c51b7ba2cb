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
  store: { kind: 'memory', snapshot: null },
})

const newestIn = async (fs: SimFs): Promise<number> => {
  const [newest] = await new CheckpointStorage(fs, 'checkpoints').readable(() => {})
  return newest?.checkpoint ?? 0
}

describe('checkpoints on a disk that crashes', () => {
  // A sink commits what the restored checkpoint names. Were that checkpoint lost to a second crash, the one
  // before it would be restored, and its records would be written again.
  test('a checkpoint that was published, or restored once, is never lost', async () => {
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
            expect(await newestIn(fs.afterPowerLoss())).toBe(restored)
          },
        }
      },
      { seeds: 10 },
    )
  })
})
