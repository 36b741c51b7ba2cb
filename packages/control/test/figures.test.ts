import { memory, type MemorySink } from '@millrace/connector-memory'
import type { Source } from '@millrace/core/connector'
import { startJob, type Job } from '@millrace/core/job'
import { count, deadLetter, jobOptionsOf, output, pipeline, skip, tumbling } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, type SimPlatform } from '@millrace/testkit'
import { sleep } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import type { JobFigures, SplitPage } from '../src/contract/figures.ts'
import type { CheckpointList, JobOverview } from '../src/contract/job.ts'
import { splitPage } from '../src/job/split-page.ts'
import type { WatchedJob } from '../src/job/watched-job.ts'
import { MeasuredJob, readMetrics } from '../src/metrics.ts'

interface Reading {
  readonly n: number
  readonly device: number
  readonly time: number
}

const splits = Array.from({ length: 20 }, (_, n) => `split-${n}`)
const sizeOf = (split: string): number => 40 + Number(split.slice(6)) * 3
const recordBytes = 16

/** What the test itself counts, in the source and in the functions of the pipeline. */
class Truth {
  readonly counts = new Map<string, number>()
  /** By split: records that were handed out, those of them that are no reading, and the newest time. */
  readonly read = new Map(splits.map((split) => [split, { all: 0, bad: 0, newest: 0 }]))
  readonly devices = new Set<number>()
  /** By sink: what it has committed. */
  readonly sinks = new Map<string, { readonly committed: readonly unknown[] }>()

  /** A sink whose records are counted. */
  sink<T>(name: string): MemorySink<T> {
    const sink = memory.write<T>()
    this.sinks.set(name, sink)
    return sink
  }

  add(name: string): void {
    this.counts.set(name, this.of(name) + 1)
  }

  of(name: string): number {
    return this.counts.get(name) ?? 0
  }

  /** A copy that does not change any more. */
  copy(): Truth {
    const copy = new Truth()
    for (const [name, n] of this.counts) copy.counts.set(name, n)
    for (const [split, each] of this.read) copy.read.set(split, { ...each })
    for (const device of this.devices) copy.devices.add(device)
    for (const [name, { committed }] of this.sinks) copy.sinks.set(name, { committed: [...committed] })
    return copy
  }

  sum(of: (split: { readonly all: number; readonly bad: number }, name: string) => number): number {
    return [...this.read].reduce((sum, [split, each]) => sum + of(each, split), 0)
  }
}

/** A reading in a millisecond of each split; every tenth is none, and every eleventh is an hour old. */
function readings(truth: Truth, start: number): Source<Reading, number> {
  return {
    kind: 'readings',
    durability: 'replayable',
    discover: async () => ({ splits, isComplete: true }),
    open: async (split, from = 0, { clock, signal }) => {
      let next = from
      let isRested = true
      const own = truth.read.get(split)!
      return {
        poll: () => {
          if (next >= sizeOf(split)) return { kind: 'pending', isCaughtUp: true }
          if (!isRested) return { kind: 'pending', isCaughtUp: false }
          isRested = false
          const n = next++
          own.all++
          if (n % 10 === 9) {
            own.bad++
            const failure = {
              index: 0,
              error: new Error('bad'),
              raw: new Uint8Array(recordBytes),
              place: `${n}`,
            }
            return { kind: 'records', values: [], failures: [failure] }
          }
          const time = start + n * 1_000 - (n % 11 === 10 ? 3_600_000 : 0)
          own.newest = Math.max(own.newest, time)
          return { kind: 'records', values: [{ n, device: n % 23, time }] }
        },
        ready: async () => {
          await sleep(clock, 1, signal)
          isRested = true
        },
        position: () => next,
        lag: () => ({ records: sizeOf(split) - next, bytes: (sizeOf(split) - next) * recordBytes }),
        get bytesRead() {
          return (next - from) * recordBytes
        },
        close: async () => {},
      }
    },
  }
}

/** 12 operators that count what they are given. */
function devices(truth: Truth, start: number) {
  return pipeline('devices', (p) => {
    const stamped = p
      .from('readings', readings(truth, start), { onError: skip() })
      .map((reading) => (truth.add('first'), reading), { name: 'first' })
      .withTimestamps({ name: 'stamped', timestamp: ({ time }) => time, maxOutOfOrderness: '0s' })
    const kept = stamped.map(
      (reading) => {
        truth.add('check')
        if (reading.n % 7 === 3) throw new Error('refused')
        truth.add('checked')
        return reading
      },
      { name: 'check', onError: deadLetter('letters', truth.sink('letters')) },
    )
    const windows = kept
      .keyBy(({ device }) => device)
      .window(tumbling('10s'))
      .aggregate('window', { n: count() })
    windows.to('windows', truth.sink('windows'))
    windows.late.tap(() => truth.add('late'), { name: 'see' }).to('late', truth.sink('late'))
    kept
      .keyBy(({ device }) => device)
      .process('alarms', {
        output: output<Reading>(),
        onRecord({ value }, { emit, timers }) {
          truth.devices.add(value.device)
          timers.setProcessing(start + 2 * 86_400_000)
          emit(value)
        },
      })
      .mapAsync(
        'call',
        async ({ n }) => {
          truth.add('called')
          if (n % 5 === 4 && truth.of('failed') < 30) {
            truth.add('failed')
            throw new Error('try again')
          }
          return n
        },
        { retry: { attempts: 100, firstDelay: 1, longestDelay: 1 } },
      )
      .to('out', truth.sink('out'))
  })
}

/** What the API says at one moment, and what was counted up to it. */
interface Moment {
  readonly truth: Truth
  readonly at: number
  readonly figures: JobFigures
  readonly overview: JobOverview
  readonly checkpoints: CheckpointList
  readonly splits: SplitPage
  readonly metrics: ReadonlyMap<string, number>
  readonly diskBytes: number
  readonly completed: number
  readonly elapsedMs: number
}

function momentOf(
  measured: MeasuredJob,
  truth: Truth,
  platform: SimPlatform,
  { completed, elapsedMs }: Pick<Moment, 'completed' | 'elapsedMs'>,
): Moment {
  measured.measure()
  const metrics = new Map<string, number>()
  readMetrics([measured], ({ name }, labels, value) => {
    const { job: _, ...others } = labels
    metrics.set([name, ...Object.values(others)].join(' '), value)
  })
  const query = { source: undefined, sort: 'name', limit: 100, from: 0 } as const
  return {
    truth: truth.copy(),
    at: platform.clock.now(),
    figures: measured.figures(),
    overview: measured.overview(),
    checkpoints: measured.checkpoints(),
    splits: splitPage(measured as unknown as WatchedJob, query),
    metrics,
    diskBytes: measured.job.status().state!.diskBytes,
    completed,
    elapsedMs,
  }
}

/** Runs the job and looks at it when so many milliseconds have passed. */
async function watched(parallelism: number, ...looks: readonly number[]): Promise<readonly Moment[]> {
  const platform = simPlatform({ seed: 1 })
  const { clock } = platform
  const truth = new Truth()
  const moments: Moment[] = []
  let completed = 0
  const job: Job = startJob({
    // Event times are a day behind the clock.
    ...jobOptionsOf(devices(truth, clock.now() - 86_400_000)),
    platform,
    store: memoryStore(),
    parallelism,
    checkpoints: { everyMs: 5 },
  })
  const runtime = {} as JobOverview['runtime']
  using measured = new MeasuredJob(job, { runtime: () => runtime })
  measured.measure()
  const from = clock.monotonic()
  using _ = job.observe((event) => {
    if (event.kind !== 'checkpointCompleted') return
    completed++
    const elapsedMs = clock.monotonic() - from
    if (elapsedMs < (looks[moments.length] ?? Infinity)) return
    moments.push(momentOf(measured, truth, platform, { completed, elapsedMs }))
    if (moments.length === looks.length) void job.stop()
  })
  await driveJob(job, clock)
  expect(await job.ended).toEqual({ outcome: 'stopped' })
  return moments
}

const operatorOf = ({ figures }: Moment, name: string) =>
  figures.operators.find(({ operator }) => operator === name)!

describe.each([1, 3])('figures of 12 operators over 20 splits, with %i subtasks', (parallelism) => {
  test('each number of a job under load equals an independent count', async () => {
    const [loaded, done] = await watched(parallelism, 30, 300)
    for (const moment of [loaded!, done!]) {
      const { truth, overview } = moment
      const good = truth.sum(({ all, bad }) => all - bad)
      const all = truth.sum((split) => split.all)
      const left = truth.sum((split, name) => sizeOf(name) - split.all)
      expect(operatorOf(moment, 'readings')).toMatchObject({
        recordsIn: all,
        recordsOut: good,
        bytes: all * recordBytes,
        skipped: all - good,
        lagRecords: left,
        lagBytes: left * recordBytes,
        splits: 20,
      })
      expect(operatorOf(moment, 'first').recordsIn).toBe(truth.of('first'))
      expect(operatorOf(moment, 'check')).toMatchObject({
        recordsIn: truth.of('check'),
        recordsOut: truth.of('checked'),
        deadLettered: truth.of('check') - truth.of('checked'),
      })
      expect(operatorOf(moment, 'window').late).toBe(truth.of('late'))
      expect(operatorOf(moment, 'call').retries).toBe(truth.of('failed'))
      // One timer for each device, and no state of its own.
      expect(operatorOf(moment, 'alarms')).toMatchObject({ timers: truth.devices.size, stateCells: 0 })
      expect(overview.totals).toMatchObject({
        recordsIn: all,
        bytesIn: all * recordBytes,
        late: truth.of('late'),
        skipped: all - good,
        deadLettered: truth.of('check') - truth.of('checked'),
        retries: truth.of('failed'),
        lagRecords: left,
        lagBytes: left * recordBytes,
      })
    }
    expect(operatorOf(loaded!, 'readings').lagRecords).toBeGreaterThan(0)
    expect(loaded!.truth.of('late')).toBeGreaterThan(0)
    expect(loaded!.truth.of('failed')).toBeGreaterThan(0)
    expect(operatorOf(done!, 'out').recordsIn).toBe(done!.truth.of('checked'))
    expect(done!.overview.totals.recordsOut).toBe(
      operatorOf(done!, 'out').recordsIn + operatorOf(done!, 'windows').recordsIn + done!.truth.of('late'),
    )
  })

  test('each of them: what it has received and emitted, when all is read', async () => {
    const [done] = (await watched(parallelism, 300)) as [Moment]
    const { truth, figures } = done
    const [first, checked, late] = ['first', 'checked', 'late'].map((name) => truth.of(name)) as [
      number,
      number,
      number,
    ]
    const written = (name: string): number => truth.sinks.get(name)!.committed.length
    expect(Math.min(late, written('windows'), written('letters'))).toBeGreaterThan(0)
    expect(figures.operators.map((each) => [each.operator, each.recordsIn, each.recordsOut])).toEqual([
      ['readings', truth.sum(({ all }) => all), first],
      ['first', first, first],
      ['stamped', first, first],
      ['check', first, checked],
      ['window', checked, written('windows') + late],
      ['windows', written('windows'), written('windows')],
      ['see', late, late],
      ['late', written('late'), written('late')],
      ['alarms', checked, checked],
      ['call', checked, checked],
      ['out', written('out'), written('out')],
      ['letters', written('letters'), written('letters')],
    ])
    expect([written('late'), written('out'), written('letters')]).toEqual([late, checked, first - checked])
  })

  test('splits: records, bytes, lag, times and skew, each by itself', async () => {
    const [{ truth, splits: page, at }] = (await watched(parallelism, 20)) as [Moment]
    expect(page.total).toBe(20)
    const slowest = Math.min(...Array.from(truth.read.values(), ({ newest }) => newest))
    for (const row of page.splits) {
      const { all, bad, newest } = truth.read.get(row.split)!
      expect(row).toMatchObject({
        recordsOut: all - bad,
        bytes: all * recordBytes,
        lagRecords: sizeOf(row.split) - all,
        lagBytes: (sizeOf(row.split) - all) * recordBytes,
        newest,
        watermark: newest,
        watermarkLagMs: at - newest,
        skewMs: newest - slowest,
      })
    }
  })

  test('watermarks: the least of all splits, and what the clock is ahead of it', async () => {
    const [moment] = (await watched(parallelism, 300)) as [Moment]
    const { truth, at, overview } = moment
    const least = Math.min(...Array.from(truth.read.values(), ({ newest }) => newest))
    for (const name of ['readings', 'window', 'alarms']) {
      expect(operatorOf(moment, name)).toMatchObject({ watermark: least, watermarkLagMs: at - least })
    }
    expect(overview.totals).toMatchObject({ watermark: least, watermarkLagMs: at - least })
  })

  test('rates: what was counted between two measurements, in the time between them', async () => {
    // The first one was made when the job was started.
    const [moment] = (await watched(parallelism, 30)) as [Moment]
    const { truth, overview, elapsedMs } = moment
    const seconds = elapsedMs / 1_000
    const read = truth.sum(({ all }) => all)
    expect(operatorOf(moment, 'check').inRate).toBeCloseTo(truth.of('check') / seconds, 6)
    expect(operatorOf(moment, 'check').outRate).toBeCloseTo(truth.of('checked') / seconds, 6)
    expect(operatorOf(moment, 'readings').bytesRate).toBeCloseTo((read * recordBytes) / seconds, 6)
    expect(overview.inRate).toBeCloseTo(read / seconds, 6)
  })

  test('state: the cells of open windows, and the totals of all operators', async () => {
    const [moment] = (await watched(parallelism, 300)) as [Moment]
    const { truth, figures, overview, diskBytes } = moment
    const least = Math.min(...Array.from(truth.read.values(), ({ newest }) => newest))
    // Each split has one time for each number, so the cells are the devices of the numbers in windows that have not ended.
    const cells = new Set<string>()
    for (const split of splits) {
      for (let n = 0; n < sizeOf(split); n++) {
        if (n % 10 === 9 || n % 7 === 3 || n % 11 === 10) continue
        const time = truth.read.get(split)!.newest - (lastGood(split) - n) * 1_000
        const end = Math.floor(time / 10_000) * 10_000 + 10_000
        if (end > least) cells.add(`${end} ${n % 23}`)
      }
    }
    expect(operatorOf(moment, 'window').stateCells).toBe(cells.size)
    const sum = (of: (each: JobFigures['operators'][number]) => number): number =>
      figures.operators.reduce((total, each) => total + of(each), 0)
    expect(overview.totals.stateCells).toBe(sum(({ stateCells, timers }) => stateCells + timers))
    expect(overview.totals.stateBytes).toBe(sum(({ stateBytes }) => stateBytes ?? 0))
    expect(overview.totals.diskBytes).toBe(diskBytes)
  })

  test('checkpoints that are listed are those that were announced', async () => {
    const [{ checkpoints, completed }] = (await watched(parallelism, 60)) as [Moment]
    expect(checkpoints.completed).toBe(completed)
    expect(checkpoints.aborted).toBe(0)
    expect(checkpoints.checkpoints.filter(({ outcome }) => outcome === 'completed')).toHaveLength(completed)
  })

  test('what Prometheus reads equals what the dashboard shows', async () => {
    const [{ metrics, figures }] = (await watched(parallelism, 20)) as [Moment]
    for (const each of figures.operators) {
      const { operator } = each
      expect(metrics.get(`millrace_operator_records_in_total ${operator}`)).toBe(each.recordsIn)
      expect(metrics.get(`millrace_operator_records_out_total ${operator}`)).toBe(each.recordsOut)
      expect(metrics.get(`millrace_operator_late_total ${operator}`)).toBe(each.late)
      expect(metrics.get(`millrace_operator_skipped_total ${operator}`)).toBe(each.skipped)
      expect(metrics.get(`millrace_operator_dead_letters_total ${operator}`)).toBe(each.deadLettered)
      expect(metrics.get(`millrace_operator_retries_total ${operator}`)).toBe(each.retries)
      expect(metrics.get(`millrace_operator_state_cells ${operator}`)).toBe(each.stateCells)
      expect(metrics.get(`millrace_operator_timers ${operator}`)).toBe(each.timers)
    }
  })
})

/** The last number of a split that sets its newest time. */
function lastGood(split: string): number {
  let n = sizeOf(split) - 1
  while (n % 10 === 9 || n % 11 === 10) n--
  return n
}
