import type { Clock } from '@millrace/world'
import type { Job, JobOptions, JobStatus } from '@millrace/core/job'
import type { TableUsage } from '@millrace/core/store'
import type { JobFigures } from '../contract/figures.ts'
import type { JobGraph } from '../contract/graph.ts'
import type {
  CheckpointList,
  CheckpointState,
  JobOverview,
  LogLevel,
  Readiness,
  RuntimeFigures,
} from '../contract/job.ts'
import { figuresOf, type Breakers, type Interval } from './figures.ts'
import { graphView } from './graph-view.ts'
import { Happenings } from './happenings.ts'
import { holderOf } from './holders.ts'
import type { JobView } from './job-view.ts'
import { checkpointList, overviewOf, readinessOf } from './overview.ts'
import { Sample, Samples } from './sampling.ts'

/** What measuring a job needs besides the job. */
export interface MeasureOptions {
  /** What the job is called. Default: the name of the pipeline. */
  readonly name?: string | undefined
  /** Reads the figures of the process. */
  readonly runtime: () => RuntimeFigures
  /** Sets which lines are logged. Default: nothing. */
  readonly setLogLevel?: (level: LogLevel) => void
}

/** The states of breakers, by operator. */
function breakersOf(outages: JobStatus['outages']): Breakers {
  const word = { closed: 'closed', open: 'open', 'half-open': 'trying' } as const
  return new Map(outages.map(({ part, breaker }) => [part, breaker === undefined ? null : word[breaker]]))
}

/** How many operators are listed with the state that they have in a checkpoint. */
const largestListed = 10

/** The operators with most state, the largest first. */
function largestOf(tables: readonly TableUsage[]): readonly CheckpointState[] {
  const sizes = new Map<string, number>()
  for (const { owner, bytes = 0 } of tables) sizes.set(owner, (sizes.get(owner) ?? 0) + bytes)
  return Array.from(sizes, ([operator, bytes]) => ({ operator, bytes }))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, largestListed)
}

/**
 * A running job whose counters are read when `measure` is called, and whose events are kept. Between two calls it costs
 * nothing.
 */
export class MeasuredJob implements JobView {
  readonly job: Job
  readonly options: JobOptions
  readonly graph: JobGraph
  readonly happenings: Happenings
  readonly startedAt: number
  runtime: RuntimeFigures
  #logLevel: LogLevel = 'info'
  readonly #around: MeasureOptions
  readonly #clock: Clock
  readonly #samples = new Samples()
  readonly #observing: Disposable
  #figures: JobFigures | undefined

  /** `job` was just started, so that no event has been missed. */
  constructor(job: Job, around: MeasureOptions) {
    const { options } = job
    this.#around = around
    this.#clock = options.platform.clock
    this.job = job
    this.options = options
    const view = graphView(options.graph, options.parallelism ?? 1)
    this.graph = { ...view, job: around.name ?? view.job }
    this.happenings = new Happenings(this.#clock)
    this.startedAt = this.#clock.now()
    this.runtime = around.runtime()
    this.#observing = job.observe((event) => this.happenings.take(event, () => largestOf(job.tables())))
    void job.ended.then((result) => {
      if (result.outcome === 'failed') this.happenings.fail(result.error, undefined)
    })
  }

  get name(): string {
    return this.graph.job
  }

  get logLevel(): LogLevel {
    return this.#logLevel
  }

  set logLevel(level: LogLevel) {
    this.#logLevel = level
    this.#around.setLogLevel?.(level)
  }

  get now(): number {
    return this.#clock.now()
  }

  /** Reads all counters now. */
  measure(): void {
    this.#samples.add(new Sample(this.job, { monotonic: this.#clock.monotonic(), at: this.now }))
    this.runtime = this.#around.runtime()
    const { eventTimeWaits, outages } = this.job.status()
    const holders = eventTimeWaits.map((wait) => holderOf(wait, this.now))
    this.#figures = { ...figuresOf(this.graph, this.interval, breakersOf(outages)), holders }
  }

  overview(): JobOverview {
    return overviewOf(this, this.figures())
  }

  readiness(): Readiness {
    return readinessOf(this)
  }

  /** The figures of the newest measurement. */
  figures(): JobFigures {
    return this.#figures!
  }

  checkpoints(): CheckpointList {
    return checkpointList(this)
  }

  /** The newest measurement and an earlier one. */
  get interval(): Interval {
    return { now: this.#samples.latest!, before: this.#samples.earlier! }
  }

  /** Ends keeping events; the job is not stopped. */
  [Symbol.dispose](): void {
    this.#observing[Symbol.dispose]()
  }
}
