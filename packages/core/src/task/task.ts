import type { TaskReport } from '../checkpoint/coordinator.ts'
import type { ConnectorContext } from '../connect/source.ts'
import type { KeyGroupRange } from '../record/key-group.ts'
import type { Platform } from '../disk/platform.ts'
import type { PartFrame } from '../disk/profiler.ts'
import type { PartOutput, Tap } from '../operator/tap.ts'
import type { RecordTracer } from '../record/tracer.ts'
import type { YieldBudget } from '../disk/yield-budget.ts'
import type { TaskMetrics } from '../observe/metrics.ts'
import type { LoopTimes } from '../observe/work-times.ts'
import type { OutageReports } from '../observe/outage-reports.ts'
import type { OperatorHistory } from '../operator/chain-assembly.ts'
import type { Replicas } from '../state/replicas.ts'
import type { OpenStateStore } from '../state/state-store.ts'
import type { Reached } from '../time/reached.ts'
import type { Cancellation } from './cancellation.ts'
import type { ReaderContext } from './split-feed.ts'

/**
 * A running subtask. `open` is called when state is loaded and may take long, `start` when every task is open, then
 * `run` until the job's signal is aborted, and `close` on every path. An error of `run` fails the job.
 */
export interface Task {
  readonly metrics: TaskMetrics
  open(): Promise<void>
  start(): void
  run(): Promise<void>
  /** Called when a checkpoint is durable. */
  checkpointCompleted(checkpoint: number): void
  /** Called when a checkpoint was abandoned. */
  checkpointAbandoned(checkpoint: number): void
  /** Gives each part that runs in it frames of its own in profiles, or takes them away. */
  frameParts?(isFramed: boolean): readonly PartFrame[]
  /** Lets `tap` see what leaves an output of a part that runs in it; undefined: nothing does any more. */
  tap?(output: PartOutput, tap: Tap | undefined): void
  close(): Promise<void>
}

/** The dependencies of every task. */
export interface TaskSurroundings {
  readonly pipeline: string
  readonly parallelism: number
  readonly keyGroups: number
  readonly batchRecords: number
  readonly maxOpenReaders: number
  readonly isBounded: boolean
  readonly platform: Platform
  /** Ends every task of this attempt. */
  readonly cancellation: Cancellation
  readonly budget: YieldBudget
  /** Makes spans of records. Undefined: nothing is traced. */
  readonly tracer: RecordTracer | undefined
  /** Which task of this thread runs. */
  readonly loop: LoopTimes
  readonly store: OpenStateStore
  /** State that is the same in every subtask. */
  readonly replicas: Replicas
  readonly outages: OutageReports
  /** Whether the job has run in this process before, so that its addresses are known to be right. */
  readonly isRestart: boolean
  /** Whether the job is restored from a checkpoint. */
  readonly isRestored: boolean
  /** Whether an operator has no state in the restored checkpoint: there is none, or it is new there, or was dropped. */
  startsEmpty(operator: string): boolean
  /** What the restored checkpoint says about an operator besides its state, for some key groups. */
  history(operator: string, groups: KeyGroupRange): OperatorHistory | undefined
  /** Whether the checkpoint is the end of a run. */
  readonly isAfterEnd: boolean
  /** The watermark of a source or an operator for `groups` in the restored checkpoint. */
  readonly reached: (operator: string, groups: KeyGroupRange) => readonly Reached[]
  /** Called when a task has done its part of a checkpoint. */
  report(checkpoint: number, report: TaskReport): void
  /** Called when a task has passed on the end of its input. */
  ended(task: string, subtask: number): void
  /** `subtask` is that of a sink, whose outages have a breaker; undefined for a source. */
  connectorContext(name: string, subtask?: number): ConnectorContext
  readerContext(name: string): ReaderContext
  warn(message: string): void
}
