/** For programs that run pipelines: jobs, their options, events and figures, and what lies in a data directory. */

export { CheckpointStorage } from './checkpoint/checkpoint-storage.ts'
export type { Manifest, OperatorEntry } from './checkpoint/manifest.ts'
export { FinishedSplits, finishedSplitsSpec } from './task/finished-splits.ts'
export { DataDirectory } from './job/data-directory.ts'
export type { CheckpointOptions, JobOptions } from './job/job-options.ts'
export { startJob } from './job/job.ts'
export type { Job, JobResult, JobStatus } from './job/job.ts'
export { defaultRestartPolicy } from './job/restart-policy.ts'
export type { RestartPolicy } from './job/restart-policy.ts'
export type { EventTimeWait } from './observe/event-time-wait.ts'
export type { JobEvent, JobObserver } from './observe/job-events.ts'
export type { CheckpointFigures, TaskMetrics } from './observe/metrics.ts'
