/**
 * What do metrics cost? The same job of 12 operators over 20 splits runs with the control API, which measures it each second and
 * is scraped by Prometheus as often, and without. The counters themselves are in both.
 *
 * CPU time of the process, in turns; the runs of a turn are compared with each other, and the figure is the median of their
 * differences. Runs of the same job differ by more than the metrics cost, so here the job is measured and scraped twenty times a
 * second, and a twentieth of the difference counts. The client that scrapes is in it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startControl } from '@millrace/control'
import type { Source } from '@millrace/core/connector'
import { startJob, type Job, type JobOptions } from '@millrace/core/job'
import { jobOptionsOf, pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import type { Clock } from '@millrace/world'
import { memoryStore } from '@millrace/store-memory'
import { CountingSink } from './engine-run.ts'
import { median, report } from './measure.ts'

const splits = Array.from({ length: 20 }, (_, n) => `split-${n}`)
const perSplit = 500_000
const records = splits.length * perSplit
const turns = 15
/** How often the job is measured and scraped in a second. */
const perSecond = 20

/** Numbers in 20 splits. */
const numbers: Source<number, number> = {
  kind: 'numbers',
  durability: 'replayable',
  discover: async () => ({ splits, isComplete: true }),
  open: async (_split, from = 0) => {
    let next = from
    return {
      poll: (limit) => {
        if (next >= perSplit) return { kind: 'end' }
        const values = Array.from({ length: Math.min(limit, perSplit - next) }, (_, n) => next + n)
        next += values.length
        return { kind: 'records', values }
      },
      ready: async () => {},
      position: () => next,
      lag: () => ({ records: perSplit - next }),
      close: async () => {},
    }
  },
}

/** A source, a timestamp, eight steps, an operator with state and a sink. */
const busy = pipeline('busy', (p) => {
  p.from('numbers', numbers)
    .withTimestamps({ timestamp: (n) => n })
    .map((n) => n + 1)
    .filter((n) => n % 10 !== 0)
    .map((n) => n * 2)
    .filter((n) => n >= 0)
    .map((n) => n + 3)
    .filter((n) => n % 7 !== 1)
    .map((n) => n - 1)
    .filter((n) => n % 11 !== 1)
    .keyBy((n) => n % 100)
    .scan(
      'sum',
      () => 0,
      (sum, n) => (sum + n) % 1_000_003,
    )
    .to('out', new CountingSink())
})

/** The clock of this machine, but for waits of a second: so long the control API waits before it measures again. */
function hurriedClock(): Clock {
  const { clock } = nodePlatform()
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    schedule: (ms, run) => clock.schedule(ms === 1_000 ? ms / perSecond : ms, run),
  }
}

/** Runs the job to its end; `start` starts it. Returns the CPU time of a record, in nanoseconds. */
async function cpuOf(start: (options: JobOptions) => Job): Promise<number> {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'))
  try {
    const before = process.cpuUsage()
    const job = start({
      ...jobOptionsOf(busy, { dataDir: directory, bounded: true }),
      platform: { ...nodePlatform(), clock: hurriedClock() },
      store: memoryStore(),
    })
    const result = await job.ended
    if (result.outcome === 'failed') throw result.error
    const { user, system } = process.cpuUsage(before)
    return ((user + system) * 1_000) / records
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function watched(): Promise<number> {
  const control = await startControl({ port: 0, version: 'bench' })
  const scraping = setInterval(
    () => void fetch(`${control.url}/metrics`).then((answer) => answer.text()),
    1_000 / perSecond,
  )
  try {
    return await cpuOf((options) => control.start({ job: options }).job)
  } finally {
    clearInterval(scraping)
    await control.close()
  }
}

const without: number[] = []
const withControl: number[] = []
for (let turn = 0; turn <= turns; turn++) {
  // The order alternates, so that what one run leaves behind is charged to both.
  const pair = [async () => cpuOf(startJob), watched]
  const [first, second] = turn % 2 === 0 ? pair : pair.toReversed()
  const [a, b] = [await first!(), await second!()]
  if (turn === 0) continue
  without.push(turn % 2 === 0 ? a : b)
  withControl.push(turn % 2 === 0 ? b : a)
}
const base = median(without)
/** The cost of one measurement and one scrape a second, for each record, as a part of what the record costs. */
const costs = withControl
  .map((cost, turn) => (cost - without[turn]!) / perSecond / without[turn]!)
  .toSorted((a, b) => a - b)
const cost = median(costs)
const percent = (of: number): string => `${(of * 100).toFixed(2)} %`
const [low, high] = [costs[Math.floor(turns / 4)]!, costs[Math.floor((turns * 3) / 4)]!]
report([
  {
    name: 'with the control API, measured and scraped',
    nanoseconds: Math.round(base * (1 + cost)),
    runs: turns,
    note: `CPU; ${percent(cost)} in the median pair, half of the pairs between ${percent(low)} and ${percent(high)}`,
    rivals: { 'without it': base },
    bar: { rival: 'without it', times: 1.02 },
  },
])
