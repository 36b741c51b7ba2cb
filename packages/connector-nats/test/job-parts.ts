import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { ConnectorContext } from '@millrace/core/connector'
import { startJob, type Job, type JobEvent, type JobResult } from '@millrace/core/job'
import type { Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { expect, onTestFinished } from 'vitest'

export async function dataDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-nats-job-'))
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
    },
  })
}

export async function run(built: Pipeline, directory: string, warnings: string[] = []): Promise<JobResult> {
  return startOn(built, directory, true, warnings).ended
}

export const failed = (message: RegExp): object => ({
  outcome: 'failed',
  error: { message: expect.stringMatching(message) },
})

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
