import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startJob, type Job, type JobEvent, type JobResult } from '@millrace/core/job'
import type { Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { expect, onTestFinished } from 'vitest'

export async function dataDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-rabbitmq-job-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export function startOn(
  built: Pipeline,
  directory: string,
  isBounded: boolean,
  warnings: string[] = [],
  everyMs = 50,
): Job {
  return startJob({
    graph: built.describe({}).graph,
    platform: nodePlatform(),
    store: memoryStore(),
    directory,
    isBounded,
    checkpoints: { everyMs },
    restart: { kind: 'none' },
    observer: (event: JobEvent) => {
      if (event.kind === 'warning') warnings.push(event.message)
      if (event.kind === 'outage') warnings.push(JSON.stringify(event))
    },
  })
}

export async function run(built: Pipeline, directory: string, warnings: string[] = []): Promise<JobResult> {
  return startOn(built, directory, true, warnings).ended
}

export const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n)
export const texts = (first: number, amount: number): string[] => upTo(amount).map((n) => String(first + n))
export const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b)

export const failed = (message: RegExp): object => ({
  outcome: 'failed',
  error: { message: expect.stringMatching(message) },
})
