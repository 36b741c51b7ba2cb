import { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { entriesOf } from '../checkpoint/parts.ts'
import { RestoredJob } from '../checkpoint/restored-job.ts'
import type { Owner } from '../disk/owner.ts'
import { YieldBudget } from '../disk/yield-budget.ts'
import { describeError, MillraceError } from '../errors/errors.ts'
import { wire } from '../exchange/wiring.ts'
import type { EventTimeWait } from '../observe/event-time-wait.ts'
import type { CheckpointFigures, TaskMetrics } from '../observe/metrics.ts'
import { planGraph, type Plan } from '../plan/plan.ts'
import { Replicas } from '../state/replicas.ts'
import type { OpenStateStore, StoreUsage } from '../state/state-store.ts'
import { Cancellation } from '../task/cancellation.ts'
import { EventTimeWatch } from '../task/event-time-watch.ts'
import { makeTasks, type Tasks } from '../task/task-factory.ts'
import type { TaskSurroundings } from '../task/task.ts'
import { Checkpoints } from './checkpoints.ts'
import { ConnectorContexts } from './connector-contexts.ts'
import { DataDirectory } from './data-directory.ts'
import type { JobSettings } from './job-options.ts'
import { restoreNewest, type StartPoint } from './restore.ts'

/** The outcome of an attempt that has not failed. */
export type Ending = 'finished' | 'stopped'

/**
 * One run of a job, from a checkpoint to its end or its first failure.
 *
 * Everything in it is created for it: tasks, edges, open files. It shares only the disk with the next
 * attempt.
 */
export class Attempt {
  readonly #settings: JobSettings
  readonly #owner: Owner
  readonly #plan: Plan
  readonly #directory: DataDirectory
  readonly #storage: CheckpointStorage
  readonly #cancellation = new Cancellation()
  readonly #budget: YieldBudget
  readonly #ended = new Set<string>()
  #store: OpenStateStore | undefined
  #tasks: Tasks = { all: [], sources: [], sinks: [] }
  #checkpoints: Checkpoints | undefined
  #eventTime: EventTimeWatch | undefined
  #finish: ((ending: Ending) => void) | undefined
  #fail: ((error: unknown) => void) | undefined
  #isEnding = false

  constructor(settings: JobSettings, owner: Owner) {
    this.#settings = settings
    this.#owner = owner
    this.#plan = planGraph(settings.graph, settings.parallelism)
    this.#directory = new DataDirectory(settings.directory)
    this.#storage = new CheckpointStorage(settings.platform.fs, this.#directory.checkpoints)
    this.#budget = new YieldBudget(settings.platform)
  }

  get metrics(): readonly TaskMetrics[] {
    return this.#tasks.all.map((task) => task.metrics)
  }

  get stateUsage(): StoreUsage | undefined {
    return this.#store?.usage()
  }

  /** What event time waits for. */
  get eventTimeWaits(): readonly EventTimeWait[] {
    return this.#eventTime?.waits() ?? []
  }

  /** Restores, runs and ends. Rejects with the first failure, after everything has been closed. */
  async run(): Promise<Ending> {
    const outcome = new Promise<Ending>((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
    })
    // The handler below is added only after the start; until then a failure must not count as unhandled.
    outcome.catch(() => {})
    try {
      await this.#start()
      for (const task of this.#tasks.all) {
        const running = task.run().catch((error: unknown) => {
          if (!this.#cancellation.signal.aborted) this.#fail!(error)
        })
        this.#running.push(running)
      }
      this.#running.push(this.#repeatCheckpoints(), this.#watchEventTime())
      return await outcome
    } finally {
      await this.#close()
    }
  }

  readonly #running: Promise<void>[] = []

  /** Stops reading, finishes what is in flight, checkpoints and commits. With `drain` windows and timers fire first. */
  stop(drain: boolean): void {
    if (this.#isEnding) return
    for (const source of this.#tasks.sources) source.stop(drain)
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

  async #start(): Promise<void> {
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
    const { all, sinks } = this.#tasks
    // Check everything that may fail before any external change: sinks come last.
    for (const sink of sinks) await sink.check()
    for (const task of all) if (!sinks.includes(task as never)) await task.open()
    for (const sink of sinks) {
      // Opening a sink discards the prepared output of other runs.
      await this.#owner.confirm()
      await sink.open()
    }
    for (const task of all) task.start()
  }

  /** Loads state and creates the tasks. Called again with the previous checkpoint if this one is damaged. */
  async #restore({ plan, manifests, newest }: StartPoint): Promise<void> {
    const { platform, store: stores, graph, checkpoints, observer } = this.#settings
    const manifest = plan?.restored
    await this.#store?.close()
    const store = await stores.open({
      fs: platform.fs,
      budget: this.#budget,
      directory: this.#directory.state,
      epoch: this.#owner.epoch,
      from: manifest?.store.snapshot,
      discard: plan?.discard ?? [],
      retained: manifests.map((kept) => kept.store.snapshot),
    })
    this.#store = store
    const restored = new RestoredJob(manifest, graph)
    const wiring = wire(this.#plan.tasks, this.#plan.parallelism, this.#settings)
    const replicas = new Replicas()
    this.#tasks = makeTasks(this.#plan, wiring, this.#surroundings(restored, store, replicas), restored)
    await store.load()
    for (const _ of replicas.fill()) if (this.#budget.spend()) await this.#budget.turn()
    this.#checkpoints = new Checkpoints({
      settings: this.#settings,
      owner: this.#owner,
      storage: this.#storage,
      store,
      tasks: this.#tasks,
      operators: plan?.operators ?? entriesOf(graph),
      retained: manifests,
      newest,
      warn: (message) => this.#warn(message),
    })
    observer({ kind: 'started', restoredFrom: manifest?.checkpoint, checkpointEveryMs: checkpoints.everyMs })
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
      timings: () => this.#tasks.sources.flatMap((source) => source.timing ?? []),
      stalledAfterMs,
      warn: (message, docs) => this.#warn(message, docs),
    })
    return this.#eventTime.watch(this.#cancellation.child().signal)
  }

  /** Makes the last checkpoint; once its output is visible the attempt is over. */
  async #end(ending: Ending): Promise<void> {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#settings.observer({ kind: 'stopping' })
    try {
      await this.#checkpoints!.last(ending)
      this.#finish!(ending)
    } catch (error) {
      this.#fail!(error)
    }
  }

  #surroundings(restored: RestoredJob, store: OpenStateStore, replicas: Replicas): TaskSurroundings {
    const { graph, parallelism, keyGroups, batchRecords, maxOpenReaders, isBounded, platform } =
      this.#settings
    const contexts = this.#contexts()
    return {
      pipeline: graph.name,
      replicas,
      parallelism,
      keyGroups,
      batchRecords,
      maxOpenReaders,
      isBounded,
      platform,
      cancellation: this.#cancellation,
      budget: this.#budget,
      store,
      isRestored: restored.checkpoint !== undefined,
      isAfterEnd: restored.isEndOfRun,
      history: (operator, groups) => restored.history(operator, groups),
      reached: (operator, groups) => restored.reached(operator, groups),
      report: (checkpoint, report) => this.#checkpoints!.report(checkpoint, report),
      ended: (task, subtask) => {
        this.#ended.add(`${task}/${subtask}`)
        if (this.#ended.size === this.#tasks.all.length) void this.#end('finished')
      },
      connectorContext: (name) => contexts.ofConnector(name),
      readerContext: (name) => contexts.ofReader(name),
      warn: (message) => this.#warn(message),
    }
  }

  #contexts(): ConnectorContexts {
    const { platform, isBounded } = this.#settings
    return new ConnectorContexts({
      ...platform,
      owner: this.#owner,
      isBounded,
      directoryOf: (name) => this.#directory.connector(name),
      cancellation: this.#cancellation,
      warn: (message) => this.#warn(message),
    })
  }

  #warn(message: string, docs?: string): void {
    this.#settings.observer({ kind: 'warning', message, ...(docs === undefined ? {} : { docs }) })
  }

  async #close(): Promise<void> {
    this.#cancellation.cancel(new MillraceError('CANCELLED', 'the job is ending'))
    await this.#checkpoints?.close()
    await Promise.all(this.#running)
    const closing = [
      ...this.#tasks.all.map((task) => () => task.close()),
      ...this.#settings.graph.nodes.map((node) => async () => {
        if (node.kind === 'source') await node.source.close?.()
      }),
      async () => this.#store?.close(),
    ]
    for (const close of closing) {
      await close().catch((error: unknown) => this.#warn(`closing failed: ${describeError(error)}`))
    }
  }
}
