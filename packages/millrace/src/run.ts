import path from 'node:path'
import { startJob, type Job, type JobResult, type Platform, type StateStore } from '@millrace/core'
import { jobOptionsOf, type Pipeline, type StartOptions } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'

/** How a program runs a pipeline. Options have the names that they have on the command line. */
export interface RunOptions extends StartOptions {
  /** Stops the job cleanly when it is aborted: what was read is finished, checkpointed and committed. */
  readonly signal?: AbortSignal
  /** Where state is kept while the job runs. Default `memoryStore()`. */
  readonly store?: StateStore
  /** Clock, disk and chance. Default `nodePlatform()`. */
  readonly platform?: Platform
}

/**
 * Starts a pipeline and returns the running job, to stop it, ask for its status or make a checkpoint.
 *
 * Throws `GRAPH_INVALID`, `NAME_TAKEN` or `OPTION_INVALID` before anything runs. What goes wrong later is in the result
 * of `job.ended`, which never rejects.
 *
 * @example
 * const job = start(fraud, { parameters: { port: 8080 }, checkpointEvery: '500ms' })
 * console.log(job.status().phase)
 * await job.stop()
 */
export function start(pipeline: Pipeline, options: RunOptions = {}): Job {
  const { signal, store = memoryStore(), platform = nodePlatform(), ...rest } = options
  const job = jobOptionsOf(pipeline, rest)
  // Connectors write down whose files are whose: by a path that means the same from everywhere.
  const started = startJob({ ...job, directory: path.resolve(job.directory), store, platform })
  const stop = (): void => void started.stop()
  if (signal?.aborted === true) stop()
  signal?.addEventListener('abort', stop, { once: true })
  void started.ended.then(() => signal?.removeEventListener('abort', stop))
  return started
}

/**
 * Runs a pipeline until its input ends or `signal` stops it, and resolves to how it ended. Started again with the same
 * data directory, it resumes where it was.
 *
 * Rejects with the error of a job that failed, and with what `start` throws.
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
