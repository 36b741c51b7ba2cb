import type { JobSettings } from './job-options.ts'
import type { Outline } from './outline.ts'

/** What a worker must know before it starts. Plain data. */
export interface WorkerBriefing {
  /** "worker 1" */
  readonly name: string
  /** Which worker it is; 0 is that of the coordinator. */
  readonly number: number
  readonly settings: PlainSettings
  readonly owner: { readonly job: string; readonly epoch: number }
  /** The coordinator's pipeline. */
  readonly outline: Outline
}

/** The settings of a job that are plain data. */
export type PlainSettings = Omit<
  JobSettings,
  'graph' | 'platform' | 'store' | 'observer' | 'owner' | 'workers' | 'restart' | 'tracer'
>
