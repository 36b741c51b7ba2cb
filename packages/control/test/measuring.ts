import type { Sink, Source } from '@millrace/core/connector'
import { startJob, type JobOptions } from '@millrace/core/job'
import { jobOptionsOf, pipeline, type PipelineBuilder } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, type SimPlatform } from '@millrace/testkit'
import { sleep, type Clock } from '@millrace/world'
import type { OperatorFigures } from '../src/contract/figures.ts'
import type { JobOverview } from '../src/contract/job.ts'
import { WatchedJob } from '../src/job/watched-job.ts'
import { readMetrics } from '../src/metrics.ts'

/**
 * Numbers in batches of the sizes that are given, one each so many milliseconds; then nothing, without an end. Calls `opened` when
 * it is opened.
 */
export function batches(
  sizes: readonly number[],
  opened: () => void = () => {},
  everyMs = 1,
): Source<number, number> {
  return {
    kind: 'batches',
    durability: 'replayable',
    discover: async () => ({ splits: ['all'], isComplete: true }),
    open: async (_split, from = 0, { clock, signal }) => {
      opened()
      let next = from
      let isRested = true
      return {
        poll: () => {
          if (next === sizes.length) return { kind: 'pending', isCaughtUp: true }
          if (!isRested) return { kind: 'pending', isCaughtUp: false }
          isRested = false
          const size = sizes[next++]!
          return { kind: 'records', values: Array.from({ length: size }, (_, n) => n) }
        },
        ready: async () => {
          await sleep(clock, everyMs, signal)
          isRested = true
        },
        position: () => next,
        close: async () => {},
      }
    },
  }
}

/** A call of a sink: when it began and ended, and how many records it had. */
export interface Written {
  readonly subtask: number
  readonly records: number
  readonly from: number
  until: number
}

/** A sink that takes `writeMs` for a batch and `prepareMs` for a checkpoint, and logs its calls. */
export function timed(log: Written[], writeMs: number, prepareMs: () => number = () => 0): Sink<unknown> {
  return {
    kind: 'timed',
    guarantee: 'at-least-once',
    open: async (subtask, _pending, { clock, signal }) => ({
      write: async (batch) => {
        const from = clock.monotonic()
        const call = { subtask, records: batch.length, from, until: Number.POSITIVE_INFINITY }
        log.push(call)
        await sleep(clock, writeMs, signal)
        call.until = clock.monotonic()
      },
      prepare: async () => {
        const ms = prepareMs()
        if (ms > 0) await sleep(clock, ms, signal)
        return undefined
      },
      close: async () => {},
    }),
  }
}

/** A job that is measured. */
export interface Measuring {
  readonly measured: WatchedJob
  readonly platform: SimPlatform
  /** The state of an operator now. */
  readonly operator: (name: string) => OperatorFigures
  /** A value as Prometheus reads it; the labels other than the job follow the name. */
  readonly metric: (name: string) => number | undefined
}

/** Runs a job, measures it each so many milliseconds and calls `look` then, until that returns true. */
export async function measuring(
  build: (p: PipelineBuilder, clock: Clock) => void,
  look: (at: Measuring) => boolean | Promise<boolean>,
  options: Partial<JobOptions> = {},
  everyMs = 1,
): Promise<void> {
  const platform = simPlatform({ seed: 1 })
  const job = startJob({
    ...jobOptionsOf(pipeline('measured', (p) => build(p, platform.clock))),
    checkpoints: { everyMs: 20, timeoutMs: 3_600_000 },
    ...options,
    platform,
    store: memoryStore(),
  })
  using measured = new WatchedJob({ job, runtime: () => ({}) as JobOverview['runtime'] })
  const at: Measuring = {
    measured,
    platform,
    operator: (name) => measured.figures().operators.find(({ operator }) => operator === name)!,
    metric: (wanted) => {
      let found: number | undefined
      readMetrics([measured], ({ name }, labels, value) => {
        const names = Object.entries(labels).flatMap(([label, of]) => (label === 'job' ? [] : [of]))
        if ([name, ...names].join(' ') === wanted) found = value
      })
      return found
    },
  }
  let failure: Error | undefined
  let isDone = false
  const tick = async (): Promise<void> => {
    try {
      measured.measure()
      isDone = await look(at)
    } catch (error) {
      failure = error as Error
    }
    if (!isDone && failure === undefined) platform.clock.schedule(everyMs, () => void tick())
  }
  platform.clock.schedule(everyMs, () => void tick())
  await driveJob(job, platform.clock, { until: () => isDone || failure !== undefined })
  await job.cancel()
  if (failure !== undefined) throw failure
}
