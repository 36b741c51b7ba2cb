import path from 'node:path'
import type { StateStore } from '@millrace/core/store'
import type { Platform } from '@millrace/core/disk'
import { startJob, type Job, type JobResult } from '@millrace/core/job'
import { jobOptionsOf, type Pipeline, type StartOptions } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'

/** Options to run a pipeline from a program. They have the same names on the command line. */
export interface RunOptions extends StartOptions {
  /** Aborting it stops the job gracefully: what was read is finished, checkpointed and committed. */
  readonly signal?: AbortSignal
  /** Where state is stored while the job runs. Default `memoryStore()`. */
  readonly store?: StateStore
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
export function start(pipeline: Pipeline, options: RunOptions = {}): Job {
  const { signal, store = memoryStore(), platform = nodePlatform(), ...rest } = options
  const job = jobOptionsOf(pipeline, rest)
  // Absolute, since connectors store the paths of their files in checkpoints.
  const started = startJob({ ...job, directory: path.resolve(job.directory), store, platform })
  const stop = (): void => void started.stop()
  if (signal?.aborted === true) stop()
  signal?.addEventListener('abort', stop, { once: true })
  void started.ended.then(() => signal?.removeEventListener('abort', stop))
  return started
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
