import { positiveDurationMs, requireKnown } from '@millrace/core'
import { stopPhases, type JobObserver, type JobOptions, type RestartPolicy } from '@millrace/core/job'
import type { ParameterValues } from './parameter.ts'
import type { JobSettings, Pipeline, StopBudgets } from './pipeline.ts'

/** Options to start a pipeline. `checkpointEvery` and `parallelism` override the settings of the pipeline. */
export interface StartOptions extends JobSettings {
  /** Values of the pipeline's parameters, by name. */
  readonly parameters?: ParameterValues
  /** The data directory: checkpoints and state. Default `.millrace/` and the name of the pipeline. */
  readonly dataDir?: string
  /** Reads the existing input and ends. Default false. */
  readonly bounded?: boolean
  /** What to do after a failure. Default: three restarts, with growing pauses. */
  readonly restart?: RestartPolicy
  /** State to drop instead of restoring it, each as `OPERATOR` or `OPERATOR/PIECE`. Default: none. */
  readonly dropState?: readonly string[]
  /** For development: fails the job when an operator changes a record. Slower. Default false. */
  readonly checkImmutability?: boolean
  /** Called with each event of the job, such as a completed checkpoint. */
  readonly observer?: JobObserver
}

/**
 * The engine's options to start a pipeline, except for platform and store. Throws what `Pipeline.describe`
 * throws, and `OPTION_INVALID` for an invalid duration.
 */
export function jobOptionsOf(
  pipeline: Pipeline,
  options: StartOptions = {},
): Omit<JobOptions, 'platform' | 'store'> {
  const {
    parameters,
    dataDir,
    bounded,
    checkpointEvery,
    state: _,
    stop,
    ...rest
  } = {
    ...pipeline.settings,
    ...options,
  }
  return {
    ...rest,
    graph: pipeline.describe(parameters).graph,
    // Names begin with a letter or a digit, so none can escape the directory.
    directory: dataDir ?? `.millrace/${encodeURIComponent(pipeline.name)}`,
    ...(stop === undefined ? {} : { stop: budgetsOf(stop) }),
    ...(bounded === undefined ? {} : { isBounded: bounded }),
    ...(checkpointEvery === undefined
      ? {}
      : { checkpoints: { everyMs: Math.ceil(positiveDurationMs(checkpointEvery, 'checkpointEvery')) } }),
  }
}

function budgetsOf(stop: StopBudgets): NonNullable<JobOptions['stop']> {
  requireKnown('stop', stop, [...stopPhases])
  const given = stopPhases.filter((phase) => stop[phase] !== undefined)
  return Object.fromEntries(
    given.map((phase) => [phase, Math.ceil(positiveDurationMs(stop[phase]!, `stop.${phase}`))]),
  )
}
