import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startJob, type Job, type JobEvent, type JobOptions } from '@millrace/core/job'
import type { Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { onTestFinished } from 'vitest'

export interface Numbered {
  readonly n: number
  readonly k: string
}

/** A new directory, until the end of the test. */
export async function dataDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-kafka-job-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Starts a job with real time and disk, which stops at the end of the test. `warnings` gets what it says. */
export function startOn(
  built: Pipeline,
  directory: string,
  { warnings = [], ...options }: Partial<JobOptions> & { readonly warnings?: string[] } = {},
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
    },
    ...options,
  })
  onTestFinished(() => job.stop().then(undefined, () => {}))
  return job
}

export const upTo = (end: number, from = 0): number[] =>
  Array.from({ length: end - from }, (_, n) => from + n)

export const numbered = (from: number, end: number): { value: string; key: string }[] =>
  upTo(end, from).map((n) => ({ key: `k${n % 7}`, value: JSON.stringify({ n, k: `k${n % 7}` }) }))
