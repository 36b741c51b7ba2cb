import type { RunningFigures, TaskCounters } from '../observe/metrics.ts'
import { StopPhases, type StopPhase, type StopPhasesParts } from './stop-phases.ts'
import { allOf } from './team.ts'
import type { Worker } from './worker.ts'

/** What the stop of an attempt needs to know about it. */
interface StoppingParts extends Omit<StopPhasesParts, 'waitsFor'> {
  /** The subtasks that have ended, as `task/subtask`. */
  readonly ended: ReadonlySet<string>
  workers(): readonly Worker[]
  counters(): readonly TaskCounters[]
  /** The checkpoint that runs. */
  runningCheckpoint(): RunningFigures | undefined
  /** The number of the newest complete checkpoint, or 0. */
  newestCheckpoint(): number
}

/** The stop of one attempt: how far it has got, and what it waits for. */
export class Stopping {
  readonly phases: StopPhases
  readonly #parts: StoppingParts
  /** The workers whose sources do not know of the stop yet: the thread is busy. */
  readonly #busy = new Set<string>()
  #isDraining = false
  /** Whether not everything was closed in time: something may still write. */
  isOpen = false

  constructor(parts: StoppingParts) {
    this.#parts = parts
    this.phases = new StopPhases({ ...parts, waitsFor: (phase) => this.#waitsFor(phase) })
  }

  /** Stops all sources. With `drain` windows and timers fire before the last checkpoint. */
  begin(drain: boolean): void {
    this.phases.enter('intake')
    this.#isDraining = drain
    void this.#stopReading(drain)
  }

  /** The last checkpoint begins. */
  last(): void {
    if (this.phases.progress === undefined) this.phases.enter('drain')
    this.#isDraining = false
  }

  /** Runs and closes. Rejects with the failure of `run`, or with `STOP_TIMEOUT` if closing takes longer than its budget. */
  async around<T>(run: () => Promise<T>, close: () => Promise<void>): Promise<T> {
    let result: T
    try {
      result = await run()
    } catch (error) {
      this.isOpen = (await this.phases.close(close())) !== undefined
      throw error
    }
    const late = await this.phases.close(close())
    this.isOpen = late !== undefined
    if (late !== undefined) throw late
    return result
  }

  async #stopReading(drain: boolean): Promise<void> {
    const workers = this.#parts.workers()
    for (const { name } of workers) this.#busy.add(name)
    try {
      await allOf(
        workers.map(async (worker) => {
          await worker.stop(drain)
          this.#busy.delete(worker.name)
        }),
      )
    } catch {
      // A worker that has failed ends the attempt by itself.
      return
    }
    this.phases.enter('drain')
  }

  #waitsFor(phase: StopPhase): readonly string[] {
    if (phase === 'intake') return [...this.#busy]
    if (phase === 'commit') {
      const newest = this.#parts.newestCheckpoint()
      return this.#tasks(({ kind, committed }) => kind === 'sink' && committed < newest)
    }
    if (phase !== 'drain') return []
    const reported = this.#isDraining ? undefined : this.#parts.runningCheckpoint()?.reported
    const done = reported === undefined ? this.#parts.ended : new Set(reported)
    return this.#tasks(({ task, subtask }) => !done.has(`${task}/${subtask}`))
  }

  /** The tasks that have such a subtask. */
  #tasks(isLate: (subtask: TaskCounters) => boolean): readonly string[] {
    const late = this.#parts.counters().filter(isLate)
    return [...new Set(late.map(({ task }) => task))]
  }
}
