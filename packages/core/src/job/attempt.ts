import { sleep } from '@millrace/world'
import { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import type { OperatorEntry } from '../checkpoint/manifest.ts'
import { entriesOf } from '../checkpoint/parts.ts'
import type { Owner } from '../disk/owner.ts'
import { MillraceError } from '../errors/errors.ts'
import type { EventTimeWait } from '../observe/event-time-wait.ts'
import type { CheckpointFigures, RunningFigures, TaskCounters } from '../observe/metrics.ts'
import type { SplitSample, TaskSample } from '../observe/samples.ts'
import type { Outage } from '../observe/outage.ts'
import { Outages } from '../observe/outages.ts'
import { planGraph, type Plan } from '../plan/plan.ts'
import type { StoreUsage, TableUsage } from '../state/state-store.ts'
import { readWorkers, scanWorkers } from './state-access.ts'
import type { StateQuery, StateRow } from '../state/state-reading.ts'
import type { ScannedState, StateScan } from '../state/state-walks.ts'
import { Cancellation } from '../task/cancellation.ts'
import { EventTimeWatch } from '../task/event-time-watch.ts'
import type { GroupPosition } from '../task/source-alignment.ts'
import { Checkpoints } from './checkpoints.ts'
import { DataDirectory } from './data-directory.ts'
import type { JobSettings } from './job-options.ts'
import { Layout } from './layout.ts'
import { lowestOfOthers } from './positions.ts'
import { restoreNewest, type StartPoint } from './restore.ts'
import { profileWorkers } from './profile-workers.ts'
import type { ThreadProfile } from './thread-profile.ts'
import { Stopping } from './stopping.ts'
import { allOf, startTeam, type Team } from './team.ts'
import type { Worker, WorkerEvents } from './worker.ts'

/** The outcome of an attempt that has not failed. */
export type Ending = 'finished' | 'stopped'

/**
 * One run of a job, from a checkpoint to its end or its first failure: the coordinator of its workers.
 *
 * Everything in it is created for it: workers with their tasks, edges and open files. It shares only the disk with
 * the next attempt.
 */
export class Attempt {
  readonly #settings: JobSettings
  readonly #owner: Owner
  readonly #plan: Plan
  readonly #directory: DataDirectory
  readonly #storage: CheckpointStorage
  readonly #cancellation = new Cancellation()
  readonly #outages: Outages
  readonly #isRestart: boolean
  readonly #running: Promise<void>[] = []
  readonly #ended = new Set<string>()
  /** By worker: how far its sources have got. */
  readonly #positions = new Map<number, readonly GroupPosition[]>()
  #team: Team | undefined
  #checkpoints: Checkpoints | undefined
  #eventTime: EventTimeWatch | undefined
  #finish: ((ending: Ending) => void) | undefined
  #fail: ((error: unknown) => void) | undefined
  #isEnding = false
  #starting: Promise<void> | undefined
  #hasStarted = false
  /** Where the last checkpoint is written to as well. */
  #savepoint: string | undefined
  /** How far its stop has got. */
  readonly stopping: Stopping

  /** `isRestart`: an attempt of the same process has run before. */
  constructor(settings: JobSettings, owner: Owner, isRestart: boolean) {
    this.#settings = settings
    this.#owner = owner
    this.#isRestart = isRestart
    this.#outages = new Outages(settings.platform.clock, settings.observer)
    this.#plan = planGraph(settings.graph, settings.parallelism)
    this.#directory = new DataDirectory(settings.directory)
    this.#storage = new CheckpointStorage(settings.platform.fs, this.#directory.checkpoints)
    this.stopping = new Stopping({
      clock: settings.platform.clock,
      budgets: settings.stop,
      ended: this.#ended,
      workers: () => this.workers,
      counters: () => this.metrics,
      runningCheckpoint: () => this.runningCheckpoint,
      newestCheckpoint: () => this.#checkpoints?.newest?.checkpoint ?? 0,
      outages: () => this.outages,
      fail: (error) => this.fail(error),
    })
  }

  get metrics(): readonly TaskCounters[] {
    return this.workers.flatMap((worker) => worker.status.counters)
  }

  samples(): readonly TaskSample[] {
    return this.workers.flatMap((worker) => worker.status.samples)
  }

  splits(): readonly SplitSample[] {
    return this.workers.flatMap((worker) => worker.status.splits)
  }

  /** Stops a source from reading, or lets it read again. */
  pause(source: string, isPaused: boolean): void {
    for (const worker of this.workers) worker.pause(source, isPaused)
  }

  /** Ends the input of a source. */
  endInput(source: string): void {
    for (const worker of this.workers) worker.endInput(source)
  }

  tables(): readonly TableUsage[] {
    return this.workers.flatMap((worker) => worker.status.tables)
  }

  /** The checkpoint that runs; undefined if none does. */
  get runningCheckpoint(): RunningFigures | undefined {
    return this.#checkpoints?.running
  }

  get stateUsage(): StoreUsage | undefined {
    const all = this.workers.flatMap((worker) => worker.status.state ?? [])
    if (all.length === 0) return undefined
    const sum = (each: (usage: StoreUsage) => number): number =>
      all.reduce((total, at) => total + each(at), 0)
    return {
      cells: sum(({ cells }) => cells),
      liveBytes: sum(({ liveBytes }) => liveBytes),
      diskBytes: sum(({ diskBytes }) => diskBytes),
      writtenBytes: sum(({ writtenBytes }) => writtenBytes),
    }
  }

  /** The parts whose systems cannot be reached. */
  get outages(): readonly Outage[] {
    return this.#outages.list
  }

  /** What event time waits for. */
  get eventTimeWaits(): readonly EventTimeWait[] {
    return this.#eventTime?.waits() ?? []
  }

  /** Restores, runs, ends and closes. Rejects with the first failure, after everything has been closed. */
  async run(): Promise<Ending> {
    return this.stopping.around(
      () => this.#work(),
      () => this.#close(),
    )
  }

  async #work(): Promise<Ending> {
    const outcome = new Promise<Ending>((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
    })
    // The handler below is added only after the start; until then a failure must not count as unhandled.
    outcome.catch(() => {})
    this.#starting = this.#start()
    // A start that waits for a system that is down ends when the job is cancelled.
    await Promise.race([this.#starting, outcome])
    if (!this.#hasStarted) return outcome
    for (const worker of this.workers) worker.run()
    this.#running.push(this.#repeatCheckpoints(), this.#watchEventTime())
    return outcome
  }

  /** Stops reading, finishes what is in flight, checkpoints and commits. With `drain` windows and timers fire first. */
  stop(drain: boolean, savepoint?: string): void {
    this.stopping.phases.limit()
    if (this.#isEnding) return
    if (!this.#hasStarted && this.#outages.list.length > 0) {
      // Nothing was read since the checkpoint that it started from.
      this.#isEnding = true
      if (savepoint === undefined) this.#finish!('stopped')
      else
        this.fail(
          new MillraceError('CHECKPOINT_FAILED', 'the job has not started, so there is nothing to save'),
        )
      return
    }
    this.#savepoint = savepoint
    this.stopping.begin(drain)
    if (!drain) void this.#end('stopped')
  }

  /** Ends at once; nothing more is committed. */
  cancel(): void {
    this.fail(
      new MillraceError('CANCELLED', 'the job was cancelled; nothing after its last checkpoint is committed'),
    )
  }

  /** Ends at once, with this failure unless there was an earlier one. */
  fail(error: unknown): void {
    this.#fail?.(error)
  }

  checkpoint(): Promise<CheckpointFigures> {
    if (this.#checkpoints === undefined) {
      return Promise.reject(new MillraceError('CHECKPOINT_FAILED', 'the job is starting'))
    }
    return this.#checkpoints.now()
  }

  /** Resolves once the output of a checkpoint is visible. Rejects if the attempt is starting, or ends before. */
  async committed(checkpoint: number): Promise<void> {
    if (this.#checkpoints === undefined) throw new MillraceError('CHECKPOINT_FAILED', 'the job is starting')
    await this.#checkpoints.committed(checkpoint, this.#cancellation)
  }

  /** Reads state of all workers, one after another. */
  async readState(query: StateQuery): Promise<readonly StateRow[]> {
    return readWorkers(this.workers, query)
  }

  /** Reads a part of the state of an operator, worker by worker. */
  async scanState(scan: StateScan): Promise<ScannedState> {
    return scanWorkers(this.workers, scan)
  }

  /** Reads state from the newest checkpoint. */
  readCheckpoint(query: StateQuery): ReturnType<Checkpoints['read']> {
    if (this.#checkpoints === undefined) {
      return Promise.reject(new MillraceError('CHECKPOINT_FAILED', 'the job is starting'))
    }
    return this.#checkpoints.read(query)
  }

  /** The parts of the newest checkpoint. */
  get checkpointed(): readonly OperatorEntry[] {
    return this.#checkpoints?.newest?.operators ?? []
  }

  savepoint(directory: string): Promise<CheckpointFigures> {
    if (this.#checkpoints === undefined) {
      return Promise.reject(new MillraceError('CHECKPOINT_FAILED', 'the job is starting'))
    }
    return this.#checkpoints.savepoint(directory)
  }

  /** Samples what every thread runs, for `ms`. Rejects if the attempt ends meanwhile. */
  profile(ms: number): Promise<readonly ThreadProfile[]> {
    const { clock } = this.#settings.platform
    return profileWorkers(this.workers, () => sleep(clock, ms, this.#cancellation.child().signal))
  }

  /** The workers, once they have been started. */
  get workers(): readonly Worker[] {
    return this.#team?.workers ?? []
  }

  async #start(): Promise<void> {
    this.#team = await startTeam({
      settings: this.#settings,
      plan: this.#plan,
      owner: this.#owner,
      eventsOf: (worker) => this.#eventsOf(worker),
    })
    await restoreNewest(
      {
        settings: this.#settings,
        owner: this.#owner,
        storage: this.#storage,
        directory: this.#directory,
        warn: (message, docs) => this.#warn(message, docs),
      },
      (point) => this.#restore(point),
    )
    const workers = this.workers
    // Check everything that may fail before any external change: sinks come last.
    for (const worker of workers) await worker.check()
    await allOf(workers.map((worker) => worker.open()))
    // The first subtask of a sink cleans up before the others are opened.
    for (const worker of workers) await worker.openSinks()
    for (const { index } of this.#plan.tasks) {
      await allOf(workers.map((worker) => worker.start(index)))
    }
    this.#hasStarted = true
  }

  /** Loads state and creates the tasks. Called again with the previous checkpoint if this one is damaged. */
  async #restore({ plan, manifests, newest }: StartPoint): Promise<void> {
    const { graph, checkpoints, observer } = this.#settings
    const manifest = plan?.restored
    const { workers, layout: text } = this.#team!
    const layout = new Layout(
      text,
      workers.map(({ name }) => name),
      { restored: manifest, kept: manifests, newest },
    )
    await layout.makeDirectories(this.#settings.platform.fs, this.#directory)
    const replicas = await allOf(
      workers.map((worker, index) =>
        worker.restore({
          manifest,
          discard: plan?.discard ?? [],
          startsEmpty: plan?.startsEmpty ?? [],
          state: layout.stateOf(index),
          isRestart: this.#isRestart,
        }),
      ),
    )
    await allOf(workers.map((worker) => worker.fill(replicas.flat())))
    this.#checkpoints = new Checkpoints({
      settings: this.#settings,
      owner: this.#owner,
      storage: this.#storage,
      workers,
      subtasks: this.#subtasks,
      layout,
      operators: plan?.operators ?? entriesOf(graph),
      retained: manifests,
      newest,
      outages: this.#outages,
      warn: (message) => this.#warn(message),
      entered: (phase) => this.stopping.phases.enter(phase),
    })
    observer({ kind: 'started', restoredFrom: manifest?.checkpoint, checkpointEveryMs: checkpoints.everyMs })
  }

  get #subtasks(): number {
    return this.#plan.tasks.length * this.#plan.parallelism
  }

  #eventsOf(worker: number): WorkerEvents {
    return {
      report: (checkpoint, report) => this.#checkpoints!.report(checkpoint, report),
      ended: (task, subtask) => {
        this.#ended.add(`${task}/${subtask}`)
        if (this.#ended.size === this.#subtasks) void this.#end('finished')
      },
      failed: (error) => this.fail(error),
      warn: (message) => this.#warn(message),
      positions: (positions) => this.#align(worker, positions),
      outage: (report) => this.#outages.take(worker, report),
    }
  }

  /** Passes on how far the sources of a worker have got. */
  #align(worker: number, positions: readonly GroupPosition[]): void {
    if (this.workers.length < 2) return
    const before = this.#positions.get(worker) ?? []
    const kept = before.filter(({ group }) => positions.every((each) => each.group !== group))
    this.#positions.set(worker, [...kept, ...positions])
    for (const [index, other] of this.workers.entries()) {
      if (index !== worker) other.align(lowestOfOthers(this.#positions, index))
    }
  }

  async #repeatCheckpoints(): Promise<void> {
    const { signal } = this.#cancellation.child()
    try {
      await this.#checkpoints!.repeat(signal)
    } catch (error) {
      if (!signal.aborted) this.#fail!(error)
    }
  }

  #watchEventTime(): Promise<void> {
    const { platform, stalledAfterMs } = this.#settings
    this.#eventTime = new EventTimeWatch({
      clock: platform.clock,
      plan: this.#plan,
      timings: () => this.workers.flatMap((worker) => worker.status.timings),
      stalledAfterMs,
      warn: (message, docs) => this.#warn(message, docs),
    })
    return this.#eventTime.watch(this.#cancellation.child().signal)
  }

  /** Makes the last checkpoint; once its output is visible the attempt is over. */
  async #end(ending: Ending): Promise<void> {
    if (this.#isEnding) return
    this.#isEnding = true
    this.stopping.last()
    this.#settings.observer({ kind: 'stopping' })
    try {
      await this.#checkpoints!.last(ending, this.#savepoint)
      this.#finish!(ending)
    } catch (error) {
      this.#fail!(error)
    }
  }

  #warn(message: string, docs?: string): void {
    this.#settings.observer({ kind: 'warning', message, ...(docs === undefined ? {} : { docs }) })
  }

  async #close(): Promise<void> {
    this.#cancellation.cancel(new MillraceError('CANCELLED', 'the job is ending'))
    await this.#checkpoints?.close()
    await Promise.all(this.#running)
    await this.#team?.close()
    await this.#starting?.catch(() => {})
  }
}
