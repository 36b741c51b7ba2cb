/**
 * What does a checkpoint of a million changed keys cost: the longest stall of the event loop, bytes, time,
 * and throughput compared with no checkpoints? And how long does a job with a million keys take to restart?
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Slicing, StateStore } from '@millrace/core/store'
import { startJob, type Job, type JobEvent } from '@millrace/core/job'
import { output, pipeline, state, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { wrappedStore } from '../lab/crash-points/wrapped-store.ts'
import { CountingSink, decoded } from './engine-run.ts'
import { median, report, type Measurement } from './measure.ts'

const keys = 1_000_000
const rounds = 10

const input = Array.from({ length: keys }, (_, id) => ({ key: `key-${(id * 7_919) % keys}`, amount: id }))

/** The same million keys repeatedly; each record changes the state of its key. */
function counting(times: number): Pipeline {
  return pipeline('checkpoints', (p) =>
    p
      .from('events', decoded(input, times))
      .keyBy((event) => event.key)
      .process('sum', {
        output: output<number>(),
        state: { sum: state.value<{ n: number; total: number }>() },
        onRecord({ value }, { state: { sum }, emit }) {
          const before = sum.get() ?? { n: 0, total: 0 }
          sum.set({ n: before.n + 1, total: before.total + value.amount })
          if (before.n > 1_000_000) emit(before.n)
        },
      })
      .to('out', new CountingSink()),
  )
}

/**
 * The longest stall of the job by one call of the checkpoint, in milliseconds: freezing, or a slice of
 * encoding.
 */
let longestHold = 0

/** The memory store, instrumented to measure checkpoints while records wait. */
function watchedStore(): StateStore {
  const store = memoryStore()
  const watched = <A extends unknown[], R>(call: (...args: A) => R): ((...args: A) => R) => {
    return (...args) => {
      const startedAt = performance.now()
      const result = call(...args)
      longestHold = Math.max(longestHold, performance.now() - startedAt)
      return result
    }
  }
  return wrappedStore(store, (open) => ({
    freeze: watched((owner: string, subtask: number) => open.freeze(owner, subtask)),
    encode: watched((owner: string, subtask: number, slicing: Slicing) =>
      open.encode(owner, subtask, slicing),
    ),
  }))
}

function start(
  program: Pipeline,
  directory: string,
  everyMs: number,
  observer: (event: JobEvent) => void,
): Job {
  return startJob({
    graph: program.describe({}).graph,
    platform: nodePlatform(),
    store: watchedStore(),
    directory,
    isBounded: true,
    checkpoints: { everyMs },
    observer,
  })
}

/**
 * The longest time between two turns of the event loop while a job runs, in milliseconds. Counted from the
 * third round on: until then maps grow, which stalls with or without checkpoints.
 */
async function longestStall(job: Job): Promise<number> {
  let longest = 0
  let isOver = false
  let last = performance.now()
  const look = (): void => {
    const now = performance.now()
    const [source] = job.status().tasks
    if (source !== undefined && source.recordsOut > 2 * keys) longest = Math.max(longest, now - last)
    last = now
    if (!isOver) setImmediate(look)
  }
  setImmediate(look)
  await job.ended
  isOver = true
  return longest
}

async function run(
  everyMs: number,
): Promise<{ elapsedMs: number; stallMs: number; checkpointMs: number[]; bytes: number }> {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'))
  const checkpointMs: number[] = []
  try {
    const startedAt = performance.now()
    const job = start(counting(rounds), directory, everyMs, (event) => {
      if (event.kind === 'checkpointCompleted') checkpointMs.push(event.figures.durationMs)
    })
    const stallMs = await longestStall(job)
    const elapsedMs = performance.now() - startedAt
    const files = readdirSync(path.join(directory, 'state')).map((name) =>
      path.join(directory, 'state', name),
    )
    return {
      elapsedMs,
      stallMs,
      checkpointMs,
      bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The time from the start of a job in a new process to its first record, with a million keys to restore. */
async function restart(): Promise<number> {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'))
  try {
    await start(counting(1), directory, 3_600_000, () => {}).ended
    const startedAt = performance.now()
    let restoredMs = 0
    const again = start(counting(1), directory, 3_600_000, (event) => {
      if (event.kind === 'started') restoredMs = performance.now() - startedAt
    })
    await again.ended
    return restoredMs
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const measurements: Measurement[] = []
const events = keys * rounds
const samples = { without: [] as number[], withThem: [] as number[], restart: [] as number[] }
let stall = 0
let stallWithout = 0
let slowest = 0
let bytes = 0
for (let turn = 0; turn < 3; turn++) {
  const without = await run(3_600_000)
  const withThem = await run(2_000)
  samples.without.push((without.elapsedMs * 1e6) / events)
  samples.withThem.push((withThem.elapsedMs * 1e6) / events)
  samples.restart.push((await restart()) * 1e6)
  stallWithout = Math.max(stallWithout, without.stallMs)
  stall = Math.max(stall, withThem.stallMs)
  slowest = Math.max(slowest, ...withThem.checkpointMs)
  bytes = Math.max(bytes, withThem.bytes)
}
measurements.push(
  {
    name: 'an event, 1 M keys, no checkpoints',
    nanoseconds: median(samples.without),
    runs: 3,
    note: `longest stall ${stallWithout.toFixed(1)} ms`,
  },
  {
    name: 'an event, 1 M keys, a checkpoint every 2 s',
    nanoseconds: median(samples.withThem),
    runs: 3,
    note: `longest stall ${stall.toFixed(1)} ms, of the checkpoint itself ${longestHold.toFixed(1)} ms; slowest checkpoint ${slowest.toFixed(0)} ms; ${(bytes / 1e6).toFixed(0)} MB on disk`,
  },
  {
    name: 'restart with 1 M keys',
    nanoseconds: median(samples.restart),
    runs: 3,
    note: 'until the job runs',
  },
)
report(measurements)
