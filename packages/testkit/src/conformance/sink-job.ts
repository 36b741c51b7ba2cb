import { describeError } from '@millrace/core'
import type { Fs, Owner } from '@millrace/core/disk'
import { SimFs } from '../sim-fs.ts'
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

/** A trial with a subject of its own, for each interruption. */
export type FreshTrial<T> = () => Promise<SinkTrial<T>>

/** How a life of the job ended, and where the next one resumes. */
export interface Ending {
  readonly manifest: SinkManifest
  /** What it threw; undefined for a life that has done all there was. */
  readonly error: Error | undefined
}

/** Thrown by `step` to end a life between two steps. */
export class Abandoned extends Error {}

/** How a life of the job is lived. */
export interface JobOptions {
  /** Called between any two steps of the protocol. */
  readonly step?: () => Promise<void> | void
  /** Called with each manifest that is published. */
  readonly published?: (manifest: SinkManifest) => void
  /** Whether another process may write beside it, so that what is visible is not for it to judge. */
  readonly isReplaced?: boolean
  readonly owner?: Owner
  /** The disk as the process sees it. */
  readonly seenFs?: Fs
}

/** Runs a life to its end, or until something throws. */
export async function runJob<T>(
  trial: SinkTrial<T>,
  fs: SimFs,
  from: SinkManifest,
  { step = () => {}, published = () => {}, isReplaced = false, ...process }: JobOptions = {},
): Promise<Ending> {
  const life = new SinkLife(trial.subject, fs, from, process)
  const ended = (error: Error | undefined): Ending => ({ manifest: life.manifest, error })
  try {
    await life.open()
    if (!isReplaced) await checkCovered(trial, fs, from)
    await step()
    for (const portion of portions.slice(from.checkpoint)) {
      for (const count of portion) {
        await life.write(count)
        await step()
      }
      await life.prepare()
      await step()
      await life.publish()
      published(life.manifest)
      await step()
      await life.commit()
      await step()
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
export async function checkCovered<T>(trial: SinkTrial<T>, fs: SimFs, manifest: SinkManifest): Promise<void> {
  const visible = await trial.subject.visible(fs)
  checkGuarantee(trial.features.guarantee, visible, { covered: manifest.next, written: total })
}

/** Resumes after a life has ended, and checks that all output arrives and that no power loss takes it any more. */
export async function finish<T>(
  trial: SinkTrial<T>,
  fs: SimFs,
  ended: Pick<Ending, 'manifest'>,
  event: string,
  owner?: Owner,
): Promise<void> {
  try {
    const last = await runJob(trial, fs, ended.manifest, owner === undefined ? {} : { owner })
    if (last.error !== undefined) throw last.error
    await checkCovered(trial, fs, last.manifest)
    await checkCovered(trial, fs.afterPowerLoss(), last.manifest)
  } catch (error) {
    throw new ContractViolation(`${event}: ${describeError(error)}\n${fs.describe()}`, { cause: error })
  }
}

/** Where a job would have been interrupted had it been: how many steps, and how many operations. */
export async function calm<T>(trial: SinkTrial<T>): Promise<{ steps: number; operations: number }> {
  const fs = new SimFs()
  let steps = 0
  const ending = await runJob(trial, fs, noManifest, {
    step: () => {
      steps++
    },
  })
  if (ending.error !== undefined) throw ending.error
  await checkCovered(trial, fs, ending.manifest)
  return { steps, operations: fs.operations }
}
