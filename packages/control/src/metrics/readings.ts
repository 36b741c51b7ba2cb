import type { MeasuredJob } from '../job/measured-job.ts'
import {
  jobMetrics,
  operatorMetrics,
  splitMetrics,
  subtaskMetrics,
  taskMetrics,
  type Metric,
} from './metric-list.ts'

/** What a metric is, without the job that it is read from. */
export type MetricKind = Pick<Metric<never>, 'name' | 'type' | 'help'>

/** The labels of one value: their names and values. */
export type Labels = Readonly<Record<string, string>>

/** Every metric that a job has. */
export const allMetrics: readonly MetricKind[] = [
  ...jobMetrics,
  ...operatorMetrics,
  ...taskMetrics,
  ...subtaskMetrics,
  ...splitMetrics,
]

/** Splits of a source have their own values up to this number in all; with more, only those that hold time or lag most. */
const splitsListed = 1_000

/** Calls `take` with every value of the newest measurement of the jobs, one metric after another. */
export function readMetrics(
  jobs: readonly MeasuredJob[],
  take: (metric: MetricKind, labels: Labels, value: number) => void,
): void {
  const each = <From>(
    metrics: readonly Metric<From>[],
    list: (job: MeasuredJob) => Iterable<readonly [Labels, From]>,
  ): void => {
    const entries = jobs.flatMap((measured) =>
      Array.from(list(measured), ([labels, from]) => [{ job: measured.name, ...labels }, from] as const),
    )
    for (const metric of metrics) {
      for (const [labels, from] of entries) {
        const value = metric.read(from)
        if (typeof value === 'number' && Number.isFinite(value)) take(metric, labels, value)
      }
    }
  }
  each(jobMetrics, (measured) => {
    const { completed, aborted } = measured.happenings
    return [[{}, { ...measured.overview(), now: measured.now, completed, aborted }]]
  })
  each(operatorMetrics, (measured) =>
    measured.figures().operators.map((own) => [{ operator: own.operator }, own]),
  )
  each(taskMetrics, (measured) => measured.figures().tasks.map((own) => [{ task: own.task }, own]))
  each(subtaskMetrics, ({ interval }) =>
    interval.now.tasks.map((own) => [{ task: own.task, subtask: String(own.subtask) }, own]),
  )
  each(splitMetrics, ({ interval }) => {
    const { splits, at } = interval.now
    const listed = splits.length <= splitsListed ? splits : furthestBehind(splits)
    return listed.map((sample) => [
      { source: sample.source, split: sample.label },
      { sample, at },
    ])
  })
}

type Split = MeasuredJob['interval']['now']['splits'][number]

function furthestBehind(splits: readonly Split[]): readonly Split[] {
  const lag = ({ lag: own }: Split): number => own?.bytes ?? own?.records ?? 0
  return splits
    .toSorted((a, b) => Number(b.holdsTime) - Number(a.holdsTime) || lag(b) - lag(a))
    .slice(0, splitsListed)
}
