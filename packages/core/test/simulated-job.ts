import type { MemorySink } from '@millrace/connector-memory'
import { type Job, type JobEvent, type JobOptions, type JobResult, startJob } from '@millrace/core/job'
import { pipeline, type PipelineBuilder } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, simWorkers, type SimPlatform } from '@millrace/testkit'
import { pacedSource } from './paced-source.ts'

/** One life of a job in a simulated world. */
export interface SimulatedLife {
  readonly result: JobResult | undefined
  readonly events: readonly JobEvent[]
  readonly job: Job
  readonly platform: SimPlatform
}

/** What a test chooses; the rest is small and quick. */
export type LifeOptions = Partial<Omit<JobOptions, 'graph' | 'platform'>> & {
  readonly platform?: SimPlatform
  readonly seed?: number
  /** Ends the life at this point, without stopping the job. */
  readonly until?: (job: Job, events: readonly JobEvent[]) => boolean
  readonly onEvent?: (event: JobEvent, job: Job) => void
}

/** Sums up numbers by their remainder of 7; two of them come in a millisecond. */
export function summing(numbers: readonly number[], sink: MemorySink<number>): (p: PipelineBuilder) => void {
  return (p) =>
    p
      .from('numbers', pacedSource({ all: numbers }, 2))
      .keyBy((n) => n % 7)
      .scan(
        'sum',
        () => 0,
        (total, n) => total + n,
      )
      .map(({ value }) => value)
      .to('out', sink)
}

/** Ends the life in good order once a checkpoint is complete. */
export const untilCheckpoint: LifeOptions = {
  onEvent: (event, job) => {
    if (event.kind === 'checkpointCompleted') void job.stop()
  },
}

/** Runs a pipeline in a simulated world until it ends, or until `until` says so. */
export async function live(
  build: (p: PipelineBuilder) => void,
  options: LifeOptions = {},
): Promise<SimulatedLife> {
  const { platform = simPlatform({ seed: options.seed ?? 1 }), store = memoryStore() } = options
  const { until, onEvent, ...rest } = options
  const events: JobEvent[] = []
  const { graph } = pipeline('test', build).describe()
  const hasThreads = options.threads !== undefined && options.threads > 1
  const job: Job = startJob({
    graph,
    ...(hasThreads ? { workers: simWorkers({ graph, platform, store }) } : {}),
    directory: 'data',
    isBounded: true,
    checkpoints: { everyMs: 100 },
    restart: { kind: 'none' },
    ...rest,
    platform,
    store,
    observer: (event) => {
      events.push(event)
      onEvent?.(event, job)
    },
  })
  const result = await driveJob(
    job,
    platform.clock,
    until === undefined ? {} : { until: () => until(job, events) },
  )
  return { result, events, job, platform }
}

/** The same disk after the job has let go of it, for the next life. */
export function nextLife(platform: SimPlatform, seed = 2): SimPlatform {
  return simPlatform({ seed, fs: platform.fs })
}

/** Values as sorted JSON, to compare what two runs committed whatever the order. */
export function multiset(sink: { readonly values: readonly unknown[] }): readonly string[] {
  return sink.values.map((value) => JSON.stringify(value)).toSorted()
}
