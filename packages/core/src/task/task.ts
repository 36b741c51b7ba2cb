import type { TaskReport } from '../checkpoint/coordinator.ts'
import type { ConnectorContext } from '../connect/source.ts'
import type { KeyGroupRange } from '../record/key-group.ts'
import type { Platform } from '../disk/platform.ts'
import type { YieldBudget } from '../disk/yield-budget.ts'
import type { TaskMetrics } from '../observe/metrics.ts'
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
  readonly store: OpenStateStore
  /** State that is the same in every subtask. */
  readonly replicas: Replicas
  /** Whether the job is restored from a checkpoint. */
  readonly isRestored: boolean
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
  connectorContext(name: string): ConnectorContext
  readerContext(name: string): ReaderContext
  warn(message: string): void
}
