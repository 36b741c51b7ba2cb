import type { Clock } from '@millrace/world'
import { assert, isMillraceError, MillraceError } from '../errors/errors.ts'
import type { Json } from '../codec/json.ts'
import type { CheckpointFigures, CheckpointPart, RunningFigures } from '../observe/metrics.ts'
import type { Reached } from '../time/reached.ts'
import type { SeenKeys } from '../operator/key-kinds.ts'
import type { Manifest, SplitEntry } from './manifest.ts'

/** One subtask's part of a checkpoint. */
export interface TaskReport {
  readonly task: string
  readonly subtask: number
  /** From the barrier until now, in milliseconds: encoding state, preparing output. */
  readonly encodeMs?: number
  /** For a chain: the kinds of key that its keyed operators have used. */
  readonly keys?: readonly SeenKeys[]
  /** How far its source or its operators had advanced in event time, by name and key groups. */
  readonly reached: ReadonlyMap<string, readonly Reached[]>
  /** For a source: the position of each split at the barrier. */
  readonly splits?: readonly SplitEntry[]
  /** For a source: the number of finished splits. */
  readonly finished?: number
  /** For a sink: everything prepared and not yet committed. */
  readonly prepared?: readonly { readonly checkpoint: number; readonly committable: Json }[]
}

/** What the coordinator calls in the job. */
export interface CoordinatorSurroundings {
  readonly clock: Clock
  /** Number of subtasks that report. */
  readonly participants: number
  /** A checkpoint that takes longer is aborted, in milliseconds. */
  readonly timeoutMs: number
  /** This many aborted checkpoints in a row fail the job. */
  readonly toleratedFailures: number
  /** The parts that wait for a system that is down. Checkpoints that time out meanwhile are not counted. */
  waitsFor(): readonly string[]
  /** Puts the barrier into every source's stream. */
  begin(checkpoint: number): void
  /** Makes state durable and the manifest public. Resolves with the number of bytes of state that were written. */
  publish(checkpoint: number, phase: Manifest['phase'], reports: readonly TaskReport[]): Promise<number>
  completed(figures: CheckpointFigures): void
  /** Removes old checkpoints. */
  retire(): Promise<void>
  /** `ranMs`: for how long it had run, in milliseconds. */
  abandoned(checkpoint: number, reason: string, ranMs: number): void
}

/** How many of the slowest subtasks are named in the figures of a checkpoint. */
const slowestListed = 10

interface Running {
  readonly checkpoint: number
  readonly phase: Manifest['phase']
  readonly startedAt: number
  readonly reports: Map<string, TaskReport>
  readonly parts: CheckpointPart[]
  readonly alarm: Disposable
  readonly resolve: (figures: CheckpointFigures) => void
  readonly reject: (error: unknown) => void
  isPublishing: boolean
}

/**
 * Starts checkpoints, collects the reports of all subtasks, publishes and notifies. One at a time.
 *
 * Invariants between any two calls: a checkpoint's number is greater than that of any earlier one, also
 * across restarts. It is complete exactly when its manifest is published; no notification is sent earlier.
 */
export class Coordinator {
  readonly #around: CoordinatorSurroundings
  #next: number
  #running: Running | undefined
  /** Settles when the newest checkpoint is over, in any way. */
  #over: Promise<void> = Promise.resolve()
  /** The checkpoint after the running one, for all requests in the meantime. */
  #waiting: Promise<CheckpointFigures> | undefined
  #last: Promise<CheckpointFigures> | undefined
  #failures = 0
  #isClosed = false

  /** `newest` is the highest checkpoint number ever used in this data directory. */
  constructor(around: CoordinatorSurroundings, newest: number) {
    this.#around = around
    this.#next = newest + 1
  }

  /**
   * Runs a checkpoint, after the running one if there is one. Once the last one was requested, that is the
   * one. Rejects with `CHECKPOINT_FAILED` if it was aborted; with any other error if the job must fail.
   */
  checkpoint(): Promise<CheckpointFigures> {
    if (this.#last !== undefined && !this.#isClosed) return this.#last
    if (this.#running === undefined) return this.#trigger('running')
    this.#waiting ??= this.#whenOver(() => {
      this.#waiting = undefined
      return this.#last ?? this.#trigger('running')
    })
    return this.#waiting
  }

  /** Runs the last checkpoint, after the running one, which contains less than the last one must. */
  last(phase: Manifest['phase']): Promise<CheckpointFigures> {
    this.#last ??= this.#whenOver(() => this.#trigger(phase))
    return this.#last
  }

  async #whenOver<T>(next: () => Promise<T>): Promise<T> {
    while (this.#running !== undefined) await this.#over
    return next()
  }

  #trigger(phase: Manifest['phase']): Promise<CheckpointFigures> {
    if (this.#isClosed) return Promise.reject(new MillraceError('CHECKPOINT_FAILED', 'the job is ending'))
    assert(this.#running === undefined, 'one checkpoint runs at a time')
    const checkpoint = this.#next++
    const { clock, timeoutMs } = this.#around
    const figures = new Promise<CheckpointFigures>((resolve, reject) => {
      const alarm = clock.schedule(timeoutMs, () => this.#expire(checkpoint))
      this.#running = {
        checkpoint,
        phase,
        startedAt: clock.monotonic(),
        reports: new Map(),
        parts: [],
        alarm,
        resolve,
        reject,
        isPublishing: false,
      }
      this.#around.begin(checkpoint)
    })
    this.#over = figures.then(
      () => {},
      () => {},
    )
    return figures
  }

  /** What runs now; undefined if nothing does. */
  get running(): RunningFigures | undefined {
    const running = this.#running
    if (running === undefined) return undefined
    const { checkpoint, startedAt, reports } = running
    return {
      checkpoint,
      runsMs: this.#around.clock.monotonic() - startedAt,
      participants: this.#around.participants,
      reported: [...reports.keys()],
    }
  }

  /** Handles the report of a subtask. Reports for an aborted checkpoint are ignored. */
  report(checkpoint: number, report: TaskReport): void {
    const running = this.#running
    if (running?.checkpoint !== checkpoint) return
    running.reports.set(`${report.task}/${report.subtask}`, report)
    const { task, subtask, encodeMs = 0 } = report
    const tookMs = this.#around.clock.monotonic() - running.startedAt
    running.parts.push({ task, subtask, alignedMs: Math.max(0, tookMs - encodeMs), encodeMs })
    if (running.reports.size === this.#around.participants) void this.#publish(running)
  }

  /**
   * Aborts the running checkpoint; the job is ending. Resolves when no manifest is being published any more:
   * only then may another attempt read the directory.
   */
  close(): Promise<void> {
    this.#isClosed = true
    const running = this.#running
    if (running !== undefined && !running.isPublishing) this.#abandon(running, 'the job is ending')
    return this.#over
  }

  async #publish(running: Running): Promise<void> {
    const { clock } = this.#around
    running.isPublishing = true
    running.alarm[Symbol.dispose]()
    const encodedAt = clock.monotonic()
    try {
      const bytes = await this.#around.publish(running.checkpoint, running.phase, [
        ...running.reports.values(),
      ])
      const figures = {
        checkpoint: running.checkpoint,
        durationMs: clock.monotonic() - running.startedAt,
        alignAndEncodeMs: encodedAt - running.startedAt,
        completedAt: clock.now(),
        bytes,
        // Reports come in the order of time.
        slowest: running.parts.slice(-slowestListed).toReversed(),
      }
      this.#failures = 0
      this.#around.completed(figures)
      await this.#around.retire()
      this.#running = undefined
      running.resolve(figures)
    } catch (error) {
      this.#running = undefined
      // The state of the disk is unknown now, so the job restarts.
      running.reject(error)
    }
  }

  #expire(checkpoint: number): void {
    const running = this.#running
    if (running?.checkpoint !== checkpoint || running.isPublishing) return
    const { timeoutMs, participants, toleratedFailures } = this.#around
    const missing = participants - running.reports.size
    const behind = `after ${timeoutMs} ms ${missing} of ${participants} subtasks had not reached it`
    const down = this.#around.waitsFor()
    if (down.length > 0) {
      this.#abandon(running, `${behind}, because of an outage: ${down.join(', ')}`)
      return
    }
    const reason = `${behind}; a sink may be stalled or slower than its input`
    this.#failures++
    if (this.#failures > toleratedFailures) {
      this.#running = undefined
      running.reject(
        new MillraceError(
          'JOB_FAILED',
          `${this.#failures} checkpoints in a row were aborted; the last one: ${reason}`,
        ),
      )
      return
    }
    this.#abandon(running, reason)
  }

  #abandon(running: Running, reason: string): void {
    this.#running = undefined
    running.alarm[Symbol.dispose]()
    const ranMs = this.#around.clock.monotonic() - running.startedAt
    this.#around.abandoned(running.checkpoint, reason, ranMs)
    running.reject(
      new MillraceError('CHECKPOINT_FAILED', `checkpoint ${running.checkpoint} was aborted: ${reason}`),
    )
  }
}

/** Whether a checkpoint was only aborted, so that the next may succeed. */
export function isGivenUp(error: unknown): boolean {
  return isMillraceError(error, 'CHECKPOINT_FAILED')
}
