import type { Job, SplitSample, TaskSample } from '@millrace/core/job'
import type { TableUsage } from '@millrace/core/store'

/** Everything that was read from a job at one moment. */
export class Sample {
  /** On the monotonic clock, and since the epoch, in milliseconds. */
  readonly monotonic: number
  readonly at: number
  readonly tasks: readonly TaskSample[]
  readonly splits: readonly SplitSample[]
  readonly tables: readonly TableUsage[]
  /** The subtasks by task, the splits by source and the tables by operator, so that each is searched once. */
  readonly byTask: ReadonlyMap<string, readonly TaskSample[]>
  readonly bySource: ReadonlyMap<string, readonly SplitSample[]>
  readonly byOwner: ReadonlyMap<string, readonly TableUsage[]>

  constructor(
    job: Pick<Job, 'samples' | 'splits' | 'tables'>,
    { monotonic, at }: { readonly monotonic: number; readonly at: number },
  ) {
    this.monotonic = monotonic
    this.at = at
    this.tasks = job.samples()
    this.splits = job.splits()
    this.tables = job.tables()
    this.byTask = grouped(this.tasks, ({ task }) => task)
    this.bySource = grouped(this.splits, ({ source }) => source)
    this.byOwner = grouped(this.tables, ({ owner }) => owner)
  }
}

function grouped<T>(list: readonly T[], nameOf: (each: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const each of list) {
    const name = nameOf(each)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [each])
    else group.push(each)
  }
  return groups
}

/** How long rates look back, in milliseconds. */
const rateOverMs = 5_000

/** The newest sample, and an earlier one to compare it with. */
export class Samples {
  #samples: readonly Sample[] = []

  add(sample: Sample): void {
    const latest = this.#samples.at(-1)
    // The counters of a restarted job begin at 0 again.
    const isRestarted = latest !== undefined && received(latest) > received(sample)
    const all = isRestarted ? [sample] : [...this.#samples, sample]
    const first = all.findLastIndex(({ monotonic }) => sample.monotonic - monotonic >= rateOverMs)
    this.#samples = all.slice(Math.max(0, first))
  }

  get latest(): Sample | undefined {
    return this.#samples.at(-1)
  }

  get earlier(): Sample | undefined {
    return this.#samples[0]
  }
}

function received({ tasks }: Sample): number {
  return tasks.reduce((sum, { recordsIn }) => sum + recordsIn, 0)
}
