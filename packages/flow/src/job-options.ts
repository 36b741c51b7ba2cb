import { positiveDurationMs, type JobObserver, type JobOptions, type RestartPolicy } from '@millrace/core'
import type { ParameterValues } from './parameter.ts'
import type { JobSettings, Pipeline } from './pipeline.ts'

/** How a pipeline is started. `checkpointEvery` and `parallelism` win over the settings of the pipeline. */
export interface StartOptions extends JobSettings {
  /** Values of the pipeline's parameters, by name. */
  readonly parameters?: ParameterValues
  /** The data directory: checkpoints and state. Default `.millrace/` and the name of the pipeline. */
  readonly dataDir?: string
  /** Reads what is there now and ends. Default false. */
  readonly bounded?: boolean
  /** What happens after a failure. Default: three restarts, each after a longer pause. */
  readonly restart?: RestartPolicy
  /** State that is not restored, each as `OPERATOR` or `OPERATOR/PIECE`. Default: none. */
  readonly dropState?: readonly string[]
  /** For development: fails the job at an operator that changes a record. Costs time. Default false. */
  readonly checkImmutability?: boolean
  /** Called with each event in the life of the job, such as a completed checkpoint. */
  readonly observer?: JobObserver
}

/**
 * What the engine is given to start a pipeline, except for a platform and a store. Throws what `Pipeline.describe`
 * throws, and `OPTION_INVALID` for a duration that is none.
 */
export function jobOptionsOf(
  pipeline: Pipeline,
  options: StartOptions = {},
): Omit<JobOptions, 'platform' | 'store'> {
  const { parameters, dataDir, bounded, checkpointEvery, ...rest } = { ...pipeline.settings, ...options }
  return {
    ...rest,
    graph: pipeline.describe(parameters).graph,
    // Names begin with a letter or a digit, so none leads out of the directory.
    directory: dataDir ?? `.millrace/${encodeURIComponent(pipeline.name)}`,
    ...(bounded === undefined ? {} : { isBounded: bounded }),
    ...(checkpointEvery === undefined
      ? {}
      : { checkpoints: { everyMs: Math.ceil(positiveDurationMs(checkpointEvery, 'checkpointEvery')) } }),
  }
}
