/**
 * One process at a time owns a data directory, and each owner has an epoch, counted from 1.
 *
 * The directory `owner` holds a file for each epoch; the highest says who owns the data directory. To take it over means
 * to create the file of the next epoch, which only one process can do. Then the files of lower epochs are removed.
 *
 * True between any two calls:
 *
 *  1. The file of the highest epoch there has ever been exists. So no two processes act on one epoch.
 *  2. A process acts as owner only after its file was synced, and after it has seen that no epoch is higher.
 *  3. An owner is replaced only when it has ended its epoch, when its process is gone, or when it has been silent for as
 *     long as its lease, by the clock of the process that watched it. Clocks are never compared.
 *
 * A replaced owner that does not know it yet is kept from writing by what `Owner` describes, not by the lease.
 */
import { sleep } from '@millrace/world'
import { describeError, MillraceError } from '../errors/errors.ts'
import type { Owner } from '../disk/owner.ts'
import type { Platform } from '../disk/platform.ts'
import { OwnerFiles, type BegunEpoch, type Epoch } from './owner-files.ts'

/** How a data directory is owned. Durations are in milliseconds. */
export interface OwnershipOptions {
  /**
   * How long an owner may be silent before a process that cannot see it takes over: one on another machine or in
   * another container. Default 30,000.
   */
  readonly leaseMs: number
  /** From one sign of life of the owner to the next; at most a third of the lease. Default 5,000. */
  readonly heartbeatMs: number
}

/** What a lock needs to know, and whom it tells what. */
export interface LockSurroundings {
  readonly platform: Platform
  /** The data directory, for messages. */
  readonly data: string
  /** Where the files of its epochs lie. */
  readonly directory: string
  readonly options: OwnershipOptions
  /** Ends the wait for a lease. */
  readonly signal: AbortSignal
  /** An owner that cannot be seen may still run; the wait for its lease begins. */
  waiting(owner: string, leaseMs: number): void
  /** Another process has taken over. */
  lost(error: unknown): void
  warn(message: string): void
}

export class DirectoryLock implements Owner {
  readonly epoch: number
  readonly job: string
  readonly #around: LockSurroundings
  readonly #files: OwnerFiles
  readonly #begun: BegunEpoch
  readonly #ending = new AbortController()
  readonly #beating: Promise<void>
  #lost: MillraceError | undefined

  private constructor(around: LockSurroundings, files: OwnerFiles, begun: BegunEpoch, job: string) {
    this.epoch = begun.epoch
    this.job = job
    this.#around = around
    this.#files = files
    this.#begun = begun
    this.#beating = this.#beat()
  }

  /**
   * Takes a data directory, after the lease of an owner that cannot be seen has run out. Throws `DIRECTORY_LOCKED`,
   * naming the owner, if one lives.
   */
  static async take(around: LockSurroundings): Promise<DirectoryLock> {
    const { platform, options } = around
    const files = new OwnerFiles(platform.fs, around.directory)
    for (let isLate = false; ;) {
      const newest = await files.newest()
      if (newest !== undefined) await untilOver(around, files, newest, isLate)
      const job =
        (await files.job()) ??
        platform.random
          .fork('job')
          .int(2 ** 48)
          .toString(36)
      const epoch = (newest?.epoch ?? 0) + 1
      const begun = await files.begin(epoch, {
        job,
        process: platform.process.self,
        leaseMs: options.leaseMs,
      })
      // Another process was quicker, perhaps by several epochs: find out whether it lives.
      isLate = begun === undefined || (await files.highest()) !== epoch
      if (begun !== undefined && !isLate) {
        await files.removeBelow(epoch)
        return new DirectoryLock(around, files, begun, job)
      }
      await begun?.close()
      if (begun !== undefined) await files.remove(epoch)
    }
  }

  async confirm(): Promise<void> {
    if (this.#lost === undefined && (await this.#files.highest()) === this.epoch) return
    this.#lost ??= lostTo(await this.#files.newest(), this.#around.data)
    throw this.#lost
  }

  /** Ends the ownership. Rejects with `DIRECTORY_LOCKED` if it was lost before. */
  async release(): Promise<void> {
    this.#ending.abort()
    await this.#beating
    try {
      await this.confirm()
      await this.#begun.end()
    } finally {
      await this.#begun.close()
    }
  }

  /** Shows at intervals that this process lives, and finds out whether it was replaced. Never rejects. */
  async #beat(): Promise<void> {
    const { platform, data, options } = this.#around
    let hasWarned = false
    for (;;) {
      try {
        await sleep(platform.clock, options.heartbeatMs, this.#ending.signal)
      } catch {
        return
      }
      try {
        await this.#begun.beat()
        await this.confirm()
      } catch (error) {
        if (this.#lost !== undefined) return this.#around.lost(error)
        if (!hasWarned) {
          this.#around.warn(
            `the lock on ${data} could not be renewed, so a process on another machine or in another container may take the directory over: ${describeError(error)}`,
          )
        }
        hasWarned = true
      }
    }
  }
}

/**
 * Resolves once an epoch is over. Throws `DIRECTORY_LOCKED` if its owner lives.
 *
 * A process that has not written its file in full owns nothing yet, and will see that a higher epoch has begun. One that
 * is late, because it has met another that starts, leaves the directory to that one: otherwise the two could overtake one
 * another again and again.
 */
async function untilOver(
  around: LockSurroundings,
  files: OwnerFiles,
  newest: Epoch,
  isLate: boolean,
): Promise<void> {
  const { platform, options, signal } = around
  const { record, isReleased } = newest
  if (isReleased) return
  if (record === undefined) {
    if (isLate) throw locked(around, newest, 'it was started at the same moment; let it run')
    return
  }
  const fate = await platform.process.fateOf(record.process)
  if (fate === 'gone') return
  if (fate === 'running') throw locked(around, newest, 'stop that job, or choose another data directory')
  const leaseMs = Math.max(record.leaseMs, options.leaseMs)
  around.waiting(nameOf(newest), leaseMs)
  const { clock } = platform
  const since = clock.monotonic()
  while (clock.monotonic() - since < leaseMs) {
    await sleep(clock, options.heartbeatMs / 4, signal)
    const now = await files.newest()
    if (now?.epoch !== newest.epoch || now.isReleased) return
    if (now.beat === newest.beat) continue
    const advice = 'it cannot be seen from here, but has just shown that it lives'
    throw locked(around, newest, `${advice}; stop it where it runs, or choose another data directory`)
  }
}

function locked({ data }: LockSurroundings, owner: Epoch | undefined, advice: string): MillraceError {
  return new MillraceError('DIRECTORY_LOCKED', `${data} is in use by ${nameOf(owner)}: ${advice}`)
}

function lostTo(owner: Epoch | undefined, data: string): MillraceError {
  const what =
    owner === undefined
      ? `${data}: the files that say who owns it are gone; it was removed while the job ran`
      : `${data} was taken over by ${nameOf(owner)} while this process was paused or cut off from the disk`
  return new MillraceError(
    'DIRECTORY_LOCKED',
    `${what}. This job has written nothing since. Do not run two jobs on one data directory`,
  )
}

function nameOf(owner: Epoch | undefined): string {
  const process = owner?.record?.process
  return process === undefined ? 'another process' : `process ${process.pid} on ${process.host}`
}
