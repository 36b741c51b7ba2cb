import { sleep } from '@millrace/world'
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import type { Cancellation } from '../task/cancellation.ts'
import { Coordinator, isGivenUp, type TaskReport } from '../checkpoint/coordinator.ts'
import { manifestFormat, type Manifest, type OperatorEntry } from '../checkpoint/manifest.ts'
import { withKeys } from '../checkpoint/parts.ts'
import { manifestParts } from '../checkpoint/restored-job.ts'
import type { Owner } from '../disk/owner.ts'
import { assert, describeError, MillraceError } from '../errors/errors.ts'
import type { CheckpointFigures, RunningFigures } from '../observe/metrics.ts'
import type { Outages } from '../observe/outages.ts'
import type { StateQuery, StateRow } from '../state/state-reading.ts'
import { DataDirectory } from './data-directory.ts'
import type { JobSettings } from './job-options.ts'
import type { Layout } from './layout.ts'
import { writeSavepoint } from './savepoint.ts'
import { allOf } from './team.ts'
import type { Worker } from './worker.ts'

/** The dependencies of an attempt's checkpoints. */
export interface CheckpointsOptions {
  readonly settings: JobSettings
  readonly owner: Owner
  readonly storage: CheckpointStorage
  readonly workers: readonly Worker[]
  /** Number of subtasks of all workers. */
  readonly subtasks: number
  readonly layout: Layout
  /** The program's parts, with what the restored checkpoint knows about them. */
  readonly operators: readonly OperatorEntry[]
  /** The restored checkpoint and the readable ones before it, newest first. */
  readonly retained: readonly Manifest[]
  /** The highest checkpoint number ever used in this data directory, or 0. */
  readonly newest: number
  /** Checkpoints that time out while a part waits for its system are not failures. */
  readonly outages: Pick<Outages, 'list'>
  readonly warn: (message: string) => void
  /** Called when all have reported for the last checkpoint, and when it is durable. */
  readonly entered: (phase: 'checkpoint' | 'commit') => void
}

/**
 * The checkpoints of one attempt. Each takes these steps, in the order of the methods below:
 *
 *  1. `#begin`: the barrier enters the stream of every source. It follows the records, and gates align it.
 *  2. `report`: the barrier has passed a subtask. Its state was frozen at that moment and is encoded by now, its
 *     positions were read, its output is prepared.
 *  3. `#publish`: all subtasks have reported. State is synced, then the manifest is published: now the checkpoint exists.
 *  4. `#complete`: the tasks learn of it, and the sinks commit.
 *  5. `#retire`: older manifests are removed, then the state that only they named. Sources are acknowledged.
 *
 * A checkpoint that takes too long ends with `#abandon` instead of step 3, and the next one contains its
 * data.
 */
export class Checkpoints {
  readonly #options: CheckpointsOptions
  readonly #coordinator: Coordinator
  #retained: readonly Manifest[]
  #isEnding = false
  /** Checkpoints that are being copied: they are retained until that is done. */
  readonly #pinned: Manifest[] = []
  /** Bytes that the store had written for earlier checkpoints. */
  #writtenBytes = 0

  constructor(options: CheckpointsOptions) {
    const { settings, subtasks, newest } = options
    const { timeoutMs, toleratedFailures } = settings.checkpoints
    this.#options = options
    this.#retained = options.retained
    this.#coordinator = new Coordinator(
      {
        clock: settings.platform.clock,
        participants: subtasks,
        timeoutMs,
        toleratedFailures,
        waitsFor: () => options.outages.list.map(({ part, reason }) => `'${part}' (${reason})`),
        begin: (checkpoint) => this.#begin(checkpoint),
        publish: (checkpoint, phase, reports) => this.#publish(checkpoint, phase, reports),
        completed: (figures) => this.#complete(figures),
        retire: () => this.#retire(),
        abandoned: (checkpoint, reason, ranMs) => this.#abandon(checkpoint, reason, ranMs),
      },
      newest,
    )
  }

  /**
   * Makes checkpoints at an interval, until the last. Rejects once `signal` aborts, or with an error that
   * must fail the job.
   */
  async repeat(signal: AbortSignal): Promise<void> {
    const { platform, checkpoints } = this.#options.settings
    const { clock } = platform
    const { everyMs, minPauseMs } = checkpoints
    let pauseMs = everyMs
    for (;;) {
      await sleep(clock, pauseMs, signal)
      if (this.#isEnding) return
      const startedAt = clock.monotonic()
      await this.now().catch((error: unknown) => {
        if (!isGivenUp(error)) throw error
      })
      pauseMs = Math.max(startedAt + everyMs - clock.monotonic(), minPauseMs, 0)
    }
  }

  /** Makes a checkpoint now, or after the running one. */
  now(): Promise<CheckpointFigures> {
    return this.#coordinator.checkpoint()
  }

  /** The checkpoint that runs; undefined if none does. */
  get running(): RunningFigures | undefined {
    return this.#coordinator.running
  }

  /**
   * Makes a checkpoint, and writes it and all that it needs to `directory`. Rejects with `OPTION_INVALID` if that is not
   * empty; the job is not affected by errors.
   */
  async savepoint(directory: string): Promise<CheckpointFigures> {
    const figures = await this.now()
    await this.#write(figures.checkpoint, directory)
    return figures
  }

  async #write(checkpoint: number, directory: string): Promise<void> {
    const { settings, owner, workers } = this.#options
    const manifest = this.#retained.find((kept) => kept.checkpoint === checkpoint)
    assert(manifest !== undefined, 'a checkpoint that was just completed is retained')
    await this.#keeping(manifest, async () => {
      await allOf(workers.map((worker) => worker.committed(checkpoint)))
      await writeSavepoint(settings, owner, manifest, directory)
    })
  }

  /** The newest checkpoint; undefined before the first. */
  get newest(): Manifest | undefined {
    return this.#retained[0]
  }

  /** Reads state of an operator from the newest checkpoint. */
  async read(
    query: StateQuery,
  ): Promise<{ readonly checkpoint: number; readonly rows: readonly StateRow[] }> {
    const { newest } = this
    if (newest === undefined) throw new MillraceError('CHECKPOINT_FAILED', 'there is no checkpoint yet')
    const { checkpoint, store } = newest
    return this.#keeping(newest, async () => {
      for (const worker of this.#options.workers) {
        const rows = await worker.readParts(query, store.parts)
        if (rows !== undefined) return { checkpoint, rows }
      }
      return { checkpoint, rows: [] }
    })
  }

  /** Keeps the files of a checkpoint until `use` has ended. */
  async #keeping<T>(manifest: Manifest, use: () => Promise<T>): Promise<T> {
    this.#pinned.push(manifest)
    try {
      return await use()
    } finally {
      this.#pinned.splice(this.#pinned.indexOf(manifest), 1)
    }
  }

  /**
   * Makes the last checkpoint, and a savepoint of it if a directory is given. Resolves once all its output is committed,
   * recorded as committed, and sources have acknowledged it.
   */
  async last(phase: Manifest['phase'], savepoint?: string): Promise<void> {
    this.#isEnding = true
    const { checkpoint } = await this.#coordinator.last(phase)
    this.#options.entered('commit')
    await allOf(this.#options.workers.map((worker) => worker.committed(checkpoint)))
    await this.#noteCommitted()
    if (savepoint !== undefined) await this.#write(checkpoint, savepoint)
    await allOf(this.#options.workers.map((worker) => worker.acknowledgeLast(checkpoint)))
  }

  /** Resolves once all sinks have committed a checkpoint. Rejects with `CHECKPOINT_FAILED` if `attempt` ends before. */
  async committed(checkpoint: number, attempt: Cancellation): Promise<void> {
    const waiting = attempt.child()
    const message = `the job ended before it had committed checkpoint ${checkpoint}`
    try {
      await new Promise<void>((resolve, reject) => {
        waiting.onCancel(() => reject(new MillraceError('CHECKPOINT_FAILED', message)))
        allOf(this.#options.workers.map((worker) => worker.committed(checkpoint))).then(
          () => resolve(),
          (cause: unknown) => reject(new MillraceError('CHECKPOINT_FAILED', message, { cause })),
        )
      })
    } finally {
      waiting.release()
    }
  }

  #begin(checkpoint: number): void {
    for (const worker of this.#options.workers) worker.requestBarrier(checkpoint)
  }

  /** Handles the report of a subtask. */
  report(checkpoint: number, report: TaskReport): void {
    this.#coordinator.report(checkpoint, report)
  }

  async #publish(
    checkpoint: number,
    phase: Manifest['phase'],
    reports: readonly TaskReport[],
  ): Promise<number> {
    const { settings, owner, operators, workers, layout } = this.#options
    const { graph, keyGroups, parallelism, platform, store, dropState } = settings
    if (phase !== 'running') this.#options.entered('checkpoint')
    const persisted = await allOf(workers.map((worker) => worker.persist()))
    const snapshots = persisted.map(({ snapshot }) => snapshot)
    const writtenBytes = persisted.reduce((sum, each) => sum + each.writtenBytes, 0)
    const manifest: Manifest = {
      format: manifestFormat,
      pipeline: graph.name,
      checkpoint,
      createdAt: platform.clock.now(),
      phase,
      keyGroups,
      parallelism,
      operators: withKeys(operators, reports),
      ...manifestParts(reports, graph),
      dropState,
      store: { kind: store.kind, layout: layout.text, parts: layout.parts(snapshots) },
    }
    try {
      await this.#options.storage.publish(manifest, owner)
    } catch (error) {
      // If the directory was taken over, the next owner has removed the file: report that instead.
      await owner.confirm()
      throw error
    }
    this.#retained = [manifest, ...this.#retained]
    const bytes = writtenBytes - this.#writtenBytes
    this.#writtenBytes = writtenBytes
    return bytes
  }

  #complete(figures: CheckpointFigures): void {
    const { workers, settings } = this.#options
    for (const worker of workers) worker.checkpointCompleted(figures.checkpoint)
    settings.observer({ kind: 'checkpointCompleted', figures })
  }

  /** Keeps the newest manifests; files that only older ones name are deleted after those manifests. */
  async #retire(): Promise<void> {
    const { settings, storage, workers, layout } = this.#options
    const { retain } = settings.checkpoints
    const isKept = (manifest: Manifest, at: number): boolean => at < retain || this.#pinned.includes(manifest)
    const retired = this.#retained.filter((manifest, at) => !isKept(manifest, at))
    this.#retained = this.#retained.filter(isKept)
    const [newest] = this.#retained
    const oldest = this.#retained.at(-1)
    assert(newest !== undefined && oldest !== undefined, 'the checkpoint that was published is retained')
    await storage.retire(
      retired.map((manifest) => manifest.checkpoint),
      newest.checkpoint,
    )
    await allOf(workers.map((worker, index) => worker.release(layout.retainedOf(index, this.#retained))))
    await layout.tidy(settings.platform.fs, new DataDirectory(settings.directory), this.#retained)
    for (const worker of workers) worker.acknowledgeUpTo(oldest.checkpoint)
  }

  #abandon(checkpoint: number, reason: string, ranMs: number): void {
    const { workers, settings } = this.#options
    for (const worker of workers) worker.checkpointAbandoned(checkpoint)
    settings.observer({ kind: 'checkpointAbandoned', checkpoint, reason, ranMs })
  }

  /** The next start must know that nothing is pending: a later program may have another sink. */
  async #noteCommitted(): Promise<void> {
    const { storage, owner, warn } = this.#options
    const [manifest] = this.#retained
    try {
      if (manifest !== undefined) await storage.noteCommitted(manifest, owner)
    } catch (error) {
      // The output is visible. The next start commits it once more, which changes nothing.
      warn(`checkpoint ${manifest!.checkpoint} could not be marked as committed: ${describeError(error)}`)
    }
  }

  /** Aborts the running checkpoint. Resolves when no manifest is being published any more. */
  close(): Promise<void> {
    return this.#coordinator.close()
  }
}
