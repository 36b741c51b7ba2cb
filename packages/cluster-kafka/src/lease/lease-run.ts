import type { AtomicProducer, TopicPartition } from '@millrace/connector-kafka/port'
import { isMillraceError, MillraceError } from '@millrace/core'
import type { HeldDirectory } from '@millrace/core/disk'
import {
  CheckpointStorage,
  DataDirectory,
  startJob,
  type Job,
  type JobEvent,
  type JobResult,
  type Manifest,
} from '@millrace/core/job'
import { dataOf } from '../replica/local-copy.ts'
import { Replica, type ReplicaFigures } from '../replica/replica.ts'
import { restoreDirectory } from '../replica/restore.ts'
import { newestCheckpoint } from '../replica/checkpoint-name.ts'
import type { RestoreProgress } from '../replica/restore-progress.ts'
import { CollectedBatches } from './lease-transaction.ts'
import type { LeaseOptions } from './lease.ts'
import { unlessAborted } from '../replica/unless-aborted.ts'

/** What a run of a lease uses and reports to. */
export interface LeaseRunOptions {
  readonly lease: LeaseOptions
  readonly of: TopicPartition
  /** The lock on its directory. */
  readonly lock: HeldDirectory
  /** Restores everything from the changelog: what is on the disk is damaged. */
  readonly isAnew: boolean
  /** Ends the opening. */
  readonly signal: AbortSignal
  readonly progress: (progress: RestoreProgress) => void
  readonly started: (job: Job, epoch: number) => void
  readonly observe: (event: JobEvent) => void
  readonly warn: (message: string) => void
}

/**
 * One opening of a lease, and the job that runs until its end or its first failed commit.
 *
 * The order matters. The transactional id is opened first: that decides what an earlier holder has left, and from then on it
 * cannot commit. Then the directory is brought up to date, then the epoch is committed, then the job starts.
 */
export class LeaseRun {
  readonly #options: LeaseRunOptions
  readonly #transaction: CollectedBatches
  #producer: AtomicProducer | undefined
  #replica: Replica | undefined
  #job: Job | undefined
  #lost: MillraceError | undefined
  #damage: MillraceError | undefined

  constructor(options: LeaseRunOptions) {
    const { platform, directory } = options.lease
    this.#options = options
    this.#transaction = new CollectedBatches(platform.fs, `${directory}/scratch`)
  }

  get written(): ReplicaFigures | undefined {
    return this.#replica?.figures
  }

  get job(): Job | undefined {
    return this.#job
  }

  /** Opens, runs, and closes. Rejects with what has prevented the start of the job. */
  async run(): Promise<JobResult> {
    try {
      const job = await this.#open()
      if (job === undefined) return { outcome: 'finished' }
      const result = await job.ended
      if (this.#damage !== undefined) throw this.#damage
      return result
    } finally {
      await this.#close()
    }
  }

  /** Ends the job at once: nothing more is committed, except what is being committed. */
  lose(error: MillraceError): void {
    this.#lost ??= error
    this.#replica?.fs.fail(error)
    void this.#job?.cancel()
  }

  /** Undefined if the lease has finished in this run. */
  async #open(): Promise<Job | undefined> {
    const { lease, of, signal, isAnew, progress, warn } = this.#options
    const { port, platform, directory, transactionTimeoutMs = 60_000 } = lease
    const id = `millrace-${lease.job}-lease-${lease.lease}`
    const opened = port.atomic(id, transactionTimeoutMs)
    const producer = await unlessAborted(opened, signal, (late) => void late.close())
    this.#producer = producer
    await this.#transaction.clear()
    const restore = { platform, directory, of, port, signal, progress, warn, isAnew }
    const { image } = await restoreDirectory(restore)
    const head = {
      log:
        image.head?.log ??
        platform.random
          .fork('changelog')
          .int(2 ** 48)
          .toString(36),
      epoch: (image.head?.epoch ?? 0) + 1,
      run: lease.run,
    }
    const contribution = () => this.#transaction.take()
    const replica = new Replica({ platform, directory, of, port, producer, image, head, contribution })
    await unlessAborted(replica.begin(), signal)
    signal.throwIfAborted()
    this.#replica = replica
    const end = lease.run === undefined || image.head?.run !== lease.run ? undefined : await this.#endOfRun()
    if (end?.every(({ isCommitted }) => isCommitted === true) === true) return undefined
    return this.#start(replica, head.epoch, end !== undefined)
  }

  /** What sinks have prepared at the end of a run, if the newest checkpoint is one. */
  async #endOfRun(): Promise<Manifest['sinks'] | undefined> {
    const { platform, directory } = this.#options.lease
    const storage = new CheckpointStorage(platform.fs, new DataDirectory(dataOf(directory)).checkpoints)
    const [newest] = await storage.list()
    if (newest === undefined) return undefined
    const { phase, sinks } = await storage.read(newest)
    return phase === 'finished' ? sinks : undefined
  }

  #start(replica: Replica, epoch: number, isRunContinued: boolean): Job {
    const { lease, started, observe } = this.#options
    const { platform, store, directory, options } = lease
    const job = startJob({
      ...options,
      graph: lease.graphOf(this.#transaction, isRunContinued),
      platform: { ...platform, fs: replica.fs },
      store,
      directory: dataOf(directory),
      parallelism: 1,
      owner: () => Promise.resolve(this.#owner(replica, epoch)),
      observer: (event) => {
        this.#handle(event, replica)
        options?.observer?.(event)
        observe(event)
      },
    })
    this.#job = job
    started(job, epoch)
    return job
  }

  /**
   * The lease owns the data directory, by its transactional id. Sinks in other systems know what is theirs by the name of its job: with that of
   * the changelog, so that a job that begins anew is not taken for the one before, whose checkpoints had the same numbers.
   */
  #owner(replica: Replica, epoch: number): HeldDirectory {
    const { lease, lock } = this.#options
    const confirm = async (): Promise<void> => {
      if (this.#lost !== undefined) throw this.#lost
      replica.fs.requireSound()
      await lock.confirm()
    }
    const release = (): Promise<void> =>
      this.#lost === undefined ? Promise.resolve() : Promise.reject(this.#lost)
    const job = `${lease.job}-${lease.lease}-${replica.image.head!.log}`
    return { job, epoch, confirm, release }
  }

  #handle(event: JobEvent, replica: Replica): void {
    // Its writers are closed.
    if (event.kind === 'failed') void this.#transaction.discard()
    if (event.kind !== 'started') return
    const newest = newestCheckpoint(replica.image)
    if (newest === (event.restoredFrom ?? 0)) return
    this.#damage = new MillraceError(
      'CHECKPOINT_CORRUPT',
      `checkpoint ${newest} cannot be read from ${this.#options.lease.directory}; it is restored from the changelog`,
    )
    void this.#job?.cancel()
  }

  async #close(): Promise<void> {
    const { lock, warn } = this.#options
    try {
      await this.#transaction.discard()
      // Another process may use the directory.
      await lock.confirm()
      if (this.#damage === undefined) await this.#replica?.close()
    } catch (error) {
      if (!isMillraceError(error)) throw error
      warn(`the directory of the lease could not be noted, so the next start reads more: ${error.message}`)
    } finally {
      await this.#producer?.close()
    }
  }
}
