import type { KafkaPort } from '@millrace/connector-kafka/port'
import type { Platform } from '@millrace/core/disk'
import type { Graph } from '@millrace/core/graph'
import type { Job, JobEvent, JobOptions } from '@millrace/core/job'
import type { StateStore } from '@millrace/core/store'
import type { ReplicaFigures } from '../replica/replica.ts'
import type { RestoreProgress } from '../replica/restore-progress.ts'
import type { LeaseTransaction } from './lease-transaction.ts'

/** What a lease is opened with. Durations are in milliseconds. */
export interface LeaseOptions {
  /** The cluster, as long as the lease is open. The lease does not close it. */
  readonly port: KafkaPort
  readonly platform: Platform
  readonly store: StateStore
  /**
   * Makes the program of the lease, for each time that its job is started. Sinks of the same cluster add their records to
   * `transaction` instead of committing them. `isRunContinued`: the job begins where this run of all leases has ended for this one,
   * and only commits what is pending.
   */
  readonly graphOf: (transaction: LeaseTransaction, isRunContinued: boolean) => Graph
  /**
   * A directory of this lease alone, on this machine:
   *
   *     data/          the data directory of the job, as the changelog has it
   *     image.json     which files are in it, and up to which offset it holds the changelog
   *     owner/         which process uses it
   *     scratch/       additions of sinks that are not committed yet
   */
  readonly directory: string
  /** Names the job in the cluster: its topics, and the ids of transactions. */
  readonly job: string
  /** The number of the lease, from 0: its partition of the changelog. */
  readonly lease: number
  /**
   * Names the run that all leases are in: from their start to the end of their input. A lease whose newest checkpoint is the end of
   * this run has finished, and runs no more. Default: each opening begins a run.
   */
  readonly run?: string
  /** Options of its job. */
  readonly options?: LeaseJobOptions
  /**
   * After so long the broker aborts an open transaction. So it is the longest time that a checkpoint's commit may take. Default
   * 60,000.
   */
  readonly transactionTimeoutMs?: number
  /** Loses the lease when it aborts, as `lost` does. */
  readonly signal?: AbortSignal
  readonly onEvent?: (event: LeaseEvent) => void
}

/** Options of the job of a lease: those that are not given by the lease itself. */
export type LeaseJobOptions = Omit<
  JobOptions,
  'graph' | 'platform' | 'store' | 'directory' | 'owner' | 'ownership' | 'parallelism' | 'threads' | 'workers'
>

/** What a lease does now. */
export type LeaseStatus =
  /** It brings the directory up to date. `progress` is undefined until the cluster has answered. */
  | { readonly phase: 'restoring'; readonly progress: RestoreProgress | undefined }
  | { readonly phase: 'running'; readonly job: Job; readonly epoch: number }
  /** A commit has failed, or the cluster has refused the lease: it is opened again after a pause. */
  | { readonly phase: 'waiting'; readonly error: unknown; readonly reopensInMs: number }
  | { readonly phase: 'ended'; readonly end: LeaseEnd }

/** How a lease ended. */
export type LeaseEnd =
  /** Its bounded input was read to the end, and all is committed. */
  | { readonly outcome: 'finished' }
  /** It was given back after a last checkpoint: the next holder continues there. */
  | { readonly outcome: 'released' }
  /** It was taken away: nothing after its last checkpoint is committed. */
  | { readonly outcome: 'lost'; readonly reason: string }
  /** Its job failed, and is not restarted by itself; nothing after its last checkpoint is committed. */
  | { readonly outcome: 'failed'; readonly error: unknown }

/** What happens to a lease. */
export type LeaseEvent =
  /** The status has changed. */
  | { readonly kind: 'status'; readonly status: LeaseStatus }
  | { readonly kind: 'job'; readonly event: JobEvent }
  | { readonly kind: 'warning'; readonly message: string }

/** A lease of a distributed job that this process holds: its directory, its transactions and its job. */
export interface Lease {
  readonly lease: number
  readonly status: LeaseStatus
  /** The job that runs now; undefined while the lease restores or waits. */
  readonly job: Job | undefined
  /** How much was written to the changelog since the job was started; undefined while none runs. */
  readonly written: ReplicaFigures | undefined
  /** Never rejects. By then everything is closed, and another process may use the directory. */
  readonly ended: Promise<LeaseEnd>
  /** Stops the job with a last checkpoint, and closes. While the lease restores or waits it closes at once. */
  release(): Promise<LeaseEnd>
  /** Ends at once, because another worker may hold the lease. From now on nothing is committed, except what is being committed. */
  lost(reason: string): Promise<LeaseEnd>
}
