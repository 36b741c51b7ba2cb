/**
 * One process at a time owns a data directory, and each owner has an epoch, counted from 1.
 *
 * The directory `owner` contains a file for each epoch; the highest names the owner of the data directory. To
 * acquire it means to create the file of the next epoch, which only one process can do. Then the files of
 * lower epochs are removed.
 *
 * Invariants between any two calls:
 *
 *  1. The file of the highest epoch ever used exists. So no two processes have the same epoch.
 *  2. A process acts as owner only after its file was synced, and after it has checked that no epoch is
 *     higher.
 *  3. An owner is replaced only when it has ended its epoch, when its process is gone, or when it has been
 *     silent for as long as its lease, by the clock of the process that watched it. Clocks of different
 *     processes are never compared.
 *
 * A replaced owner that has not noticed it is kept from writing as described in `Owner`, not by the lease.
 */
import { sleep } from '@millrace/world'
import { describeError, MillraceError } from '../errors/errors.ts'
import type { HeldDirectory } from '../disk/owner.ts'
import type { Platform } from '../disk/platform.ts'
import { OwnerFiles, type BegunEpoch, type Epoch } from './owner-files.ts'

/** Options of the lock on a data directory. Durations are in milliseconds. */
export interface OwnershipOptions {
  /**
   * How long an owner may be silent before a process on another host or in another container replaces it.
   * Default 30,000.
   */
  readonly leaseMs: number
  /** The interval of the owner's heartbeats; at most a third of the lease. Default 5,000. */
  readonly heartbeatMs: number
}

/** What a lock uses and what it reports. */
export interface LockSurroundings {
  readonly platform: Platform
  /** The data directory, for messages. */
  readonly data: string
  /** The directory of the epoch files. */
  readonly directory: string
  readonly options: OwnershipOptions
  /** Ends the wait for a lease. */
  readonly signal: AbortSignal
  /** The owner may still run elsewhere; the wait for its lease begins. */
  waiting(owner: string, leaseMs: number): void
  /** Another process has acquired the directory. */
  lost(error: unknown): void
  warn(message: string): void
}

/** Acquires a data directory. Rejects with `DIRECTORY_LOCKED` if another process has it. */
export type AcquireDirectory = (around: LockSurroundings) => Promise<HeldDirectory>

/** The ownership of a data directory by files in it. */
export class DirectoryLock implements HeldDirectory {
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
   * Acquires a data directory, after the lease of an owner on another host has expired. Throws
   * `DIRECTORY_LOCKED`, naming the owner, if one runs.
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
      // Another process was faster, perhaps by several epochs: find out whether it runs.
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

  /** Renews the lease at intervals, and detects whether it was replaced. Never rejects. */
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
            `the lock on ${data} could not be renewed, so a process on another machine or in another container may acquire the directory: ${describeError(error)}`,
          )
        }
        hasWarned = true
      }
    }
  }
}

/**
 * Resolves once an epoch is over. Throws `DIRECTORY_LOCKED` if its owner runs.
 *
 * A process that has not completed its file owns nothing yet, and will see that a higher epoch has begun. If
 * two processes start concurrently, the later one leaves the directory to the other: otherwise the two could
 * replace one another repeatedly.
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
    const advice = 'it runs on another host or in another container and has just renewed its lease'
    throw locked(around, newest, `${advice}; stop it where it runs, or choose another data directory`)
  }
}

function locked({ data }: LockSurroundings, owner: Epoch | undefined, advice: string): MillraceError {
  return new MillraceError('DIRECTORY_LOCKED', `${data} is in use by ${nameOf(owner)}: ${advice}`)
}

function lostTo(owner: Epoch | undefined, data: string): MillraceError {
  const what =
    owner === undefined
      ? `${data}: its owner files are missing; it was removed while the job ran`
      : `${data} was acquired by ${nameOf(owner)} while this process was paused or disconnected from the disk`
  return new MillraceError(
    'DIRECTORY_LOCKED',
    `${what}. This job has written nothing since. Do not run two jobs on one data directory`,
  )
}

function nameOf(owner: Epoch | undefined): string {
  const process = owner?.record?.process
  return process === undefined ? 'another process' : `process ${process.pid} on ${process.host}`
}
