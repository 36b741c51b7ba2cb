/**
 * What does a record cost that comes from one of many splits, and what do finished splits cost?
 *
 * The first four are CPU time per record with this many splits that always have data: they should be within a
 * factor of 1.5. The other is CPU time per file of 100,000 files of one line, with resident memory and the
 * size of the newest manifest at intervals: both should be constant. It runs first, because resident memory
 * does not shrink when another measurement in the same process has ended.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Source } from '@millrace/core/connector'
import { startJob } from '@millrace/core/job'
import { files } from '@millrace/connector-files'
import { count, pipeline, tumbling, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { CountingSink } from './engine-run.ts'
import { median, report, type Measurement } from './measure.ts'

const records = 4_000_000
const turns = 3
const fileCount = 100_000
const lookedAt: readonly number[] = [1_000, 10_000, 25_000, 40_000, 55_000, 70_000, 85_000, 100_000]

interface Reading {
  readonly k: string
  readonly t: number
}

/** Splits that always have data, ten milliseconds and ten records at a time, until the total is reached. */
function busy(splits: number): Source<Reading, number> {
  const each = Math.ceil(records / splits)
  const names = Array.from({ length: splits }, (_, split) => `p${split}`)
  return {
    kind: 'busy',
    durability: 'replayable',
    discover: async () => ({ splits: names, isComplete: true }),
    open: async (k, from = 0) => {
      let at = from
      return {
        poll: (limit) => {
          if (at >= each) return { kind: 'end', isFinal: true }
          const first = at
          at = Math.min(each, at + Math.min(limit, 10))
          return {
            kind: 'records',
            values: Array.from({ length: at - first }, (_, n) => ({ k, t: (first + n) * 10 })),
          }
        },
        ready: async () => {},
        position: () => at,
        close: async () => {},
      }
    },
  }
}

function counting(splits: number): Pipeline {
  return pipeline('splits', (p) => {
    p.from('in', busy(splits))
      .withTimestamps({ timestamp: (reading) => reading.t })
      .keyBy((reading) => reading.k)
      .window(tumbling(1_000))
      .aggregate('windows', { n: count() })
      .to('out', new CountingSink())
  })
}

/** Runs a pipeline to its end and returns its CPU time in nanoseconds. */
async function cpuOf(built: Pipeline, directory: string): Promise<number> {
  const before = process.cpuUsage()
  const job = startJob({
    graph: built.describe({}).graph,
    platform: nodePlatform(),
    store: memoryStore(),
    directory,
    isBounded: true,
    checkpoints: { everyMs: 1_000 },
  })
  const result = await job.ended
  if (result.outcome === 'failed') throw result.error
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1_000
}

async function inDirectory<R>(use: (directory: string) => Promise<R>): Promise<R> {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'))
  try {
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function busySplits(): Promise<readonly Measurement[]> {
  const counts = [64, 65, 1_000, 10_000]
  const costs = counts.map((): number[] => [])
  for (let turn = 0; turn <= turns; turn++) {
    for (const [index, splits] of counts.entries()) {
      const cpu = await inDirectory((directory) => cpuOf(counting(splits), directory))
      if (turn > 0) costs[index]!.push(cpu / records)
    }
  }
  const medians = costs.map((each) => median(each))
  const rivals = { '64 busy splits': medians[0]! }
  return counts.map((splits, index) => ({
    name: `a record of ${splits} busy splits, CPU`,
    nanoseconds: medians[index]!,
    runs: turns,
    ...(index > 0 && { rivals, bar: { rival: '64 busy splits', times: 1.5 } }),
  }))
}

/** The size of the newest manifest in a data directory, in bytes. */
function manifestBytes(directory: string): number {
  const checkpoints = path.join(directory, 'checkpoints')
  const names = readdirSync(checkpoints).filter((name) => name.endsWith('.json'))
  const newest = names.toSorted().at(-1)
  return newest === undefined ? 0 : statSync(path.join(checkpoints, newest)).size
}

async function shortFiles(directory: string): Promise<Measurement> {
  const input = path.join(directory, 'input')
  const data = path.join(directory, 'data')
  mkdirSync(input)
  for (let file = 0; file < fileCount; file++) {
    writeFileSync(path.join(input, `f${String(file).padStart(6, '0')}.txt`), 'one line\n')
  }
  const looks: string[] = []
  let seen = 0
  const cpu = await cpuOf(
    pipeline('files', (p) => {
      p.from('in', files.readLines(path.join(input, '*.txt')))
        .tap(() => {
          if (!lookedAt.includes(++seen)) return
          globalThis.gc?.()
          const { rss, heapUsed } = process.memoryUsage()
          const [resident, heap] = [rss, heapUsed].map((bytes) => Math.round(bytes / 1e6))
          looks.push(`${seen}: ${resident} MB resident, ${heap} MB heap, ${manifestBytes(data)} B manifest`)
        })
        .to('out', new CountingSink())
    }),
    data,
  )
  return {
    name: `a file of one line, one of ${fileCount}, CPU`,
    nanoseconds: Math.round(cpu / fileCount),
    runs: 1,
    note: `${(cpu / 1e9).toFixed(1)} s of CPU; after ${looks.join('; ')}`,
  }
}

const finished = await inDirectory(shortFiles)
report([...(await busySplits()), finished])
