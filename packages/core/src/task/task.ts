import type { TaskReport } from '../checkpoint/coordinator.ts'
import type { ConnectorContext } from '../connect/source.ts'
import type { KeyGroupRange } from '../record/key-group.ts'
import type { Platform } from '../disk/platform.ts'
import type { YieldBudget } from '../disk/yield-budget.ts'
import type { TaskMetrics } from '../observe/metrics.ts'
import type { OperatorHistory } from '../operator/chain-assembly.ts'
import type { OpenStateStore } from '../state/state-store.ts'
import type { Reached } from '../time/reached.ts'
import type { Cancellation } from './cancellation.ts'
import type { ReaderContext } from './split-feed.ts'

/**
 * One subtask at work. `open` comes when state is loaded and may take long; `start` when every task is open; then `run`
 * until the job's signal is aborted, and `close` on every path. What `run` rejects with fails the job.
 */
export interface Task {
  readonly metrics: TaskMetrics
  open(): Promise<void>
  start(): void
  run(): Promise<void>
  /** A checkpoint is durable. */
  checkpointCompleted(checkpoint: number): void
  /** A checkpoint was abandoned. */
  checkpointAbandoned(checkpoint: number): void
  close(): Promise<void>
}

/** What every task is given. */
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
  /** Whether the job is restored from a checkpoint. */
  readonly isRestored: boolean
  /** What the restored checkpoint says about an operator besides its state, for some key groups. */
  history(operator: string, groups: KeyGroupRange): OperatorHistory | undefined
  /** Whether the checkpoint is the end of a run. */
  readonly isAfterEnd: boolean
  /** What a source or an operator had reached in `groups` in the checkpoint that is restored. */
  readonly reached: (operator: string, groups: KeyGroupRange) => readonly Reached[]
  /** A task has done its part of a checkpoint. */
  report(checkpoint: number, report: TaskReport): void
  /** A task has passed on the end of its input. */
  ended(task: string, subtask: number): void
  connectorContext(name: string): ConnectorContext
  readerContext(name: string): ReaderContext
  warn(message: string): void
}
