import { MIN_TIME, type EventTime } from '../record/time.ts'
import type { CallsSample, OperatorFlow, SplitSample, TaskSample } from './samples.ts'
import { WorkTimes, type LoopTimes } from './work-times.ts'

/**
 * The counters of one subtask since it started; only its own task writes them.
 *
 * They are counted per batch where that is possible. What the parts of a task count themselves is read from them by
 * `sample`, through the functions that the task sets, so that counting costs no call.
 */
export class TaskMetrics {
  readonly task: string
  readonly subtask: number
  readonly kind: TaskSample['kind']
  readonly times: WorkTimes
  recordsIn = 0
  recordsOut = 0
  watermark: EventTime = MIN_TIME
  /** The newest event time a source has seen. */
  newest: EventTime = MIN_TIME
  /** The newest checkpoint whose output a sink has committed. */
  committed = 0
  /** By operator and metric name, as `operator/metric`: late records, skipped ones, dead letters. */
  readonly counts: Map<string, number> = new Map<string, number>()
  /** Records that wait before the task. */
  queued: () => number = () => 0
  /** Bytes that a source has read, or a sink has written. */
  bytes: () => number | undefined = () => undefined
  /** What each part of the task has received and emitted; a part may be listed more than once. */
  flows: () => Iterable<OperatorFlow> = () => []
  splits: () => readonly SplitSample[] = () => []
  calls: () => CallsSample | undefined = () => undefined

  constructor(task: string, subtask: number, kind: TaskMetrics['kind'], loop: LoopTimes) {
    this.task = task
    this.subtask = subtask
    this.kind = kind
    this.times = new WorkTimes(loop)
  }

  count(operator: string, metric: string, by: number): void {
    const name = `${operator}/${metric}`
    this.counts.set(name, (this.counts.get(name) ?? 0) + by)
  }

  /** All counters at this moment, as plain data. */
  sample(): TaskSample {
    const { task, subtask, kind, recordsIn, recordsOut, watermark, newest } = this
    const calls = this.calls()
    const bytes = this.bytes()
    return {
      task,
      subtask,
      kind,
      recordsIn,
      recordsOut,
      watermark,
      newest,
      queued: this.queued(),
      times: this.times.read(),
      operators: added(this.flows()),
      counts: Array.from(this.counts, ([name, count]) => {
        const slash = name.lastIndexOf('/')
        return { operator: name.slice(0, slash), metric: name.slice(slash + 1), count }
      }),
      ...(calls === undefined ? {} : { calls }),
      ...(bytes === undefined ? {} : { bytes }),
    }
  }
}

/** The counters of one subtask that its task writes itself. */
export type TaskCounters = Pick<
  TaskMetrics,
  'task' | 'subtask' | 'kind' | 'recordsIn' | 'recordsOut' | 'watermark' | 'newest' | 'committed' | 'counts'
>

/** A step that several streams enter counts in each of them. */
function added(flows: Iterable<OperatorFlow>): readonly OperatorFlow[] {
  const sums = new Map<string, OperatorFlow>()
  for (const flow of flows) {
    const { recordsIn = 0, recordsOut = 0 } = sums.get(flow.operator) ?? {}
    sums.set(flow.operator, {
      operator: flow.operator,
      recordsIn: recordsIn + flow.recordsIn,
      recordsOut: recordsOut + flow.recordsOut,
    })
  }
  return [...sums.values()]
}

/** The cost of a completed checkpoint. */
export interface CheckpointFigures {
  readonly checkpoint: number
  /** From the first barrier to the published manifest, in milliseconds. */
  readonly durationMs: number
  /** Part of that: until every task had reached its barrier and encoded its state. */
  readonly alignAndEncodeMs: number
  /** When it was completed, in milliseconds since the epoch. */
  readonly completedAt: number
  /** Bytes of state that were written for it. */
  readonly bytes: number
  /** The subtasks that took longest, the slowest first; at most ten. */
  readonly slowest: readonly CheckpointPart[]
}

/** A checkpoint that runs. */
export interface RunningFigures {
  readonly checkpoint: number
  /** Since when, in milliseconds. */
  readonly runsMs: number
  /** The number of subtasks that take part, and those that have done theirs, as `task/subtask`. */
  readonly participants: number
  readonly reported: readonly string[]
}

/** What one subtask took for its part of a checkpoint, in milliseconds. */
export interface CheckpointPart {
  readonly task: string
  readonly subtask: number
  /** From the start of the checkpoint until the barrier had passed it. */
  readonly alignedMs: number
  /** From then until its state was encoded and its output prepared. */
  readonly encodeMs: number
}
