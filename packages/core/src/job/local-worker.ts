import type { StorePart } from '../checkpoint/manifest.ts'
import { RestoredJob } from '../checkpoint/restored-job.ts'
import type { Json } from '../codec/json.ts'
import type { Owner } from '../disk/owner.ts'
import { YieldBudget } from '../disk/yield-budget.ts'
import { describeError, MillraceError } from '../errors/errors.ts'
import { wire, type Places } from '../exchange/wiring.ts'
import { OutageReports } from '../observe/outage-reports.ts'
import { LoopTimes } from '../observe/work-times.ts'
import type { Plan } from '../plan/plan.ts'
import { keyGroupRange } from '../record/key-group.ts'
import { Replicas, type SavedReplica } from '../state/replicas.ts'
import type { OpenStateStore } from '../state/state-store.ts'
import { readState, walkState, type StateQuery, type StateRow } from '../state/state-reading.ts'
import { StateWalks, type ScannedRows, type StateScan } from '../state/state-walks.ts'
import { Cancellation } from '../task/cancellation.ts'
import type { GroupPosition } from '../task/source-alignment.ts'
import { makeTasks, type Tasks } from '../task/task-factory.ts'
import type { TaskSurroundings } from '../task/task.ts'
import { ConnectorContexts, startOf } from './connector-contexts.ts'
import { DataDirectory } from './data-directory.ts'
import type { JobSettings } from './job-options.ts'
import { kindsOf } from './state-access.ts'
import type { Peeked, PeekRequest } from './peek-request.ts'
import { ThreadProfiling, type ThreadProfile } from './thread-profile.ts'
import { statusOf, type WorkerStatus } from './worker-status.ts'
import { WorkerPeeks } from './worker-peeks.ts'
import { openState } from './worker-state.ts'
import type { Persisted, Worker, WorkerEvents, WorkerStart } from './worker.ts'

/** The dependencies of a worker. */
export interface WorkerSurroundings {
  readonly name: string
  readonly settings: JobSettings
  readonly plan: Plan
  readonly places: Places
  readonly owner: Owner
  readonly events: WorkerEvents
}

/** A worker in this thread. */
export class LocalWorker implements Worker {
  readonly name: string
  readonly #around: WorkerSurroundings
  readonly #directory: DataDirectory
  readonly #cancellation = new Cancellation()
  readonly #loop: LoopTimes
  readonly #budget: YieldBudget
  readonly #outages: OutageReports
  readonly #running: Promise<void>[] = []
  #store: OpenStateStore | undefined
  #tasks: Tasks | undefined
  #replicas = new Replicas()
  #profiling: ThreadProfiling | undefined
  readonly #walks = new StateWalks()
  readonly #peeks: WorkerPeeks

  constructor(around: WorkerSurroundings) {
    this.name = around.name
    this.#around = around
    this.#directory = new DataDirectory(around.settings.directory)
    this.#loop = new LoopTimes(around.settings.platform.clock)
    this.#budget = new YieldBudget(around.settings.platform, this.#loop.leave)
    this.#peeks = new WorkerPeeks(around.settings)
    this.#outages = new OutageReports((report) => around.events.outage(report))
  }

  get status(): WorkerStatus {
    return statusOf(this.#tasks, this.#store)
  }

  async restore(start: WorkerStart): Promise<readonly SavedReplica[]> {
    const { settings, owner, plan, places } = this.#around
    const { manifest, discard, state } = start
    this.#walks.clear()
    this.#peeks.clear()
    await this.#store?.close()
    const store = await openState({
      store: settings.store,
      fs: settings.platform.fs,
      budget: this.#budget,
      directory: this.#directory,
      epoch: owner.epoch,
      discard,
      state,
    })
    this.#store = store
    const restored = new RestoredJob(manifest, settings.graph)
    const wiring = wire(plan.tasks, plan.parallelism, settings, places)
    this.#replicas = new Replicas()
    this.#tasks = makeTasks(plan, wiring, this.#surroundings(restored, store, start), restored)
    this.#tasks.alignment.listen((positions) => this.#around.events.positions(positions))
    await store.load()
    const replicas: SavedReplica[] = []
    if (plan.parallelism === 1) return replicas
    for (const replica of this.#replicas.saved()) {
      replicas.push(replica)
      if (this.#budget.spend()) await this.#budget.turn()
    }
    return replicas
  }

  async fill(replicas: readonly SavedReplica[]): Promise<void> {
    for (const _ of this.#replicas.fill(replicas)) if (this.#budget.spend()) await this.#budget.turn()
  }

  async check(): Promise<void> {
    for (const sink of this.#tasks!.sinks) await sink.check()
  }

  async open(): Promise<void> {
    const { all, sinks } = this.#tasks!
    for (const task of all) if (!sinks.includes(task as never)) await task.open()
  }

  async openSinks(): Promise<void> {
    for (const sink of this.#tasks!.sinks) {
      // Opening a sink discards the prepared output of other runs.
      await this.#around.owner.confirm()
      await sink.open()
    }
  }

  async start(task: number): Promise<void> {
    for (const subtask of this.#tasks!.byTask[task] ?? []) subtask.start()
  }

  run(): void {
    for (const task of this.#tasks!.all) {
      const running = task.run().catch((error: unknown) => {
        if (!this.#cancellation.signal.aborted) this.#around.events.failed(error)
      })
      this.#running.push(running)
    }
  }

  requestBarrier(checkpoint: number): void {
    for (const source of this.#tasks!.sources) source.requestBarrier(checkpoint)
  }

  async persist(): Promise<Persisted> {
    const store = this.#store!
    const snapshot = await store.persist()
    return { snapshot, writtenBytes: store.usage().writtenBytes }
  }

  checkpointCompleted(checkpoint: number): void {
    for (const task of this.#tasks!.all) task.checkpointCompleted(checkpoint)
  }

  checkpointAbandoned(checkpoint: number): void {
    for (const task of this.#tasks!.all) task.checkpointAbandoned(checkpoint)
  }

  release(retained: readonly Json[]): Promise<void> {
    return this.#store!.release(retained)
  }

  acknowledgeUpTo(checkpoint: number): void {
    for (const source of this.#tasks!.sources) source.acknowledgeUpTo(checkpoint)
  }

  async acknowledgeLast(checkpoint: number): Promise<void> {
    await Promise.all(this.#tasks!.sources.map((source) => source.acknowledgeLast(checkpoint)))
  }

  async committed(checkpoint: number): Promise<void> {
    await Promise.all(this.#tasks!.sinks.map((sink) => sink.committed(checkpoint)))
  }

  align(positions: readonly GroupPosition[]): void {
    this.#tasks?.alignment.others(positions)
  }

  pause(source: string, isPaused: boolean): void {
    for (const task of this.#tasks?.sources ?? []) if (task.metrics.task === source) task.pause(isPaused)
  }

  endInput(source: string): void {
    for (const task of this.#tasks?.sources ?? []) if (task.metrics.task === source) task.stop(true)
  }

  async readState(query: StateQuery): Promise<readonly StateRow[]> {
    const kinds = kindsOf(this.#around.settings.graph, query.operator)
    return readState(this.#store?.opened() ?? [], kinds, query, this.#budget)
  }

  async scanState(scan: StateScan): Promise<ScannedRows> {
    const begin = () =>
      walkState(this.#store?.opened() ?? [], kindsOf(this.#around.settings.graph, scan.operator), scan)
    return this.#walks.read(scan, begin, this.#budget)
  }

  async readParts(query: StateQuery, parts: readonly StorePart[]): Promise<readonly StateRow[] | undefined> {
    const { settings } = this.#around
    const own = this.#store?.opened().filter(({ spec }) => spec.owner === query.operator) ?? []
    if (own.length === 0) return undefined
    const specs = new Map(own.map(({ spec }) => [spec.name, spec]))
    const groups = keyGroupRange(0, 1, settings.keyGroups)
    const rows: StateRow[] = []
    for (const part of parts) {
      const { snapshot } = part
      const store = await settings.store.open({
        fs: settings.platform.fs,
        budget: this.#budget,
        directory: this.#directory.statePart(part),
        // It only reads: every file is of a later epoch, so none is removed.
        epoch: 0,
        from: snapshot,
        retained: [snapshot],
      })
      try {
        for (const spec of specs.values()) store.table({ ...spec, subtask: 0, groups })
        await store.load()
        const kinds = kindsOf(settings.graph, query.operator)
        const all = { ...query, skip: 0, limit: query.skip + query.limit }
        rows.push(...(await readState(store.opened(), kinds, all, this.#budget)))
      } finally {
        await store.close()
      }
    }
    return rows.slice(query.skip, query.skip + query.limit)
  }

  async startProfile(): Promise<void> {
    const { profiler } = this.#around.settings.platform
    this.#profiling = await ThreadProfiling.begin(profiler, this.#loop, this.#tasks?.all ?? [])
  }

  async endProfile(): Promise<ThreadProfile | undefined> {
    const profiling = this.#profiling
    this.#profiling = undefined
    return profiling?.end(this.name)
  }

  async peek(request: PeekRequest): Promise<Peeked> {
    return this.#peeks.take(request, this.#tasks?.all ?? [])
  }

  async endPeek(id: number): Promise<void> {
    this.#peeks.end(id)
  }

  async stop(drain: boolean): Promise<void> {
    for (const source of this.#tasks!.sources) source.stop(drain)
  }

  async close(): Promise<void> {
    this.#cancellation.cancel(new MillraceError('CANCELLED', 'the job is ending'))
    await Promise.all(this.#running)
    this.#peeks.clear()
    const closing = [
      () => this.endProfile(),
      ...(this.#tasks?.all ?? []).map((task) => () => task.close()),
      ...this.#around.settings.graph.nodes.map((node) => async () => {
        if (node.kind === 'source') await node.source.close?.()
      }),
      async () => {
        this.#walks.clear()
        await this.#store?.close()
      },
    ]
    for (const close of closing) {
      await close().catch((error: unknown) =>
        this.#around.events.warn(`closing failed: ${describeError(error)}`),
      )
    }
  }

  #surroundings(
    restored: RestoredJob,
    store: OpenStateStore,
    { isRestart, startsEmpty }: Pick<WorkerStart, 'isRestart' | 'startsEmpty'>,
  ): TaskSurroundings {
    const { settings, events } = this.#around
    const { graph, parallelism, keyGroups, batchRecords, maxOpenReaders, isBounded, platform, tracer } =
      settings
    const contexts = this.#contexts(startOf(restored, isRestart))
    return {
      pipeline: graph.name,
      replicas: this.#replicas,
      parallelism,
      keyGroups,
      batchRecords,
      maxOpenReaders,
      isBounded,
      platform,
      tracer,
      cancellation: this.#cancellation,
      budget: this.#budget,
      loop: this.#loop,
      outages: this.#outages,
      isRestart,
      store,
      isRestored: restored.checkpoint !== undefined,
      startsEmpty: (operator) => restored.checkpoint === undefined || startsEmpty.includes(operator),
      isAfterEnd: restored.isEndOfRun,
      history: (operator, groups) => restored.history(operator, groups),
      reached: (operator, groups) => restored.reached(operator, groups),
      report: (checkpoint, report) => events.report(checkpoint, report),
      ended: (task, subtask) => events.ended(task, subtask),
      connectorContext: (name, subtask) => contexts.ofConnector(name, subtask),
      readerContext: (name) => contexts.ofReader(name),
      warn: (message) => events.warn(message),
    }
  }

  #contexts(start: ReturnType<typeof startOf>): ConnectorContexts {
    const { settings, owner, events } = this.#around
    return new ConnectorContexts({
      ...settings.platform,
      owner,
      isBounded: settings.isBounded,
      start,
      directoryOf: (name) => this.#directory.connector(name),
      cancellation: this.#cancellation,
      outages: this.#outages,
      warn: (message) => events.warn(message),
    })
  }
}
