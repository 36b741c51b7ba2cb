import type { Clock } from '@millrace/world'
import { startJob, type JobOptions } from '@millrace/core/job'
import type { Diagnosis } from '../contract/happenings.ts'
import type { JobHistory, OperatorDetail } from '../contract/figures.ts'
import type { JobSummary } from '../contract/job.ts'
import { diagnose } from '../doctor/diagnose.ts'
import { subtaskFigures } from './figures.ts'
import { History } from './history.ts'
import { MeasuredJob, type MeasureOptions } from './measured-job.ts'

/** What a watched job needs besides the options of the job. */
export interface WatchOptions extends MeasureOptions {
  readonly job: JobOptions
}

/** How often a job is measured, in milliseconds. */
const sampleEveryMs = 1_000

/**
 * A job with everything that the API shows about it: what it has counted, what has happened, and what is wrong.
 *
 * It measures the job once a second, also while no client asks, so that rates and charts have a past.
 */
export class WatchedJob extends MeasuredJob {
  readonly #clock: Clock
  readonly #history: History
  /** Called after each measurement. */
  readonly #listeners = new Set<() => void>()
  #timer: Disposable

  /** Starts the job. Throws what `startJob` throws. */
  constructor({ job, ...around }: WatchOptions) {
    super(startJob(job), around)
    this.#clock = job.platform.clock
    this.#history = new History(sampleEveryMs, this.graph)
    void this.job.ended.then(() => this.measure())
    this.measure()
    this.#timer = this.#clock.schedule(sampleEveryMs, () => this.#tick())
  }

  /** Calls `listener` after each measurement, until the result is disposed. */
  onMeasured(listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) }
  }

  /** Reads all counters now, and keeps them for the charts. */
  override measure(): void {
    super.measure()
    this.#history.add({ figures: this.figures(), overview: this.overview() })
    for (const listener of this.#listeners) listener()
  }

  summary(): JobSummary {
    const { job, phase, inRate, outRate, restarts, readiness } = this.overview()
    return { job, phase, inRate, outRate, restarts, readiness }
  }

  /** The figures of one operator; undefined if there is none of this name. */
  detail(operator: string): OperatorDetail | undefined {
    const node = this.graph.operators.find(({ id }) => id === operator)
    if (node === undefined) return undefined
    const figures = this.figures()
    return {
      figures: figures.operators.find((each) => each.operator === operator)!,
      task: figures.tasks.find(({ task }) => task === node.task)!,
      subtasks: subtaskFigures(node, this.interval),
      tables: this.interval.now.tables
        .filter(({ owner }) => owner === operator)
        .map(({ owner, name, cells, bytes }) => ({
          operator: owner,
          table: name,
          cells,
          bytes: bytes ?? null,
        })),
    }
  }

  history(): JobHistory {
    return this.#history.read()
  }

  diagnosis(): Diagnosis {
    return { at: this.now, findings: diagnose(this) }
  }

  /** Ends measuring and keeping events; the job is not stopped. */
  override [Symbol.dispose](): void {
    super[Symbol.dispose]()
    this.#timer[Symbol.dispose]()
  }

  #tick(): void {
    this.measure()
    this.#timer = this.#clock.schedule(sampleEveryMs, () => this.#tick())
  }
}
