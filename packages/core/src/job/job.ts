import { sleep } from '@millrace/world'
import { DirectoryLock } from '../checkpoint/directory-lock.ts'
import { describeError, isMillraceError, MillraceError } from '../errors/errors.ts'
import { unreadOutputs, unreadText } from '../graph/unread-outputs.ts'
import type { EventTimeWait } from '../observe/event-time-wait.ts'
import type { CheckpointFigures, TaskMetrics } from '../observe/metrics.ts'
import type { StoreUsage } from '../state/state-store.ts'
import { Attempt, type Ending } from './attempt.ts'
import { DataDirectory } from './data-directory.ts'
import { settingsOf, type JobOptions, type JobSettings } from './job-options.ts'
import { RestartDecider } from './restart-policy.ts'

/** How a job ended. */
export type JobResult =
  /** Its bounded input was read to the end, or it was drained: every window and timer fired, all is committed. */
  | { readonly outcome: 'finished' }
  /** It was stopped: its input so far is committed, and a later start resumes there. */
  | { readonly outcome: 'stopped' }
  /** It failed; nothing after its last checkpoint was committed. */
  | { readonly outcome: 'failed'; readonly error: unknown }

/** The current status of a job. */
export interface JobStatus {
  readonly phase: 'starting' | 'running' | 'restarting' | 'stopping' | 'ended'
  readonly restarts: number
  readonly tasks: readonly TaskMetrics[]
  readonly state: StoreUsage | undefined
  readonly lastCheckpoint: CheckpointFigures | undefined
  /** What event time waits for: empty while nothing blocks it. */
  readonly eventTimeWaits: readonly EventTimeWait[]
}

/**
 * A running pipeline. After a failure it restarts from its last checkpoint, according to its restart policy.
 *
 * @example
 * const job = startJob({ graph, platform: nodePlatform(), store: memoryStore(), directory: 'data', isBounded: true })
 * const result = await job.ended // => { outcome: 'finished' }
 */
export class Job {
  /** Never rejects. */
  readonly ended: Promise<JobResult>
  readonly #settings: JobSettings
  readonly #decider: RestartDecider
  readonly #stopping = new AbortController()
  #attempt: Attempt | undefined
  #phase: JobStatus['phase'] = 'starting'
  #restarts = 0
  #stop: 'no' | 'stop' | 'drain' | 'cancel' = 'no'
  #lastCheckpoint: CheckpointFigures | undefined

  constructor(options: JobOptions) {
    const settings = settingsOf(options)
    this.#settings = {
      ...settings,
      observer: (event) => {
        if (event.kind === 'checkpointCompleted') this.#lastCheckpoint = event.figures
        if (event.kind === 'started') this.#started()
        settings.observer(event)
      },
    }
    this.#decider = new RestartDecider(settings.restart)
    this.ended = this.#live()
  }

  status(): JobStatus {
    return {
      phase: this.#phase,
      restarts: this.#restarts,
      tasks: this.#attempt?.metrics ?? [],
      state: this.#attempt?.stateUsage,
      lastCheckpoint: this.#lastCheckpoint,
      eventTimeWaits: this.#attempt?.eventTimeWaits ?? [],
    }
  }

  /**
   * Stops reading, finishes records in flight, checkpoints, commits and ends; a later start resumes there.
   * With `drain` windows and timers fire first, as at the end of input.
   */
  async stop(options: { readonly drain?: boolean } = {}): Promise<JobResult> {
    this.#request(options.drain === true ? 'drain' : 'stop')
    return this.ended
  }

  /** Ends at once; nothing after the last checkpoint is committed. */
  async cancel(): Promise<JobResult> {
    this.#request('cancel')
    return this.ended
  }

  /**
   * Makes a checkpoint: now, or after the running one. While the job stops, that is its last one. Rejects
   * with `CHECKPOINT_FAILED` if the job is starting or has ended, or if the checkpoint took too long.
   */
  async checkpoint(): Promise<CheckpointFigures> {
    await Promise.resolve()
    if (this.#attempt === undefined) throw new MillraceError('CHECKPOINT_FAILED', 'the job is starting')
    return this.#attempt.checkpoint()
  }

  async #live(): Promise<JobResult> {
    const { observer } = this.#settings
    let result: JobResult
    try {
      result = { outcome: await this.#own() }
    } catch (error) {
      result = { outcome: 'failed', error }
    }
    this.#phase = 'ended'
    this.#tellConnectors(result)
    observer({ kind: 'ended', outcome: result.outcome })
    return result
  }

  #tellConnectors(result: JobResult): void {
    const error = result.outcome === 'failed' ? result.error : undefined
    for (const node of this.#settings.graph.nodes) {
      if (node.kind === 'source') node.source.ended?.(error)
      if (node.kind === 'sink') node.sink.ended?.(error)
    }
  }

  /** Acquires the data directory, runs, and releases the directory. */
  async #own(): Promise<Ending> {
    const lock = await this.#takeDirectory()
    if (lock === undefined) return 'stopped'
    let ending: Ending
    try {
      ending = await this.#attempts(lock)
    } catch (error) {
      await this.#release(lock)
      throw error
    }
    // A job whose directory was acquired by another process has failed in any case.
    const lost = await this.#release(lock)
    if (lost !== undefined) throw lost
    return ending
  }

  /** Undefined if the job was stopped while it waited for a lease. */
  async #takeDirectory(): Promise<DirectoryLock | undefined> {
    const { platform, directory, ownership, observer } = this.#settings
    try {
      return await DirectoryLock.take({
        platform,
        data: directory,
        directory: new DataDirectory(directory).owner,
        options: ownership,
        signal: this.#stopping.signal,
        waiting: (owner, leaseMs) => observer({ kind: 'waitingForOwner', owner, leaseMs }),
        lost: (error) => this.#attempt?.fail(error),
        warn: (message) => observer({ kind: 'warning', message }),
      })
    } catch (error) {
      if (!this.#stopping.signal.aborted || this.#stop === 'cancel') throw error
      return undefined
    }
  }

  /** Resolves with the error if another process has acquired the directory. */
  async #release(lock: DirectoryLock): Promise<MillraceError | undefined> {
    const { directory, observer } = this.#settings
    try {
      await lock.release()
    } catch (error) {
      if (isMillraceError(error, 'DIRECTORY_LOCKED')) return error
      const message = `the lock on ${directory} could not be released: ${describeError(error)}`
      observer({ kind: 'warning', message })
    }
    return undefined
  }

  async #attempts(lock: DirectoryLock): Promise<Ending> {
    const { platform, observer, graph } = this.#settings
    for (const unread of unreadOutputs(graph)) observer({ kind: 'warning', message: unreadText(unread) })
    const { clock } = platform
    for (;;) {
      const startedAt = clock.monotonic()
      this.#attempt = new Attempt(this.#settings, lock)
      try {
        return await this.#attempt.run()
      } catch (error) {
        // A job that was asked to end is not restarted.
        if (this.#stop !== 'no') throw error
        const decision = this.#decider.afterFailure(error, clock.monotonic() - startedAt)
        if ('giveUp' in decision) throw decision.giveUp
        observer({ kind: 'failed', error, restartInMs: decision.delayMs })
        this.#phase = 'restarting'
        this.#restarts++
        if (!(await this.#waitForRestart(decision.delayMs))) return 'stopped'
      }
    }
  }

  /** False if the job was stopped meanwhile: then its last checkpoint is final. */
  async #waitForRestart(delayMs: number): Promise<boolean> {
    try {
      await sleep(this.#settings.platform.clock, delayMs, this.#stopping.signal)
      return true
    } catch (reason) {
      if (this.#stop === 'cancel') throw reason
      return false
    }
  }

  #started(): void {
    this.#phase = 'running'
    // A stop was requested before the tasks existed. They start once the caller has returned.
    if (this.#stop !== 'no') queueMicrotask(() => this.#carryOut())
  }

  #request(stop: 'stop' | 'drain' | 'cancel'): void {
    // Only cancelling overrides an earlier request.
    if (this.#stop === 'no' || stop === 'cancel') this.#stop = stop
    if (this.#phase === 'restarting' || this.#attempt === undefined) {
      this.#stopping.abort(new MillraceError('CANCELLED', 'the job was cancelled while it waited to start'))
    }
    if (this.#phase === 'running' || this.#phase === 'stopping' || stop === 'cancel') this.#carryOut()
  }

  #carryOut(): void {
    this.#phase = 'stopping'
    if (this.#stop === 'cancel') this.#attempt?.cancel()
    else this.#attempt?.stop(this.#stop === 'drain')
  }
}

/**
 * Starts a job. Throws `OPTION_INVALID` and `GRAPH_INVALID` for invalid input; every later error ends the
 * job.
 */
export function startJob(options: JobOptions): Job {
  return new Job(options)
}
