import { KafkaFailure } from '@millrace/connector-kafka/port'
import { describeError, isMillraceError, MillraceError } from '@millrace/core'
import type { HeldDirectory } from '@millrace/core/disk'
import type { Job, JobResult } from '@millrace/core/job'
import { sleep } from '@millrace/world'
import { changelogTopic } from '../replica/changelog.ts'
import type { ReplicaFigures } from '../replica/replica.ts'
import { LeaseRun } from './lease-run.ts'
import type { Lease, LeaseEnd, LeaseOptions, LeaseStatus } from './lease.ts'
import { lockDirectory } from './local-lock.ts'

const firstPauseMs = 1_000
const longestPauseMs = 30_000
/** After a run of this duration the next failure counts as the first, in milliseconds. */
const soundAfterMs = 60_000

/**
 * Opens a lease: decides what its earlier holder has left and fences it, restores the data directory from the changelog, and
 * starts the job. Returns at once; `status` and `onEvent` say how far it is.
 *
 * The topic of the changelog must exist. When the outcome of a commit is not known, or the cluster has refused this holder,
 * the lease opens itself again after a pause, as long as it was not lost or released.
 *
 * @example
 * const lease = openLease({ port, platform, store, graphOf, directory: '.millrace/orders/3', job: 'orders', lease: 3 })
 * await lease.release() // => { outcome: 'released' }
 */
export function openLease(options: LeaseOptions): Lease {
  return new OpenedLease(options)
}

class OpenedLease implements Lease {
  readonly lease: number
  readonly ended: Promise<LeaseEnd>
  readonly #options: LeaseOptions
  /** Aborts when the lease is released or lost. */
  readonly #ending = new AbortController()
  #end: LeaseEnd | undefined
  #status: LeaseStatus = { phase: 'restoring', progress: undefined }
  #run: LeaseRun | undefined

  constructor(options: LeaseOptions) {
    this.lease = options.lease
    this.#options = options
    options.signal?.addEventListener('abort', this.#signalled, { once: true })
    if (options.signal?.aborted === true) this.#signalled()
    this.ended = this.#live()
  }

  get status(): LeaseStatus {
    return this.#status
  }

  get job(): Job | undefined {
    return this.#status.phase === 'running' ? this.#status.job : undefined
  }

  get written(): ReplicaFigures | undefined {
    return this.#run?.written
  }

  release(): Promise<LeaseEnd> {
    this.#end ??= { outcome: 'released' }
    if (this.#run?.job === undefined) this.#ending.abort(cancelled('the lease was released'))
    else void this.#run.job.stop()
    return this.ended
  }

  lost(reason: string): Promise<LeaseEnd> {
    if (this.#end?.outcome !== 'lost') this.#end = { outcome: 'lost', reason }
    const error = new MillraceError(
      'DIRECTORY_LOCKED',
      `lease ${this.lease} of ${this.#options.job} was lost: ${reason}. Nothing was committed since; its new holder continues`,
      { isFinal: true },
    )
    this.#run?.lose(error)
    this.#ending.abort(error)
    return this.ended
  }

  readonly #signalled = (): void => void this.lost(describeError(this.#options.signal?.reason))

  async #live(): Promise<LeaseEnd> {
    let end: LeaseEnd
    try {
      // The caller gets the lease first.
      await Promise.resolve()
      end = await this.#own()
    } catch (error) {
      end = this.#end ?? { outcome: 'failed', error }
    }
    this.#options.signal?.removeEventListener('abort', this.#signalled)
    this.#become({ phase: 'ended', end })
    return end
  }

  /** Locks the directory, and opens the lease until it has ended. */
  async #own(): Promise<LeaseEnd> {
    const { platform, directory } = this.#options
    const lock = await lockDirectory({
      platform,
      directory,
      signal: this.#ending.signal,
      lost: (error) => void this.lost(describeError(error)),
      warn: (message) => this.#warn(message),
    })
    try {
      return await this.#openAgainAndAgain(lock)
    } finally {
      await lock.release().catch((error: unknown) => {
        this.#warn(`the lock on ${directory} could not be released: ${describeError(error)}`)
      })
    }
  }

  async #openAgainAndAgain(lock: HeldDirectory): Promise<LeaseEnd> {
    const { clock } = this.#options.platform
    let pauseMs = firstPauseMs
    let wasDamaged = false
    for (;;) {
      const startedAt = clock.monotonic()
      const { error, end } = await this.#once(lock, wasDamaged)
      if (end !== undefined) return end
      if (this.#end !== undefined) return this.#end
      const isSound = clock.monotonic() - startedAt >= soundAfterMs
      const isDamaged = isMillraceError(error, 'CHECKPOINT_CORRUPT')
      if (isDamaged ? wasDamaged && !isSound : !canReopen(error)) return { outcome: 'failed', error }
      wasDamaged = isDamaged
      if (isSound) pauseMs = firstPauseMs
      this.#become({ phase: 'waiting', error, reopensInMs: pauseMs })
      await sleep(clock, pauseMs, this.#ending.signal)
      pauseMs = Math.min(2 * pauseMs, longestPauseMs)
    }
  }

  /** Opens the lease once. Either it has ended, or there is an error. */
  async #once(
    lock: HeldDirectory,
    isAnew: boolean,
  ): Promise<{ readonly end?: LeaseEnd; readonly error?: unknown }> {
    const { onEvent } = this.#options
    this.#become({ phase: 'restoring', progress: undefined })
    const run = new LeaseRun({
      lease: this.#options,
      of: { topic: changelogTopic(this.#options.job), partition: this.lease },
      lock,
      isAnew,
      signal: this.#ending.signal,
      progress: (progress) => this.#become({ phase: 'restoring', progress }),
      started: (job, epoch) => this.#become({ phase: 'running', job, epoch }),
      observe: (event) => onEvent?.({ kind: 'job', event }),
      warn: (message) => this.#warn(message),
    })
    this.#run = run
    try {
      return this.#endOf(await run.run())
    } catch (error) {
      return { error }
    } finally {
      this.#run = undefined
    }
  }

  #endOf(result: JobResult): { readonly end?: LeaseEnd; readonly error?: unknown } {
    if (this.#end?.outcome === 'lost') return { end: this.#end }
    if (result.outcome === 'failed') {
      if (this.#end !== undefined) this.#warn(`the last checkpoint failed: ${describeError(result.error)}`)
      return { error: result.error }
    }
    return { end: { outcome: result.outcome === 'finished' ? 'finished' : 'released' } }
  }

  #become(status: LeaseStatus): void {
    this.#status = status
    this.#options.onEvent?.({ kind: 'status', status })
  }

  #warn(message: string): void {
    this.#options.onEvent?.({ kind: 'warning', message })
  }
}

/** Whether another opening of the lease may succeed. */
function canReopen(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (isMillraceError(at, 'COMMIT_UNKNOWN')) return !isFinalRefusal(at.cause)
    if (at instanceof KafkaFailure) return !at.isFinal
  }
  return false
}

/** Whether the cluster refuses what was sent, so that a person must change something. */
function isFinalRefusal(cause: unknown): boolean {
  return cause instanceof KafkaFailure && cause.isFinal
}

function cancelled(why: string): MillraceError {
  return new MillraceError('CANCELLED', why)
}
