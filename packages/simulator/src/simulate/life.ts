import type { ProcessFacts } from '@millrace/core/disk'
import type { Job, JobResult } from '@millrace/core/job'
import type { SimProcess } from '../world/sim-process.ts'
import type { Fault } from './fault.ts'
import type { LateSplits } from './late-splits.ts'

/** How a life has ended: from outside, or because its job ended. */
export type LifeEnd = { readonly kind: 'crashed' } | { readonly kind: 'ended'; readonly result: JobResult }

/** The current process. */
export interface Life {
  readonly number: number
  readonly process: SimProcess
  /** The step at which it began. */
  readonly since: number
  /** Faults that have not occurred yet, in order. */
  readonly faults: Fault[]
  late: LateSplits
  /** Whether the job was asked to drain. */
  isDrained: boolean
  readonly end: (end: LifeEnd) => void
  job: Job | undefined
  /** Settles when the job has ended on its own. */
  ended: Promise<JobResult>
}

/** Whether the job of a life has started completely. */
export function isReading({ job }: Life): boolean {
  return job?.status().tasks.some(({ recordsOut }) => recordsOut > 0) ?? false
}

/** Process identities in the simulation: only the process of the newest life runs. */
export function processFacts(number: number, newest: () => number): ProcessFacts {
  return {
    // Two numbers are enough for ids to come back, as they do in containers.
    self: { pid: 1 + (number % 2), host: 'simulated', startedAt: `life ${number}` },
    fateOf: ({ startedAt }) => Promise.resolve(startedAt === `life ${newest()}` ? 'running' : 'gone'),
  }
}
