import type { ParameterValues } from '@millrace/flow'
import type { StoreChoice } from './store-choice.ts'

/** What each worker thread of a pipeline loads. Plain data. */
export interface WorkerPipeline {
  /** The path of the pipeline file. */
  readonly file: string
  readonly parameters: ParameterValues
  /** Where its state is. Default: in memory. */
  readonly store?: StoreChoice
  /** Whether it makes spans of records, for the global providers of OpenTelemetry in the thread. Default false. */
  readonly isTraced?: boolean
}
