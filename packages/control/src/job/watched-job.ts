import type { Clock } from '@millrace/world'
import type { Job } from '@millrace/core/job'
import type { Diagnosis } from '../contract/happenings.ts'
import type { JobHistory, OperatorDetail } from '../contract/figures.ts'
import type { JobSummary } from '../contract/job.ts'
import { diagnose } from '../doctor/diagnose.ts'
import { subtaskFigures, tablesOf } from './figures.ts'
import { History } from './history.ts'
import { MeasuredJob, type MeasureOptions } from './measured-job.ts'

/** How a job is watched. */
export interface WatchOptions extends MeasureOptions {
  /** Just started, so that no event has been missed. */
  readonly job: Job
  /** It is one of several that do the work of a job together, so it is not stopped, drained or saved by itself. Default false. */
  readonly isPart?: boolean | undefined
  /** Called when it is not watched any more. */
  readonly over?: () => void
}

/** How often a job is measured, in milliseconds. */
const sampleEveryMs = 1_000

/**
 * A job with everything that the API shows about it: what it has counted, what has happened, and what is wrong.
 *
 * It measures the job once a second, also while no client asks, so that rates and charts have a past.
 */
export class WatchedJob extends MeasuredJob {
  readonly isPart: boolean
  readonly #clock: Clock
  readonly #history: History
  readonly #over: () => void
  /** Called after each measurement. */
  readonly #listeners = new Set<() => void>()
  /** Called when it is not watched any more. */
  readonly #farewells = new Set<() => void>()
  #timer: Disposable

  constructor({ job, isPart = false, over = () => {}, ...around }: WatchOptions) {
    super(job, around)
    this.isPart = isPart
    this.#over = over
    this.#clock = job.options.platform.clock
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

  /** Calls `listener` when it is not watched any more, until the result is disposed. */
  onGone(listener: () => void): Disposable {
    this.#farewells.add(listener)
    return { [Symbol.dispose]: () => void this.#farewells.delete(listener) }
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
      tables: tablesOf(operator, this.interval.now),
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
    this.#over()
    for (const listener of this.#farewells) listener()
  }

  #tick(): void {
    this.measure()
    this.#timer = this.#clock.schedule(sampleEveryMs, () => this.#tick())
  }
}
