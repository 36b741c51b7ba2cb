import { describeError, isMillraceError } from '@millrace/core'
import { FreezingFs } from '../freezing-fs.ts'
import { SimFs } from '../sim-fs.ts'
import { SimOwners } from '../sim-owners.ts'
import { ContractViolation } from './conformance-case.ts'
import { Abandoned, checkCovered, finish, runJob, type Ending, type FreshTrial } from './sink-job.ts'
import { noManifest, type SinkManifest } from './sink-life.ts'
import type { SinkTrial } from './sink-trial.ts'

// A process is frozen, and another one replaces it. It resumes while that one is running, must fail, and change nothing.

/** An upper bound on the steps of a job. */
const stepsMax = 20

/** Freezes a process between any two steps of the protocol, and resumes it between any two steps of the next owner. */
export async function replacedBetweenSteps<T>(fresh: FreshTrial<T>): Promise<void> {
  for (let at = 1; at < stepsMax; at++) {
    for (let thawAt = 1; thawAt < stepsMax; thawAt++) {
      const [frozen, freeze] = signal()
      const [thawed, thaw] = signal()
      let seen = 0
      const step = async (): Promise<void> => {
        if (++seen < at) return
        freeze()
        await thawed
      }
      const run = new Replacement(await fresh(), `frozen after step ${at}`, thawAt)
      await run.replace({ step, frozen, thaw })
      // Any later step would be the same: its successor has none left.
      if (run.isThawedLast) break
    }
  }
}

/** Freezes a process before any disk call, in its first life or after a restart. */
export async function replacedDuringOperations<T>(fresh: FreshTrial<T>): Promise<void> {
  for (const isRestarted of [false, true]) {
    let isFrozen = true
    for (let at = 1; isFrozen; at++) {
      // Each call with a few of the steps, and each step with many calls.
      for (const spread of [1, 5, 8]) {
        const when = `frozen before call ${at} of ${isRestarted ? 'a restart' : 'a job'}`
        const run = new Replacement(await fresh(), when, 1 + ((at * spread) % stepsMax))
        if (isRestarted) await run.beginAgain()
        const seenFs = new FreezingFs(run.fs, at)
        isFrozen = await run.replace({ seenFs, frozen: seenFs.frozen, thaw: () => seenFs.thaw() })
      }
    }
  }
}

function signal(): readonly [given: Promise<void>, give: () => void] {
  let give!: () => void
  const given = new Promise<void>((resolve) => (give = resolve))
  return [given, give]
}

/** How a process is frozen and resumes. */
interface Freezing {
  readonly step?: () => Promise<void>
  readonly seenFs?: FreezingFs
  readonly frozen: Promise<void>
  readonly thaw: () => void
}

/** Two processes on one disk; the second replaces the first. */
class Replacement<T> {
  readonly fs: SimFs = new SimFs()
  /** Whether the first has resumed behind the last step of the second. */
  isThawedLast = false
  readonly #trial: SinkTrial<T>
  readonly #event: string
  readonly #thawAt: number
  readonly #owners = new SimOwners()
  #manifest: SinkManifest = noManifest

  /** The first resumes after step `thawAt` of the second. */
  constructor(trial: SinkTrial<T>, when: string, thawAt: number) {
    this.#trial = trial
    this.#event = `${when}, replaced, and resumed after step ${thawAt} of its successor`
    this.#thawAt = thawAt
  }

  /** Kills a process that has published a checkpoint without committing it, so that the next one must commit it. */
  async beginAgain(): Promise<void> {
    let published = 0
    const { manifest } = await runJob(this.#trial, this.fs, noManifest, {
      owner: this.#owners.take(),
      step: () => {
        if (published === 2) throw new Abandoned()
      },
      published: () => {
        published++
      },
    })
    this.#manifest = manifest
  }

  /** False if the process has ended before it was frozen. */
  async replace({ frozen, thaw, ...process }: Freezing): Promise<boolean> {
    const replaced = runJob(this.#trial, this.fs, this.#manifest, {
      ...process,
      isReplaced: true,
      owner: this.#owners.take(),
      published: (manifest) => (this.#manifest = manifest),
    })
    const isFrozen = await Promise.race([frozen.then(() => true), replaced.then(() => false)])
    if (!isFrozen) return false
    const from = this.#manifest
    const goOn = async (): Promise<void> => {
      thaw()
      requireRefused(await replaced, from)
    }
    await this.#during('the next process', () => this.#succeed(from, goOn))
    await finish(this.#trial, this.fs, { manifest: this.#manifest }, this.#event, this.#owners.take())
    return true
  }

  async #succeed(from: SinkManifest, goOn: () => Promise<void>): Promise<void> {
    let steps = 0
    const step = async (): Promise<void> => {
      if (++steps === this.#thawAt) await goOn()
    }
    const { error, manifest } = await runJob(this.#trial, this.fs, from, { owner: this.#owners.take(), step })
    if (error !== undefined) throw error
    if (steps < this.#thawAt) {
      this.isThawedLast = true
      await goOn()
    }
    this.#manifest = manifest
    await checkCovered(this.#trial, this.fs, manifest)
  }

  async #during(what: string, call: () => Promise<void>): Promise<void> {
    try {
      await call()
    } catch (error) {
      const story = `${this.#event}: ${what}: ${describeError(error)}\n${this.fs.describe()}`
      throw new ContractViolation(story, { cause: error })
    }
  }
}

/** Throws unless a process that was replaced has ended without another checkpoint. */
function requireRefused({ error, manifest }: Ending, from: SinkManifest): void {
  if (manifest.checkpoint > from.checkpoint) throw new Error('the first has published another checkpoint')
  if (error !== undefined && !isMillraceError(error)) throw error
}
