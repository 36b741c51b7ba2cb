import { MIN_TIME, type EventTime } from '../record/time.ts'

/** The counters of one subtask since it started; only its own task writes them. */
export class TaskMetrics {
  readonly task: string
  readonly subtask: number
  readonly kind: 'source' | 'chain' | 'async' | 'sink'
  recordsIn = 0
  recordsOut = 0
  watermark: EventTime = MIN_TIME
  /** The newest event time a source has seen. */
  newest: EventTime = MIN_TIME
  /** By operator and metric name, as `operator/metric`: late records, skipped ones, dead letters. */
  readonly counts: Map<string, number> = new Map<string, number>()

  constructor(task: string, subtask: number, kind: TaskMetrics['kind']) {
    this.task = task
    this.subtask = subtask
    this.kind = kind
  }

  count(operator: string, metric: string, by: number): void {
    const name = `${operator}/${metric}`
    this.counts.set(name, (this.counts.get(name) ?? 0) + by)
  }
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
}
