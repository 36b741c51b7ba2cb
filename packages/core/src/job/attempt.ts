import { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import type { RestorePlan } from '../checkpoint/compatibility.ts'
import { Coordinator, type TaskReport } from '../checkpoint/coordinator.ts'
import { manifestFormat, type Manifest, type OperatorEntry } from '../checkpoint/manifest.ts'
import { entriesOf, withKeys } from '../checkpoint/parts.ts'
import { manifestParts, RestoredJob } from '../checkpoint/restored-job.ts'
import { makeDurableDirectory } from '../disk/durable-directory.ts'
import { describeError, isMillraceError, MillraceError } from '../errors/errors.ts'
import type { Owner } from '../disk/owner.ts'
import { YieldBudget } from '../disk/yield-budget.ts'
import type { EventTimeWait } from '../observe/event-time-wait.ts'
import type { CheckpointFigures, TaskMetrics } from '../observe/metrics.ts'
import { planGraph, type Plan } from '../plan/plan.ts'
import type { OpenStateStore, StoreUsage } from '../state/state-store.ts'
import { Cancellation } from '../task/cancellation.ts'
import { repeatCheckpoints } from './checkpoint-loop.ts'
import { ConnectorContexts } from './connector-contexts.ts'
import { DataDirectory } from './data-directory.ts'
import { EventTimeWatch } from '../task/event-time-watch.ts'
import type { JobSettings } from './job-options.ts'
import { compareWithProgram } from './program-comparison.ts'
import { makeTasks, type Tasks } from '../task/task-factory.ts'
import type { TaskSurroundings } from '../task/task.ts'
import { wire } from '../exchange/wiring.ts'

/** How an attempt can end without failing. */
export type Ending = 'finished' | 'stopped'

/**
 * One life of a job, from a checkpoint to its end or its first failure.
 *
 * Everything in it is made anew: tasks, edges, open files. What it shares with the next attempt is on disk.
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
  #retained: readonly Manifest[] = []
  /** The program's parts, with what the restored checkpoint knows about them. */
  #operators: readonly OperatorEntry[] = []
  #store: OpenStateStore | undefined
  #tasks: Tasks = { all: [], sources: [], sinks: [] }
  #coordinator: Coordinator | undefined
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
    // The handler below comes only after the start; until then a failure must not count as unhandled.
    outcome.catch(() => {})
    try {
      await this.#start()
      for (const task of this.#tasks.all) {
        const running = task.run().catch((error: unknown) => {
          if (!this.#cancellation.signal.aborted) this.#fail!(error)
        })
        this.#running.push(running)
      }
      this.#running.push(this.#checkpointLoop(), this.#watchEventTime())
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

  /** Ends at once, with this failure unless there was one before. */
  fail(error: unknown): void {
    this.#fail?.(error)
  }

  checkpoint(): Promise<CheckpointFigures> {
    if (this.#coordinator === undefined) {
      return Promise.reject(new MillraceError('CHECKPOINT_FAILED', 'the job is starting'))
    }
    return this.#coordinator.checkpoint()
  }

  /** From the newest checkpoint that turns out to be whole; a damaged one is reported and the one before it used. */
  async #start(): Promise<void> {
    const { platform, observer, checkpoints } = this.#settings
    await makeDurableDirectory(platform.fs, this.#directory.checkpoints)
    await this.#storage.fence(this.#owner)
    const numbers = await this.#storage.list()
    let manifests = await this.#storage.readable((message) =>
      this.#warn(`${message}; the one before it is used`),
    )
    for (;;) {
      const [manifest] = manifests
      const plan =
        manifest &&
        (await compareWithProgram(manifest, this.#settings, this.#directory, (text) => this.#warn(text)))
      try {
        await this.#restore(plan, manifests, numbers[0] ?? 0)
        const [restoredFrom, checkpointEveryMs] = [manifest?.checkpoint, checkpoints.everyMs]
        observer({ kind: 'started', restoredFrom, checkpointEveryMs })
        break
      } catch (error) {
        if (!isMillraceError(error, 'CHECKPOINT_CORRUPT')) throw error
        if (manifests.length < 2) throw this.#unusable(numbers.length, error)
        this.#warn(
          `checkpoint ${manifest!.checkpoint} cannot be used: ${describeError(error)}; falling back to checkpoint ${manifests[1]!.checkpoint}: results committed since then may come again`,
        )
        await this.#store?.close()
        manifests = manifests.slice(1)
      }
    }
    // Sinks commit what this checkpoint names, so no crash may take it any more.
    const [restored] = this.#retained
    if (restored !== undefined) await this.#storage.renew(restored.checkpoint, this.#owner)
    // What can be refused is refused before anything outside is changed: sinks come last.
    for (const sink of this.#tasks.sinks) await sink.check()
    for (const task of this.#tasks.all) if (!this.#tasks.sinks.includes(task as never)) await task.open()
    for (const sink of this.#tasks.sinks) {
      // Opening a sink discards what others have prepared in it.
      await this.#owner.confirm()
      await sink.open()
    }
    for (const task of this.#tasks.all) task.start()
  }

  /** Better not to start than to start empty. */
  #unusable(checkpoints: number, cause: MillraceError): MillraceError {
    return new MillraceError(
      'CHECKPOINT_CORRUPT',
      `none of the ${checkpoints} checkpoints in ${this.#directory.checkpoints} can be used; restore the data directory from a copy, or start with another one. The last one tried: ${describeError(cause)}`,
      { cause },
    )
  }

  async #restore(
    plan: RestorePlan | undefined,
    manifests: readonly Manifest[],
    newest: number,
  ): Promise<void> {
    const { platform, store, graph } = this.#settings
    const manifest = plan?.restored
    this.#operators = plan?.operators ?? entriesOf(graph)
    this.#retained = manifests
    this.#store = await store.open({
      fs: platform.fs,
      budget: this.#budget,
      directory: this.#directory.state,
      epoch: this.#owner.epoch,
      from: manifest?.store.snapshot,
      discard: plan?.discard ?? [],
      retained: manifests.map((kept) => kept.store.snapshot),
    })
    const restored = new RestoredJob(manifest, this.#settings.graph)
    this.#tasks = makeTasks(
      this.#plan,
      wire(this.#plan.tasks, this.#plan.parallelism, this.#settings),
      this.#surroundings(restored),
      restored,
    )
    await this.#store.load()
    this.#coordinator = this.#makeCoordinator(newest)
  }

  #makeCoordinator(newest: number): Coordinator {
    const { platform, checkpoints, observer } = this.#settings
    return new Coordinator(
      {
        clock: platform.clock,
        participants: this.#tasks.all.length,
        timeoutMs: checkpoints.timeoutMs,
        toleratedFailures: checkpoints.toleratedFailures,
        begin: (checkpoint) => {
          for (const source of this.#tasks.sources) source.requestBarrier(checkpoint)
        },
        publish: (checkpoint, phase, reports) => this.#publish(checkpoint, phase, reports),
        completed: (figures) => {
          for (const task of this.#tasks.all) task.checkpointCompleted(figures.checkpoint)
          observer({ kind: 'checkpointCompleted', figures })
        },
        retire: () => this.#retire(),
        abandoned: (checkpoint, reason) => {
          for (const task of this.#tasks.all) task.checkpointAbandoned(checkpoint)
          observer({ kind: 'checkpointAbandoned', checkpoint, reason })
        },
      },
      newest,
    )
  }

  async #publish(
    checkpoint: number,
    phase: Manifest['phase'],
    reports: readonly TaskReport[],
  ): Promise<void> {
    const { graph, keyGroups, parallelism, platform, store, dropState } = this.#settings
    const snapshot = await this.#store!.persist()
    const manifest: Manifest = {
      format: manifestFormat,
      pipeline: graph.name,
      checkpoint,
      createdAt: platform.clock.now(),
      phase,
      keyGroups,
      parallelism,
      operators: withKeys(this.#operators, reports),
      ...manifestParts(reports, graph),
      dropState,
      store: { kind: store.kind, snapshot },
    }
    try {
      await this.#storage.publish(manifest, this.#owner)
    } catch (error) {
      // If the directory was taken over, the next owner has removed the file: report that instead.
      await this.#owner.confirm()
      throw error
    }
    this.#retained = [manifest, ...this.#retained]
  }

  /** The newest manifests stay; files that only older ones name go after those manifests have gone. */
  async #retire(): Promise<void> {
    const { retain } = this.#settings.checkpoints
    const retired = this.#retained.slice(retain)
    this.#retained = this.#retained.slice(0, retain)
    const [newest] = this.#retained
    if (newest === undefined) return
    await this.#storage.retire(
      retired.map((manifest) => manifest.checkpoint),
      newest.checkpoint,
    )
    await this.#store!.release(this.#retained.map((manifest) => manifest.store.snapshot))
    const oldest = this.#retained.at(-1)
    if (oldest === undefined) return
    for (const source of this.#tasks.sources) source.acknowledgeUpTo(oldest.checkpoint)
  }

  async #checkpointLoop(): Promise<void> {
    const { platform, checkpoints } = this.#settings
    const { signal } = this.#cancellation.child()
    try {
      await repeatCheckpoints({
        ...checkpoints,
        clock: platform.clock,
        signal,
        checkpoint: () => this.#coordinator!.checkpoint(),
        isEnding: () => this.#isEnding,
      })
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
      warn: (message) => this.#warn(message),
    })
    return this.#eventTime.watch(this.#cancellation.child().signal)
  }

  /** The last checkpoint; once its work is visible the attempt is over. */
  async #end(ending: Ending): Promise<void> {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#settings.observer({ kind: 'stopping' })
    try {
      const { checkpoint } = await this.#coordinator!.last(ending)
      await Promise.all(this.#tasks.sinks.map((sink) => sink.committed(checkpoint)))
      await this.#noteCommitted()
      this.#finish!(ending)
    } catch (error) {
      this.#fail!(error)
    }
  }

  /** The next start must know that nothing is pending: a later program may have another sink. */
  async #noteCommitted(): Promise<void> {
    const [manifest] = this.#retained
    try {
      if (manifest !== undefined) await this.#storage.noteCommitted(manifest, this.#owner)
    } catch (error) {
      // The results are there. The next start commits them once more, which changes nothing.
      this.#warn(
        `checkpoint ${manifest!.checkpoint} could not be marked as committed: ${describeError(error)}`,
      )
    }
  }

  #surroundings(restored: RestoredJob): TaskSurroundings {
    const { graph, parallelism, keyGroups, batchRecords, maxOpenReaders, isBounded, platform } =
      this.#settings
    const contexts = this.#contexts()
    return {
      pipeline: graph.name,
      parallelism,
      keyGroups,
      batchRecords,
      maxOpenReaders,
      isBounded,
      platform,
      cancellation: this.#cancellation,
      budget: this.#budget,
      store: this.#store!,
      isRestored: restored.checkpoint !== undefined,
      isAfterEnd: restored.isEndOfRun,
      history: (operator, groups) => restored.history(operator, groups),
      reached: (operator, groups) => restored.reached(operator, groups),
      report: (checkpoint, report) => this.#coordinator!.report(checkpoint, report),
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

  #warn(message: string): void {
    this.#settings.observer({ kind: 'warning', message })
  }

  async #close(): Promise<void> {
    this.#cancellation.cancel(new MillraceError('CANCELLED', 'the job is ending'))
    await this.#coordinator?.close()
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
