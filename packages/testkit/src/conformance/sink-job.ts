import { describeError } from '@millrace/core'
import type { Fs, Owner } from '@millrace/core/disk'
import { SimFs } from '../sim-fs.ts'
import { SimulatedCrash } from '../simulated-crash.ts'
import { ContractViolation } from './conformance-case.ts'
import { checkGuarantee, noManifest, SinkLife } from './sink-life.ts'
import type { SinkManifest } from './sink-life.ts'
import type { SinkTrial } from './sink-trial.ts'

/**
 * A job of four checkpoints that is interrupted in every possible way, and then restarted until it finishes.
 *
 * After each restart the visible records must be those that the last manifest covers; at the end, all. The manifest
 * itself never fails, because the sink is under test, not the checkpoint.
 */

/** The number of records before each checkpoint; none before the third. */
const portions: readonly (readonly number[])[] = [[2, 1], [4], [], [1, 1, 1]]
const total = portions.flat().reduce((sum, count) => sum + count, 0)

/** Runs a trial with its own subject for each interruption. */
export type FreshTrial<T> = () => Promise<SinkTrial<T>>

/** How a life of the job ended, and where the next one resumes. */
export interface Ending {
  readonly manifest: SinkManifest
  /** Its error; undefined for a life that finished. */
  readonly error: Error | undefined
}

/** Thrown by `step` to end a life between two steps. */
export class Abandoned extends Error {}

/** Options for one life of the job. */
export interface JobOptions {
  /** Called between two steps of the protocol. */
  readonly step?: () => Promise<void> | void
  /** Called with each manifest that is published. */
  readonly published?: (manifest: SinkManifest) => void
  /** Whether another process may write at the same time; visible records are then not checked. */
  readonly isReplaced?: boolean
  readonly owner?: Owner
  /** The file system of the process. */
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

/** Throws unless the visible records match what a manifest covers. */
export async function checkCovered<T>(trial: SinkTrial<T>, fs: SimFs, manifest: SinkManifest): Promise<void> {
  const visible = await trial.subject.visible(fs)
  checkGuarantee(trial.features.guarantee, visible, { covered: manifest.next, written: total })
}

/** Resumes after a life has ended, and checks that all output arrives and survives a power loss. */
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

/** Counts the possible interruptions of a job: its steps and its file operations. */
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
