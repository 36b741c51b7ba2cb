/** `GET /api/jobs/:job/graph`: the parts of the pipeline, and how records move between them. It does not change while a job runs. */
export interface JobGraph {
  readonly job: string
  /** Inputs before those that read them. */
  readonly operators: readonly GraphOperator[]
  readonly edges: readonly GraphEdge[]
  /** The tasks: operators that run together, and have their busy and waiting times in common. */
  readonly tasks: readonly GraphTask[]
}

/** One part of the pipeline. */
export interface GraphOperator {
  /** Its name, unique in the pipeline: the same in metrics, state, dead letters and messages. */
  readonly id: string
  readonly kind: 'source' | 'step' | 'timestamps' | 'operator' | 'async' | 'sink'
  /** "files", "filter", "window". */
  readonly type: string
  /** The task it runs in. */
  readonly task: string
  /** Facts about it, as phrases. */
  readonly facts: readonly string[]
  /** Its state and how long it is kept, as a phrase; null for a part without state. */
  readonly keeps: string | null
  readonly onError: 'fail' | 'skip' | 'deadLetter'
  /** Whether its state can be read by key. */
  readonly hasState: boolean
}

/** A stream from one operator to another. */
export interface GraphEdge {
  readonly from: string
  readonly to: string
  /** 'main', 'late', 'errors', or another output of `from`. */
  readonly output: string
  /** How records choose a subtask. */
  readonly exchange: string
  /** Whether both run in one task, so that there is no queue between them. */
  readonly isInsideTask: boolean
}

/** Operators that run together. */
export interface GraphTask {
  /** The id of its first operator. */
  readonly task: string
  readonly kind: 'source' | 'chain' | 'async' | 'sink'
  readonly operators: readonly string[]
  readonly subtasks: number
}
