/** Jobs with real time and disk, for tests beside real servers. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { ConnectorContext } from '@millrace/core/connector'
import { startJob, type Job, type JobEvent, type JobOptions, type JobResult } from '@millrace/core/job'
import type { Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { expect, onTestFinished } from 'vitest'

/** Options of a job, and where it writes what it says. */
export type JobOnDiskOptions = Partial<JobOptions> & { readonly warnings?: string[] }

/** A new directory, until the end of the test. */
export async function dataDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-job-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Starts a job, which stops at the end of the test. `warnings` gets what it says of its connectors. */
export function startOn(
  built: Pipeline,
  directory: string,
  { warnings = [], ...options }: JobOnDiskOptions = {},
): Job {
  const job = startJob({
    graph: built.describe({}).graph,
    platform: nodePlatform(),
    store: memoryStore(),
    directory,
    isBounded: false,
    checkpoints: { everyMs: 50 },
    restart: { kind: 'none' },
    observer: (event: JobEvent) => {
      if (event.kind === 'warning') warnings.push(event.message)
      if (event.kind === 'outage') warnings.push(`down: ${event.reason}`)
      if (event.kind === 'recovered') warnings.push(`up: ${event.part}`)
      if (event.kind === 'breaker') warnings.push(`${event.part} is ${event.state}`)
    },
    ...options,
  })
  onTestFinished(() => job.stop().then(undefined, () => {}))
  return job
}

/** Runs a job over what is there. */
export function run(built: Pipeline, directory: string, options: JobOnDiskOptions = {}): Promise<JobResult> {
  return startOn(built, directory, { isBounded: true, ...options }).ended
}

/** The context of a connector in a data directory of its own. */
export async function contextOf(name: string): Promise<ConnectorContext> {
  const { clock, random, fs } = nodePlatform()
  return {
    name,
    clock,
    random,
    fs,
    directory: await dataDirectory(),
    owner: { job: 'j', epoch: 1, confirm: () => Promise.resolve() },
    signal: new AbortController().signal,
    start: { kind: 'first', checkpoint: undefined },
    isBounded: false,
    warn: () => {},
    down: () => {},
    trying: () => {},
    up: () => {},
  }
}

/** The numbers from `from` up to `end`. */
export const upTo = (end: number, from = 0): number[] =>
  Array.from({ length: Math.max(end - from, 0) }, (_, n) => from + n)

/** What a job that has failed ends with. */
export const failed = (message: RegExp): object => ({
  outcome: 'failed',
  error: { message: expect.stringMatching(message) },
})
