import { sleep } from '@millrace/world'
import type { OperatorEntry } from '../checkpoint/manifest.ts'
import type { HeldDirectory } from '../disk/owner.ts'
import { MillraceError } from '../errors/errors.ts'
import { unreadOutputs, unreadText } from '../graph/unread-outputs.ts'
import type { CheckpointFigures, RunningFigures } from '../observe/metrics.ts'
import type { SplitSample, TaskSample } from '../observe/samples.ts'
import { readable } from './state-access.ts'
import type { StateQuery, StateRow } from '../state/state-reading.ts'
import type { ScannedState, StateScan } from '../state/state-walks.ts'
import type { TableUsage } from '../state/state-store.ts'
import type { JobObserver } from '../observe/job-events.ts'
import { Attempt, type Ending } from './attempt.ts'
import { DataDirectory } from './data-directory.ts'
import { endConnectors } from './end-connectors.ts'
import type { JobResult, JobStatus } from './job-status.ts'
import { settingsOf, type JobOptions, type JobSettings } from './job-options.ts'
import { Peek, type PeekOptions } from './peeking.ts'
import { Profiling } from './profiling.ts'
import { releaseDirectory } from './release-directory.ts'
import { RestartDecider } from './restart-policy.ts'
import { SteeredSources } from './steered-sources.ts'
import type { ThreadProfile } from './thread-profile.ts'
import { Views, type AnyViews } from './views.ts'
import type { Worker } from './worker.ts'

/**
 * A running pipeline. After a failure it restarts from its last checkpoint, according to its restart policy.
 *
 * @example
 * const job = startJob({ graph, platform: nodePlatform(), store: memoryStore(), directory: 'data', isBounded: true })
 * const result = await job.ended // => { outcome: 'finished' }
 */
export class Job<Declared extends AnyViews = AnyViews> {
  /** Never rejects. */
  readonly ended: Promise<JobResult>
  /** The options that the job was started with. */
  readonly options: JobOptions
  readonly #settings: JobSettings
  readonly #decider: RestartDecider
  readonly #observers = new Set<JobObserver>()
  readonly #views: Views
  readonly #stopping = new AbortController()
  #attempt: Attempt | undefined
  #phase: JobStatus['phase'] = 'starting'
  #restarts = 0
  readonly #sources: SteeredSources
  #stop: 'no' | 'stop' | 'drain' | 'cancel' = 'no'
  #lastCheckpoint: CheckpointFigures | undefined
  #savepoint: string | undefined
  readonly #profiling = new Profiling()

  constructor(options: JobOptions) {
    const settings = settingsOf(options)
    this.options = options
    this.#views = new Views(options.graph)
    this.#sources = new SteeredSources(options.graph)
    this.#settings = {
      ...settings,
      observer: (event) => {
        if (event.kind === 'checkpointCompleted') this.#lastCheckpoint = event.figures
        if (event.kind === 'started') this.#started()
        settings.observer(event)
        for (const observer of this.#observers) observer(event)
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
      outages: this.#attempt?.outages ?? [],
      eventTimeWaits: this.#attempt?.eventTimeWaits ?? [],
      stop: this.#phase === 'stopping' ? this.#attempt?.stopping.phases.progress : undefined,
    }
  }

  /**
   * Calls `observer` with each event from now on, after the one in the options, until the result is disposed. The first
   * event comes after `startJob` has returned, so a program that calls this at once misses none.
   *
   * @example
   * using _ = job.observe((event) => console.log(event.kind))
   */
  observe(observer: JobObserver): Disposable {
    const own: JobObserver = (event) => observer(event)
    this.#observers.add(own)
    return { [Symbol.dispose]: () => void this.#observers.delete(own) }
  }

  /**
   * A view that the pipeline keeps with `toView`, to be read while the job runs. Throws `OPTION_INVALID` if it has none of
   * this name.
   *
   * @example
   * await job.view('totals').ready()
   * job.view('totals').get('c1') // => { key: 'c1', n: 2, total: 80 }
   */
  view<Name extends keyof Declared & string>(name: Name): Declared[Name] {
    return this.#views.named(name) as Declared[Name]
  }

  /** The counters of every subtask, and of the parts that run in it. */
  samples(): readonly TaskSample[] {
    return this.#attempt?.samples() ?? []
  }

  /** Figures of every split that is being read. */
  splits(): readonly SplitSample[] {
    return this.#attempt?.splits() ?? []
  }

  /** How much state each operator has. */
  tables(): readonly TableUsage[] {
    return this.#attempt?.tables() ?? []
  }

  /**
   * Reads state of an operator while the job runs: values as they are now, and no copies where the operator runs in this
   * thread, so do not change them. In the order of creation, within each subtask. Rejects with `JOB_FAILED` if the job is
   * not running.
   */
  async readState(query: StateQuery): Promise<readonly StateRow[]> {
    await Promise.resolve()
    return readable(this.#phase, this.#attempt).readState(query)
  }

  /**
   * Reads state of an operator part by part, as `readState` does: each looks at so many values at most, and may have no rows.
   * Rejects with `JOB_FAILED` if the job does not run.
   */
  async scanState(scan: StateScan): Promise<ScannedState> {
    await Promise.resolve()
    return readable(this.#phase, this.#attempt).scanState(scan)
  }

  /**
   * Reads state of an operator from the newest checkpoint: what is durable, read from disk. Rejects with
   * `CHECKPOINT_FAILED` if the job is starting or has no checkpoint yet.
   */
  async readCheckpoint(
    query: StateQuery,
  ): Promise<{ readonly checkpoint: number; readonly rows: readonly StateRow[] }> {
    await Promise.resolve()
    if (this.#attempt === undefined) throw new MillraceError('CHECKPOINT_FAILED', 'the job is starting')
    return this.#attempt.readCheckpoint(query)
  }

  /** The parts of the newest checkpoint, with the kinds of key that they have had. */
  get checkpointed(): readonly OperatorEntry[] {
    return this.#attempt?.checkpointed ?? []
  }

  /** The checkpoint that runs now; undefined if none does. */
  get runningCheckpoint(): RunningFigures | undefined {
    return this.#attempt?.runningCheckpoint
  }

  /** The sources that do not read because of `pause`. */
  get paused(): readonly string[] {
    return this.#sources.paused
  }

  /**
   * Stops a source from reading, until `resume`, also after a restart. Event time waits for it meanwhile, and checkpoints continue.
   * Throws `OPTION_INVALID` if the pipeline has no such source.
   */
  pause(source: string): void {
    this.#sources.pause(source, true, this.#attempt)
  }

  /** Lets a source read again. Throws `OPTION_INVALID` if the pipeline has no such source. */
  resume(source: string): void {
    this.#sources.pause(source, false, this.#attempt)
  }

  /**
   * Ends the input of a source, as the end of a bounded one; a restart keeps that. When all have ended, windows and timers fire and
   * the job ends. Throws `OPTION_INVALID` if the pipeline has no such source.
   */
  endInput(source: string): void {
    this.#sources.end(source, this.#attempt)
  }

  /**
   * Stops reading, finishes records in flight, checkpoints, commits and ends; a later start resumes there.
   * With `drain` windows and timers fire first, as at the end of input. With `savepoint` the last checkpoint is written
   * to that directory as well; if that fails, the job has failed, and has lost nothing.
   */
  async stop(options: { readonly drain?: boolean; readonly savepoint?: string } = {}): Promise<JobResult> {
    if (this.#stop === 'no') this.#savepoint = options.savepoint
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

  /**
   * Makes a checkpoint, and writes it with everything that it needs to `directory`, which is created or must be empty. It is a data
   * directory: a job started with it, or with a copy, continues from there, with any parallelism. The running job is not affected.
   *
   * Rejects with `OPTION_INVALID` if the directory is not empty, and as `checkpoint` does.
   *
   * @example
   * await job.savepoint('/backups/before-upgrade')
   */
  async savepoint(directory: string): Promise<CheckpointFigures> {
    await Promise.resolve()
    if (this.#attempt === undefined) throw new MillraceError('CHECKPOINT_FAILED', 'the job is starting')
    return this.#attempt.savepoint(directory)
  }

  /**
   * Samples for `ms` what the threads of the job run, one profile for each thread. Other work of the process is in them as
   * well. It costs some percent of the speed meanwhile.
   *
   * Rejects with `OPTION_INVALID` if the platform has no profiler, and with `JOB_FAILED` if the job is not running, ends or
   * restarts meanwhile, or is profiled already.
   */
  async profile(ms: number): Promise<readonly ThreadProfile[]> {
    await Promise.resolve()
    return this.#profiling.run(this.#phase === 'running' ? this.#attempt : undefined, this.#phase, ms)
  }

  /**
   * Shows some of the records that a part emits, while the job runs. Nothing is changed or slowed down before the first `take` and after the
   * peek was disposed. Throws `OPTION_INVALID` if the pipeline has no such part, output or key.
   *
   * @example
   * await using peek = job.peek({ operator: 'parse', perSecond: 5, redact: ['card'] })
   * const { records } = await peek.take()
   */
  peek(options: PeekOptions): Peek {
    const workers = (): readonly Worker[] => readable(this.#phase, this.#attempt, 'records').workers
    return new Peek(options, { settings: this.#settings, workers })
  }

  /**
   * Resolves once the output of a checkpoint is visible: all sinks have committed it, and with it every earlier one. Rejects
   * with `CHECKPOINT_FAILED` if the job is not running, or ends or restarts before.
   *
   * @example
   * const { checkpoint } = await job.checkpoint()
   * await job.committed(checkpoint)
   */
  async committed(checkpoint: number): Promise<void> {
    await Promise.resolve()
    if (this.#attempt === undefined) throw new MillraceError('CHECKPOINT_FAILED', 'the job is starting')
    await this.#attempt.committed(checkpoint)
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
    this.#views.closed('ended')
    endConnectors(this.#settings.graph, result.outcome === 'failed' ? result.error : undefined)
    observer({ kind: 'ended', outcome: result.outcome })
    return result
  }

  /** Acquires the data directory, runs, and releases the directory. */
  async #own(): Promise<Ending> {
    const lock = await this.#takeDirectory()
    if (lock === undefined) return 'stopped'
    let ending: Ending
    try {
      ending = await this.#attempts(lock)
    } catch (error) {
      // Something may still write: then only the end of the process releases the directory.
      if (this.#attempt?.stopping.isOpen !== true) await releaseDirectory(lock, this.#settings)
      throw error
    }
    // A job whose directory was acquired by another process has failed in any case.
    const lost = await releaseDirectory(lock, this.#settings)
    if (lost !== undefined) throw lost
    return ending
  }

  /** Undefined if the job was stopped while it waited for a lease. */
  async #takeDirectory(): Promise<HeldDirectory | undefined> {
    const { platform, directory, ownership, owner, observer } = this.#settings
    try {
      return await owner({
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

  async #attempts(lock: HeldDirectory): Promise<Ending> {
    const { platform, observer, graph } = this.#settings
    for (const unread of unreadOutputs(graph)) observer({ kind: 'warning', message: unreadText(unread) })
    const { clock } = platform
    for (;;) {
      const startedAt = clock.monotonic()
      this.#attempt = new Attempt(this.#settings, lock, this.#restarts > 0)
      try {
        return await this.#attempt.run()
      } catch (error) {
        // A job that was asked to end is not restarted.
        if (this.#stop !== 'no') throw error
        const decision = this.#decider.afterFailure(error, clock.monotonic() - startedAt)
        if ('giveUp' in decision) throw decision.giveUp
        this.#views.closed('restarting')
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
    this.#views.opened()
    this.#sources.applyTo(this.#attempt)
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
    else this.#attempt?.stop(this.#stop === 'drain', this.#savepoint)
  }
}

/**
 * Starts a job. Throws `OPTION_INVALID` and `GRAPH_INVALID` for invalid input; every later error ends the
 * job.
 */
export function startJob<Declared extends AnyViews = AnyViews>(options: JobOptions): Job<Declared> {
  return new Job(options)
}
