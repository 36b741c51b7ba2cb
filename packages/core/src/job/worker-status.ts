import type { TaskCounters } from '../observe/metrics.ts'
import type { SplitSample, TaskSample } from '../observe/samples.ts'
import type { OpenStateStore, StoreUsage, TableUsage } from '../state/state-store.ts'
import type { SourceTiming } from '../task/event-time-watch.ts'
import type { Tasks } from '../task/task-factory.ts'

/** The figures of a worker. Plain data. */
export interface WorkerStatus {
  readonly counters: readonly TaskCounters[]
  readonly samples: readonly TaskSample[]
  readonly splits: readonly SplitSample[]
  readonly tables: readonly TableUsage[]
  readonly state: StoreUsage | undefined
  /** How far its sources have got in event time. */
  readonly timings: readonly SourceTiming[]
}

/** The figures of tasks and their store. */
export function statusOf(tasks: Tasks | undefined, store: OpenStateStore | undefined): WorkerStatus {
  const metrics = tasks?.all.map((task) => task.metrics) ?? []
  const sources = tasks?.sources ?? []
  // Each is read only when it is asked for.
  return {
    counters: metrics,
    get samples() {
      return metrics.map((each) => each.sample())
    },
    get splits() {
      return metrics.flatMap((each) => each.splits())
    },
    get tables() {
      return store?.tableUsage() ?? []
    },
    get state() {
      return store?.usage()
    },
    get timings() {
      return sources.flatMap((source) => source.timing ?? [])
    },
  }
}
