import type { JobOverview } from '../contract/job.ts'
import type { OperatorFigures, TaskFigures } from '../contract/figures.ts'
import type { Sample } from '../job/sampling.ts'

/** A metric of Prometheus: its name never changes its meaning. */
export interface Metric<From> {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  /** The value; null or undefined where there is none. */
  readonly read: (from: From) => number | null | undefined
}

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000)

/** Metrics of a job, with the label `job`. */
export const jobMetrics: readonly Metric<
  JobOverview & { readonly now: number; readonly completed: number; readonly aborted: number }
>[] = [
  {
    name: 'millrace_job_ready',
    type: 'gauge',
    help: '1 if the job is restored and reads, otherwise 0',
    read: ({ readiness }) => Number(readiness.isReady),
  },
  {
    name: 'millrace_job_running',
    type: 'gauge',
    help: '1 while the job runs, 0 while it starts, restarts, stops or has ended',
    read: ({ phase }) => Number(phase === 'running'),
  },
  {
    name: 'millrace_job_failed',
    type: 'gauge',
    help: '1 if the job has ended with an error',
    read: ({ outcome }) => Number(outcome === 'failed'),
  },
  {
    name: 'millrace_job_restarts_total',
    type: 'counter',
    help: 'Restarts after failures',
    read: ({ restarts }) => restarts,
  },
  {
    name: 'millrace_job_start_time_seconds',
    type: 'gauge',
    help: 'When the job was started, in seconds since the epoch',
    read: ({ startedAt }) => startedAt / 1_000,
  },
  {
    name: 'millrace_job_watermark_lag_seconds',
    type: 'gauge',
    help: 'How far the lowest watermark is behind the clock',
    read: ({ totals }) => seconds(totals.watermarkLagMs),
  },
  {
    name: 'millrace_state_cells',
    type: 'gauge',
    help: 'Values in the state of all operators, timers included',
    read: ({ totals }) => totals.stateCells,
  },
  {
    name: 'millrace_state_live_bytes',
    type: 'gauge',
    help: 'Size of a full snapshot of the state',
    read: ({ totals }) => totals.stateBytes,
  },
  {
    name: 'millrace_state_disk_bytes',
    type: 'gauge',
    help: 'Size of the files of the state',
    read: ({ totals }) => totals.diskBytes,
  },
  {
    name: 'millrace_checkpoints_completed_total',
    type: 'counter',
    help: 'Completed checkpoints',
    read: ({ completed }) => completed,
  },
  {
    name: 'millrace_checkpoints_aborted_total',
    type: 'counter',
    help: 'Aborted checkpoints',
    read: ({ aborted }) => aborted,
  },
  {
    name: 'millrace_checkpoint_interval_seconds',
    type: 'gauge',
    help: 'The interval between two checkpoints that the job asks for',
    read: ({ checkpointEveryMs }) => checkpointEveryMs / 1_000,
  },
  {
    name: 'millrace_checkpoint_last',
    type: 'gauge',
    help: 'Number of the last completed checkpoint',
    read: ({ lastCheckpoint }) => lastCheckpoint?.checkpoint,
  },
  {
    name: 'millrace_checkpoint_last_duration_seconds',
    type: 'gauge',
    help: 'Duration of the last completed checkpoint',
    read: ({ lastCheckpoint }) => seconds(lastCheckpoint?.durationMs ?? null),
  },
  {
    name: 'millrace_checkpoint_last_alignment_seconds',
    type: 'gauge',
    help: 'Part of that until the slowest subtask was done',
    read: ({ lastCheckpoint }) => seconds(lastCheckpoint?.alignAndEncodeMs ?? null),
  },
  {
    name: 'millrace_checkpoint_last_bytes',
    type: 'gauge',
    help: 'Bytes of state written for the last completed checkpoint',
    read: ({ lastCheckpoint }) => lastCheckpoint?.bytes,
  },
  {
    name: 'millrace_checkpoint_age_seconds',
    type: 'gauge',
    help: 'Time since the last completed checkpoint',
    read: ({ lastCheckpoint, startedAt, now }) => (now - (lastCheckpoint?.at ?? startedAt)) / 1_000,
  },
  {
    name: 'millrace_event_loop_delay_seconds',
    type: 'gauge',
    help: 'How late the event loop was in the last second, mean',
    read: ({ runtime }) => runtime.eventLoopDelayMs / 1_000,
  },
  {
    name: 'millrace_event_loop_delay_max_seconds',
    type: 'gauge',
    help: 'How late the event loop was in the last second, longest',
    read: ({ runtime }) => runtime.eventLoopDelayMaxMs / 1_000,
  },
  {
    name: 'millrace_event_loop_utilization',
    type: 'gauge',
    help: 'Share of the last second in which the event loop was busy',
    read: ({ runtime }) => runtime.eventLoopUtilization,
  },
  {
    name: 'millrace_gc_seconds_total',
    type: 'counter',
    help: 'Time spent in garbage collection',
    read: ({ runtime }) => runtime.gcMs / 1_000,
  },
  {
    name: 'millrace_gc_runs_total',
    type: 'counter',
    help: 'Runs of garbage collection',
    read: ({ runtime }) => runtime.gcRuns,
  },
  {
    name: 'millrace_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time of the process',
    read: ({ runtime }) => runtime.cpuMs / 1_000,
  },
  {
    name: 'millrace_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the process',
    read: ({ runtime }) => runtime.residentBytes,
  },
  {
    name: 'millrace_heap_used_bytes',
    type: 'gauge',
    help: 'Used heap of the process',
    read: ({ runtime }) => runtime.heapUsedBytes,
  },
  {
    name: 'millrace_heap_limit_bytes',
    type: 'gauge',
    help: 'The most that the heap may have',
    read: ({ runtime }) => runtime.heapLimitBytes,
  },
]

/** Metrics of an operator, with the labels `job` and `operator`. */
export const operatorMetrics: readonly Metric<OperatorFigures>[] = [
  {
    name: 'millrace_operator_records_in_total',
    type: 'counter',
    help: 'Records that the operator has received',
    read: ({ recordsIn }) => recordsIn,
  },
  {
    name: 'millrace_operator_records_out_total',
    type: 'counter',
    help: 'Records that the operator has emitted, on all its outputs',
    read: ({ recordsOut }) => recordsOut,
  },
  {
    name: 'millrace_operator_bytes_total',
    type: 'counter',
    help: 'Bytes that a source has read or a sink has written, where its connector counts them',
    read: ({ bytes }) => bytes,
  },
  {
    name: 'millrace_operator_late_total',
    type: 'counter',
    help: 'Records that were too late',
    read: ({ late }) => late,
  },
  {
    name: 'millrace_operator_skipped_total',
    type: 'counter',
    help: 'Failed records that were skipped',
    read: ({ skipped }) => skipped,
  },
  {
    name: 'millrace_operator_dead_letters_total',
    type: 'counter',
    help: 'Failed records that were sent to the dead letters',
    read: ({ deadLettered }) => deadLettered,
  },
  {
    name: 'millrace_operator_retries_total',
    type: 'counter',
    help: 'Calls that were repeated',
    read: ({ retries }) => retries,
  },
  {
    name: 'millrace_operator_breaker_open',
    type: 'gauge',
    help: '1 while the circuit breaker lets no calls through, otherwise 0',
    read: ({ breaker }) => (breaker === null ? null : Number(breaker !== 'closed')),
  },
  {
    name: 'millrace_operator_state_cells',
    type: 'gauge',
    help: 'Values in the state of the operator',
    read: ({ stateCells }) => stateCells,
  },
  {
    name: 'millrace_operator_state_bytes',
    type: 'gauge',
    help: 'Size of the state of the operator in the last checkpoint',
    read: ({ stateBytes }) => stateBytes,
  },
  {
    name: 'millrace_operator_timers',
    type: 'gauge',
    help: 'Timers that are set',
    read: ({ timers }) => timers,
  },
  {
    name: 'millrace_operator_calls_in_flight',
    type: 'gauge',
    help: 'Records whose calls run or wait',
    read: ({ inFlight }) => inFlight,
  },
  {
    name: 'millrace_operator_watermark_seconds',
    type: 'gauge',
    help: 'The lowest watermark of its subtasks, in seconds since the epoch',
    read: ({ watermark }) => seconds(watermark),
  },
  {
    name: 'millrace_operator_watermark_lag_seconds',
    type: 'gauge',
    help: 'How far that is behind the clock',
    read: ({ watermarkLagMs }) => seconds(watermarkLagMs),
  },
  {
    name: 'millrace_source_lag_bytes',
    type: 'gauge',
    help: 'Bytes that a source has not read yet, as far as it knows',
    read: ({ lagBytes }) => lagBytes,
  },
  {
    name: 'millrace_source_lag_records',
    type: 'gauge',
    help: 'Records that a source has not read yet, as far as it knows',
    read: ({ lagRecords }) => lagRecords,
  },
  {
    name: 'millrace_source_splits',
    type: 'gauge',
    help: 'Splits that are being read',
    read: ({ splits }) => splits,
  },
]

/** Metrics of a task, with the labels `job` and `task`. */
export const taskMetrics: readonly Metric<TaskFigures>[] = [
  {
    name: 'millrace_task_queued_records',
    type: 'gauge',
    help: 'Records that wait before the task',
    read: ({ queued }) => queued,
  },
  {
    name: 'millrace_task_is_bottleneck',
    type: 'gauge',
    help: '1 if the tasks before it wait for it, otherwise 0',
    read: ({ isBottleneck }) => Number(isBottleneck),
  },
]

/** Metrics of a subtask, with the labels `job`, `task` and `subtask`. */
export const subtaskMetrics: readonly Metric<Sample['tasks'][number]>[] = [
  {
    name: 'millrace_subtask_records_in_total',
    type: 'counter',
    help: 'Records that the subtask has received',
    read: ({ recordsIn }) => recordsIn,
  },
  {
    name: 'millrace_subtask_busy_seconds_total',
    type: 'counter',
    help: 'Time in which it worked, or waited for its calls and writes',
    read: ({ times }) => times.busyMs / 1_000,
  },
  {
    name: 'millrace_subtask_back_pressured_seconds_total',
    type: 'counter',
    help: 'Time in which the next task had no room for its output',
    read: ({ times }) => times.backPressuredMs / 1_000,
  },
  {
    name: 'millrace_subtask_idle_seconds_total',
    type: 'counter',
    help: 'Time in which it had no input',
    read: ({ times }) => times.idleMs / 1_000,
  },
  {
    name: 'millrace_subtask_waiting_seconds_total',
    type: 'counter',
    help: 'Time in which it had input and room, and waited for the event loop',
    read: ({ times }) => times.waitingMs / 1_000,
  },
]

/** Metrics of a split, with the labels `job`, `source` and `split`. */
export const splitMetrics: readonly Metric<{
  readonly sample: Sample['splits'][number]
  readonly at: number
}>[] = [
  {
    name: 'millrace_split_records_total',
    type: 'counter',
    help: 'Records read from the split',
    read: ({ sample }) => sample.records,
  },
  {
    name: 'millrace_split_lag_bytes',
    type: 'gauge',
    help: 'Bytes of the split that were not read yet',
    read: ({ sample }) => sample.lag?.bytes,
  },
  {
    name: 'millrace_split_lag_records',
    type: 'gauge',
    help: 'Records of the split that were not read yet',
    read: ({ sample }) => sample.lag?.records,
  },
  {
    name: 'millrace_split_watermark_lag_seconds',
    type: 'gauge',
    help: 'How far the watermark of the split is behind the clock',
    read: ({ sample, at }) =>
      Number.isFinite(sample.watermark) && Math.abs(sample.watermark) < 8.64e15
        ? Math.max(0, at - sample.watermark) / 1_000
        : null,
  },
  {
    name: 'millrace_split_holds_time',
    type: 'gauge',
    help: '1 if the watermark of its source waits for the split, otherwise 0',
    read: ({ sample }) => Number(sample.holdsTime),
  },
]
