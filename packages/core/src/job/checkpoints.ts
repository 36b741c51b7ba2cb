import { sleep } from '@millrace/world'
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { Coordinator, isGivenUp, type TaskReport } from '../checkpoint/coordinator.ts'
import { manifestFormat, type Manifest, type OperatorEntry } from '../checkpoint/manifest.ts'
import { withKeys } from '../checkpoint/parts.ts'
import { manifestParts } from '../checkpoint/restored-job.ts'
import type { Owner } from '../disk/owner.ts'
import { assert, describeError } from '../errors/errors.ts'
import type { CheckpointFigures } from '../observe/metrics.ts'
import type { OpenStateStore } from '../state/state-store.ts'
import type { Tasks } from '../task/task-factory.ts'
import type { JobSettings } from './job-options.ts'

/** The dependencies of an attempt's checkpoints. */
export interface CheckpointsOptions {
  readonly settings: JobSettings
  readonly owner: Owner
  readonly storage: CheckpointStorage
  readonly store: OpenStateStore
  readonly tasks: Tasks
  /** The program's parts, with what the restored checkpoint knows about them. */
  readonly operators: readonly OperatorEntry[]
  /** The restored checkpoint and the readable ones before it, newest first. */
  readonly retained: readonly Manifest[]
  /** The highest checkpoint number ever used in this data directory, or 0. */
  readonly newest: number
  readonly warn: (message: string) => void
}

/**
 * The checkpoints of one attempt. Each takes these steps, in the order of the methods below:
 *
 *  1. `#begin`: the barrier enters the stream of every source. It moves on behind the records, and gates
 *     align it.
 *     3. `report`: the barrier has passed a subtask. Its state was frozen at that moment and is encoded by
 *     now, its positions were read, its output is prepared.
 *     positions were read, its output is prepared.
 *  4. `#publish`: all subtasks have reported. State is synced, then the manifest is published: now the checkpoint exists.
 *  5. `#complete`: the tasks learn of it, and the sinks commit.
 *  6. `#retire`: older manifests are removed, then the state that only they named. Sources are acknowledged.
 *
 * A checkpoint that takes too long ends with `#abandon` instead of step 4, and the next one contains its
 * data.
 */
export class Checkpoints {
  readonly #options: CheckpointsOptions
  readonly #coordinator: Coordinator
  #retained: readonly Manifest[]
  #isEnding = false

  constructor(options: CheckpointsOptions) {
    const { settings, tasks, newest } = options
    const { timeoutMs, toleratedFailures } = settings.checkpoints
    this.#options = options
    this.#retained = options.retained
    this.#coordinator = new Coordinator(
      {
        clock: settings.platform.clock,
        participants: tasks.all.length,
        timeoutMs,
        toleratedFailures,
        begin: (checkpoint) => this.#begin(checkpoint),
        publish: (checkpoint, phase, reports) => this.#publish(checkpoint, phase, reports),
        completed: (figures) => this.#complete(figures),
        retire: () => this.#retire(),
        abandoned: (checkpoint, reason) => this.#abandon(checkpoint, reason),
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

  /** Makes the last checkpoint. Resolves once all its output is committed, and recorded as committed. */
  async last(phase: Manifest['phase']): Promise<void> {
    this.#isEnding = true
    const { checkpoint } = await this.#coordinator.last(phase)
    await Promise.all(this.#options.tasks.sinks.map((sink) => sink.committed(checkpoint)))
    await this.#noteCommitted()
  }

  #begin(checkpoint: number): void {
    for (const source of this.#options.tasks.sources) source.requestBarrier(checkpoint)
  }

  /** Handles the report of a subtask. */
  report(checkpoint: number, report: TaskReport): void {
    this.#coordinator.report(checkpoint, report)
  }

  async #publish(
    checkpoint: number,
    phase: Manifest['phase'],
    reports: readonly TaskReport[],
  ): Promise<void> {
    const { settings, owner, operators } = this.#options
    const { graph, keyGroups, parallelism, platform, store, dropState } = settings
    const snapshot = await this.#options.store.persist()
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
      store: { kind: store.kind, snapshot },
    }
    try {
      await this.#options.storage.publish(manifest, owner)
    } catch (error) {
      // If the directory was taken over, the next owner has removed the file: report that instead.
      await owner.confirm()
      throw error
    }
    this.#retained = [manifest, ...this.#retained]
  }

  #complete(figures: CheckpointFigures): void {
    const { tasks, settings } = this.#options
    for (const task of tasks.all) task.checkpointCompleted(figures.checkpoint)
    settings.observer({ kind: 'checkpointCompleted', figures })
  }

  /** Keeps the newest manifests; files that only older ones name are deleted after those manifests. */
  async #retire(): Promise<void> {
    const { settings, storage, store, tasks } = this.#options
    const { retain } = settings.checkpoints
    const retired = this.#retained.slice(retain)
    this.#retained = this.#retained.slice(0, retain)
    const [newest] = this.#retained
    const oldest = this.#retained.at(-1)
    assert(newest !== undefined && oldest !== undefined, 'the checkpoint that was published is retained')
    await storage.retire(
      retired.map((manifest) => manifest.checkpoint),
      newest.checkpoint,
    )
    await store.release(this.#retained.map((manifest) => manifest.store.snapshot))
    for (const source of tasks.sources) source.acknowledgeUpTo(oldest.checkpoint)
  }

  #abandon(checkpoint: number, reason: string): void {
    const { tasks, settings } = this.#options
    for (const task of tasks.all) task.checkpointAbandoned(checkpoint)
    settings.observer({ kind: 'checkpointAbandoned', checkpoint, reason })
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
