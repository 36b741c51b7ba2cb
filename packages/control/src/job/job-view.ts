import type { Job, JobOptions } from '@millrace/core/job'
import type { JobFigures } from '../contract/figures.ts'
import type { JobGraph } from '../contract/graph.ts'
import type { CheckpointList, LogLevel, Readiness, RuntimeFigures } from '../contract/job.ts'
import type { Interval } from './figures.ts'
import type { Happenings } from './happenings.ts'

/** A watched job, for those who show something of it or judge it. */
export interface JobView {
  readonly job: Job
  readonly options: JobOptions
  readonly graph: JobGraph
  readonly happenings: Happenings
  readonly startedAt: number
  /** The figures of the process, as of the newest measurement. */
  readonly runtime: RuntimeFigures
  readonly logLevel: LogLevel
  /** The clock, in milliseconds since the epoch. */
  readonly now: number
  /** The newest measurement and an earlier one. */
  readonly interval: Interval
  figures(): JobFigures
  readiness(): Readiness
  checkpoints(): CheckpointList
}
