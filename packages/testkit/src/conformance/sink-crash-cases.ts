import { seededRandom } from '@millrace/world'
import { crashOutcomes } from '../crash-outcomes.ts'
import type { CrashStyle } from '../sim-disk.ts'
import { SimFs } from '../sim-fs.ts'
import { Abandoned, calm, finish, runJob, type FreshTrial } from './sink-job.ts'
import { noManifest } from './sink-life.ts'

// A job that is interrupted by a crash, a disk that fails or one that is full, and then restarted until it is done.

export async function betweenSteps<T>(fresh: FreshTrial<T>): Promise<void> {
  const { steps } = await calm(await fresh())
  for (let at = 1; at <= steps; at++) {
    const trial = await fresh()
    const fs = new SimFs()
    let seen = 0
    const ended = await runJob(trial, fs, noManifest, {
      step: () => {
        if (++seen === at) throw new Abandoned()
      },
    })
    await finish(trial, fs.afterKill(), ended, `abandoned after step ${at} of ${steps}`)
  }
}

export async function duringOperations<T>(fresh: FreshTrial<T>): Promise<void> {
  const { operations } = await calm(await fresh())
  const styles: readonly CrashStyle[] = ['before', 'during', 'after']
  for (let at = 1; at <= operations; at++) {
    for (const style of styles) {
      const trial = await fresh()
      const fs = new SimFs({ random: seededRandom(at) })
      fs.crashAt(at, style)
      const ended = await runJob(trial, fs, noManifest)
      for (const [fate, next] of crashOutcomes(fs, [fs.operations])) {
        await finish(trial, next, ended, `crash ${style} operation ${at}, ${fate}`)
      }
    }
  }
}

export async function twiceInARow<T>(fresh: FreshTrial<T>): Promise<void> {
  const { operations } = await calm(await fresh())
  const random = seededRandom(operations)
  for (let at = 1; at <= operations; at++) {
    for (const style of ['before', 'after'] as const) {
      const trial = await fresh()
      const fs = new SimFs({ random: seededRandom(at) })
      fs.crashAt(at, style)
      const first = await runJob(trial, fs, noManifest)
      // A restart does what is special about it in its first operations.
      for (const again of [1, 2, 3, 4, 5, 6, 7 + random.int(operations)]) {
        for (const [fate, next] of crashOutcomes(fs, [fs.operations])) {
          next.crashAt(again, 'during')
          const second = await runJob(trial, next, first.manifest)
          const event = `crash ${style} operation ${at}, ${fate}, then during operation ${again} and power lost`
          await finish(trial, next.afterPowerLoss(), second, event)
        }
      }
    }
  }
}

export async function failingOperations<T>(fresh: FreshTrial<T>): Promise<void> {
  const { operations } = await calm(await fresh())
  for (let at = 1; at <= operations; at++) {
    const trial = await fresh()
    const fs = new SimFs()
    fs.failAt(at)
    const ended = await runJob(trial, fs, noManifest)
    await finish(trial, fs.afterKill(), ended, `operation ${at} fails, then a restart`)
    await finish(trial, fs.afterPowerLoss(), ended, `operation ${at} fails, then power lost`)
  }
}

export async function fullDisk<T>(fresh: FreshTrial<T>): Promise<void> {
  const whole = new SimFs()
  await runJob(await fresh(), whole, noManifest)
  const bytes = whole.paths().reduce((sum, path) => sum + whole.peek(path)!.length, 0)
  for (let eighths = 0; eighths < 8; eighths++) {
    const trial = await fresh()
    const capacityBytes = Math.floor((bytes * eighths) / 8)
    const fs = new SimFs({ capacityBytes })
    const ended = await runJob(trial, fs, noManifest)
    const next = fs.afterPowerLoss()
    next.capacityBytes = Infinity
    await finish(trial, next, ended, `the disk is full at ${capacityBytes} bytes, then power lost`)
  }
}
