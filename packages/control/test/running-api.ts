import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { memory } from '@millrace/connector-memory'
import type { Source } from '@millrace/core/connector'
import type { Job, JobOptions } from '@millrace/core/job'
import { jobOptionsOf, pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { expect } from 'vitest'
import { startControl, type Control, type ControlOptions, type WatchedJob } from '../src/index.ts'

/** Five numbers, then nothing, without an end. */
const five: Source<number, number> = {
  kind: 'five',
  durability: 'replayable',
  discover: async () => ({ splits: ['a'], isComplete: true }),
  open: async (_split, from = 0, { signal }) => {
    let next = from
    const stopped = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    return {
      poll: () => {
        if (next >= 5) return { kind: 'pending', isCaughtUp: true }
        return { kind: 'records', values: [next++] }
      },
      ready: () => stopped,
      position: () => next,
      lag: () => ({ records: 5 - next }),
      close: async () => {},
    }
  },
}

let root: string | undefined
let control: Control | undefined
let job: Job | undefined

/** Ends the job and its API; call it after each test. */
export async function ended(): Promise<void> {
  await job?.cancel()
  await control?.close()
  if (root !== undefined) await rm(root, { recursive: true, force: true })
  root = undefined
  control = undefined
}

/** A directory for the files of the test. */
export async function scratch(): Promise<string> {
  return (root ??= await mkdtemp(path.join(tmpdir(), 'millrace-control-')))
}

/** A job that has read its five numbers, and the API that shows it. */
export async function running(settings: Partial<ControlOptions> = {}): Promise<{
  readonly watched: WatchedJob
  readonly url: string
  readonly control: Control
  readonly options: JobOptions
}> {
  control = await startControl({ port: 0, version: '1.2.3', ...settings })
  const sums = pipeline('sums', (p) => {
    p.from('numbers', five)
      .keyBy((n) => n % 2)
      .scan(
        'sum',
        () => 0,
        (sum, n) => sum + n,
      )
      .to('out', memory.write())
  })
  const given = {
    ...jobOptionsOf(sums, { dataDir: `${await scratch()}/data`, checkpointEvery: '50ms' }),
    platform: nodePlatform(),
    store: memoryStore(),
  }
  const watched = control.start({ job: given })
  job = watched.job
  while (watched.job.status().lastCheckpoint === undefined || written(watched) < 5) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  watched.measure()
  return { watched, url: control.url, control, options: given }
}

function written({ job }: WatchedJob): number {
  return job.samples().find(({ kind }) => kind === 'sink')?.recordsIn ?? 0
}

/** The JSON at an address. */
export async function read<T>(url: string, headers: Readonly<Record<string, string>> = {}): Promise<T> {
  const response = await fetch(url, { headers })
  expect([url, response.status]).toEqual([url, 200])
  return (await response.json()) as T
}
