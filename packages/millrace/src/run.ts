import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { pipelineWorkers, storeOf, type StoreChoice, type WorkerPipeline } from '@millrace/cli'
import type { StateStore } from '@millrace/core/store'
import type { Platform } from '@millrace/core/disk'
import { startJob, type Job, type JobResult, type RecordTracer } from '@millrace/core/job'
import { jobOptionsOf, type Pipeline, type StartOptions, type ViewsOf } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'

/** Options to run a pipeline from a program. They have the same names on the command line. */
export interface RunOptions extends StartOptions {
  /** Aborting it stops the job gracefully: what was read is finished, checkpointed and committed. */
  readonly signal?: AbortSignal
  /**
   * The URL of the module that exports this pipeline by default, as `import.meta.url`. With it each subtask runs in a
   * thread of its own, which loads that module, so it must not run the pipeline itself. Default: everything runs in the
   * calling thread, since a pipeline object cannot move to another.
   */
  readonly module?: string | URL
  /** How many threads the subtasks share, besides the calling one. Default: one each; 1: the calling thread only. */
  readonly threads?: number
  /**
   * Where state is stored while the job runs. Default: what `state` says, in the options or the settings of the pipeline. Not
   * together with threads, which cannot be given an object.
   */
  readonly store?: StateStore
  /** Memory of state on disk in each thread, in MiB: live values and the index. Default 256. */
  readonly stateMemoryMb?: number
  /**
   * Makes spans of records whose trace is sampled: `recordTracer()` of `@millrace/opentelemetry`. With `module` each thread has
   * one of its own, for the global provider there. Default: nothing is traced.
   */
  readonly tracer?: RecordTracer
  /** Clock, file system and randomness. Default `nodePlatform()`. */
  readonly platform?: Platform
}

/**
 * Starts a pipeline and returns the running job, which can be stopped, asked for its status, and
 * checkpointed.
 *
 * Throws `GRAPH_INVALID`, `NAME_TAKEN` or `OPTION_INVALID` before anything runs. Later errors are in the
 * result of `job.ended`, which never rejects.
 *
 * @example
 * const job = start(fraud, { parameters: { port: 8080 }, checkpointEvery: '500ms' })
 * console.log(job.status().phase)
 * await job.stop()
 */
export function start<Declared>(
  pipeline: Pipeline<Declared>,
  options: RunOptions = {},
): Job<ViewsOf<Declared>> {
  const {
    signal,
    module,
    threads,
    stateMemoryMb: memoryMb,
    platform = nodePlatform(),
    tracer,
    ...rest
  } = options
  const isTraced = tracer !== undefined
  const kind = options.state ?? pipeline.settings.state ?? 'memory'
  const choice: StoreChoice = { kind, ...(memoryMb === undefined ? {} : { memoryMb }) }
  const { store = storeOf(choice), ...settings } = rest
  const job = jobOptionsOf(pipeline, settings)
  // Absolute, since connectors store the paths of their files in checkpoints.
  const started = startJob<ViewsOf<Declared>>({
    ...job,
    ...(threads === undefined ? {} : { threads }),
    ...(module === undefined
      ? {}
      : { workers: pipelineWorkers({ ...pipelineOf(module, settings), store: choice, isTraced }) }),
    directory: path.resolve(job.directory),
    store,
    tracer,
    platform,
  })
  const stop = (): void => void started.stop()
  if (signal?.aborted === true) stop()
  signal?.addEventListener('abort', stop, { once: true })
  void started.ended.then(() => signal?.removeEventListener('abort', stop))
  return started
}

function pipelineOf(module: string | URL, { parameters = {} }: StartOptions): WorkerPipeline {
  return { file: fileURLToPath(module), parameters }
}

/**
 * Runs a pipeline until its input ends or `signal` stops it, and resolves to its outcome. A later run with
 * the same data directory resumes from the last checkpoint.
 *
 * Rejects with the error of a failed job, and with the errors that `start` throws.
 *
 * @example
 * const result = await run(copy, { bounded: true }) // => { outcome: 'finished' }
 */
export async function run(
  pipeline: Pipeline,
  options: RunOptions = {},
): Promise<Exclude<JobResult, { readonly outcome: 'failed' }>> {
  const result = await start(pipeline, options).ended
  if (result.outcome === 'failed') throw result.error
  return result
}
