import { seededRandom } from '@millrace/channels'
import { describeError } from '@millrace/core'
import { SimFs } from '../sim-fs.ts'
import type { CrashStyle } from '../sim-disk.ts'
import { SimulatedCrash } from '../simulated-crash.ts'
import { ContractViolation } from './conformance-case.ts'
import { checkGuarantee, noManifest, SinkLife } from './sink-life.ts'
import type { SinkManifest } from './sink-life.ts'
import type { SinkTrial } from './sink-trial.ts'

/**
 * A job of four checkpoints that is interrupted in every way there is, and then restarted until it is done.
 *
 * After each restart, what is visible must be what the last manifest covers; at the end, everything. The
 * manifest itself never fails: what is tested is the sink, not the checkpoint.
 */

/** How many records the job writes before each checkpoint; before the third there is nothing to write. */
const portions: readonly (readonly number[])[] = [[2, 1], [4], [], [1, 1, 1]]
const total = portions.flat().reduce((sum, count) => sum + count, 0)

/** How a life of the job ended: where the next one goes on. */
interface Ending {
  readonly manifest: SinkManifest
  /** What it threw; undefined for a life that has done all there was. */
  readonly error: Error | undefined
}

/** Thrown by `step` to end a life between two steps. */
class Abandoned extends Error {}

/** Runs a life to its end, or until something throws. `step` is called between any two steps of the protocol. */
async function run<T>(
  trial: SinkTrial<T>,
  fs: SimFs,
  from: SinkManifest,
  step: () => void = () => {},
): Promise<Ending> {
  const life = new SinkLife(trial.subject, fs, from)
  const ended = (error: Error | undefined): Ending => ({ manifest: life.manifest, error })
  try {
    await life.open()
    await checkCovered(trial, fs, from)
    step()
    for (const portion of portions.slice(from.checkpoint)) {
      for (const count of portion) {
        await life.write(count)
        step()
      }
      await life.prepare()
      step()
      life.publish()
      step()
      await life.commit()
      step()
    }
    await life.close()
    return ended(undefined)
  } catch (error) {
    if (error instanceof ContractViolation) throw error
    // A job closes its writers on every path; a crashed one cannot, and an abandoned one is dead.
    const isDead = error instanceof SimulatedCrash || error instanceof Abandoned
    if (!isDead) await life.close().catch(() => {})
    return ended(error instanceof Error ? error : new Error(describeError(error)))
  }
}

/** Throws unless what is visible fits what a manifest covers. */
async function checkCovered<T>(trial: SinkTrial<T>, fs: SimFs, manifest: SinkManifest): Promise<void> {
  const visible = await trial.subject.visible(fs)
  checkGuarantee(trial.features.guarantee, visible, { covered: manifest.next, written: total })
}

/** Goes on after a life has ended, and checks that all arrives and that no power loss takes it any more. */
async function finish<T>(trial: SinkTrial<T>, fs: SimFs, ended: Ending, event: string): Promise<void> {
  try {
    const last = await run(trial, fs, ended.manifest)
    if (last.error !== undefined) throw last.error
    await checkCovered(trial, fs, last.manifest)
    await checkCovered(trial, fs.afterPowerLoss(), last.manifest)
  } catch (error) {
    throw new ContractViolation(`${event}: ${describeError(error)}\n${fs.describe()}`, { cause: error })
  }
}

/** Where a job would have been interrupted had it been: how many steps, and how many operations. */
async function calm<T>(trial: SinkTrial<T>): Promise<{ steps: number; operations: number }> {
  const fs = new SimFs()
  let steps = 0
  const ending = await run(trial, fs, noManifest, () => {
    steps++
  })
  if (ending.error !== undefined) throw ending.error
  await checkCovered(trial, fs, ending.manifest)
  return { steps, operations: fs.operations }
}

/** A trial with a subject of its own, for each interruption. */
export type FreshTrial<T> = () => Promise<SinkTrial<T>>

export async function betweenSteps<T>(fresh: FreshTrial<T>): Promise<void> {
  const { steps } = await calm(await fresh())
  for (let at = 1; at <= steps; at++) {
    const trial = await fresh()
    const fs = new SimFs()
    let seen = 0
    const ended = await run(trial, fs, noManifest, () => {
      if (++seen === at) throw new Abandoned()
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
      const ended = await run(trial, fs, noManifest)
      for (const [fate, next] of fates(fs)) {
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
      const first = await run(trial, fs, noManifest)
      // A restart does what is special about it in its first operations.
      for (const again of [1, 2, 3, 4, 5, 6, 7 + random.int(operations)]) {
        for (const [fate, next] of fates(fs)) {
          next.crashAt(again, 'during')
          const second = await run(trial, next, first.manifest)
          const event = `crash ${style} operation ${at}, ${fate}, then during operation ${again} and power lost`
          await finish(trial, next.afterPowerLoss(), second, event)
        }
      }
    }
  }
}

function* fates(fs: SimFs): Generator<readonly [fate: string, next: SimFs]> {
  yield ['killed', fs.afterKill()]
  yield ['power lost', fs.afterPowerLoss()]
  yield ['some of what was not synced lost', fs.afterPowerLoss(seededRandom(fs.operations))]
}

export async function failingOperations<T>(fresh: FreshTrial<T>): Promise<void> {
  const { operations } = await calm(await fresh())
  for (let at = 1; at <= operations; at++) {
    const trial = await fresh()
    const fs = new SimFs()
    fs.failAt(at)
    const ended = await run(trial, fs, noManifest)
    await finish(trial, fs.afterKill(), ended, `operation ${at} fails, then a restart`)
    await finish(trial, fs.afterPowerLoss(), ended, `operation ${at} fails, then power lost`)
  }
}

export async function fullDisk<T>(fresh: FreshTrial<T>): Promise<void> {
  const whole = new SimFs()
  await run(await fresh(), whole, noManifest)
  const bytes = whole.paths().reduce((sum, path) => sum + whole.peek(path)!.length, 0)
  for (let eighths = 0; eighths < 8; eighths++) {
    const trial = await fresh()
    const capacityBytes = Math.floor((bytes * eighths) / 8)
    const fs = new SimFs({ capacityBytes })
    const ended = await run(trial, fs, noManifest)
    const next = fs.afterPowerLoss()
    next.capacityBytes = Infinity
    await finish(trial, next, ended, `the disk is full at ${capacityBytes} bytes, then power lost`)
  }
}
