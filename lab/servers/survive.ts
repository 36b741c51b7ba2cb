/** Runs a job behind a proxy that attacks it with bytes that are no answers. */
import { setTimeout as delay } from 'node:timers/promises'
import { isMillraceError } from '@millrace/core'
import type { Job } from '@millrace/core/job'
import type { Pipeline } from '@millrace/flow'
import { expect } from 'vitest'
import type { HostileProxy } from './hostile-proxy.ts'
import { dataDirectory, startOn } from './job-on-disk.ts'

/** So much may the memory of this process grow: a false length must not be believed. */
const growthMaxBytes = 2 ** 29
const portion = 200
const roundsMax = 200
const timeoutMs = 120_000
const lookMs = 10

/** A job that is attacked, and how a test feeds and follows it. */
export interface AttackedJob {
  /** Makes the pipeline as a new process would. */
  built(): Pipeline
  readonly proxy: HostileProxy
  /** Feeds the records from `from` up to `end`, past the proxy. */
  feed(from: number, end: number): Promise<unknown>
  /** How many different results are there. */
  seen(): Promise<number> | number
}

/**
 * Feeds a job until the proxy has made all its attacks, and then once more. A job that is attacked must continue, or fail with an error
 * that says why: then it is started again from its last checkpoint. An error that nothing catches fails the run of the tests by itself.
 */
export async function survive(
  attacked: AttackedJob,
): Promise<{ readonly records: number; readonly failures: readonly string[] }> {
  const { proxy } = attacked
  const directory = await dataDirectory()
  const before = process.memoryUsage().rss
  const failures: string[] = []
  let error: unknown
  const start = (): Job => {
    const job = startOn(attacked.built(), directory, { checkpoints: { everyMs: 20 } })
    void job.ended.then((result) => {
      if (result.outcome === 'failed') error = result.error
    })
    return job
  }
  let job = start()
  const restartIfFailed = async (): Promise<void> => {
    if (error === undefined) return
    if (!isMillraceError(error) || error.code === 'INTERNAL') {
      throw new Error('the job has failed with an error that says nothing to a user', { cause: error })
    }
    failures.push(`${error.code}: ${error.message}`)
    error = undefined
    await job.ended
    job = start()
  }
  let fed = 0
  const round = async (): Promise<void> => {
    await attacked.feed(fed, fed + portion)
    fed += portion
    const count = async (): Promise<number> => {
      await restartIfFailed()
      expect(process.memoryUsage().rss - before).toBeLessThan(growthMaxBytes)
      return attacked.seen()
    }
    for (let waited = 0; (await count()) < fed; waited += lookMs) {
      if (waited > timeoutMs) throw new Error(`the job hangs after ${proxy.attacked} attacks`)
      await delay(lookMs)
    }
    // Each connection is attacked once at most.
    proxy.cut()
  }
  for (let rounds = 0; !proxy.isDone && rounds < roundsMax; rounds++) await round()
  expect(proxy.isDone).toBe(true)
  await round()
  await job.stop()
  return { records: fed, failures }
}
