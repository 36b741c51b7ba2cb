import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startJob, type Job, type JobEvent, type JobResult } from '@millrace/core/job'
import type { Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { onTestFinished } from 'vitest'

export async function dataDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-redis-job-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export function startOn(
  built: Pipeline,
  directory: string,
  isBounded: boolean,
  warnings: string[] = [],
): Job {
  return startJob({
    graph: built.describe({}).graph,
    platform: nodePlatform(),
    store: memoryStore(),
    directory,
    isBounded,
    checkpoints: { everyMs: 50 },
    restart: { kind: 'none' },
    observer: (event: JobEvent) => {
      if (event.kind === 'warning') warnings.push(event.message)
      if (event.kind === 'outage') warnings.push(event.reason)
      if (event.kind === 'breaker') warnings.push(`${event.part} is ${event.state}`)
    },
  })
}

export async function run(built: Pipeline, directory: string): Promise<JobResult> {
  return startOn(built, directory, true).ended
}

export const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n)
