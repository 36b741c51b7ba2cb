import { memory, type MemorySink } from '@millrace/connector-memory'
import type { Source } from '@millrace/core/connector'
import type { Job, SplitSample, TaskSample } from '@millrace/core/job'
import type { DeadLetter } from '@millrace/core/operator'
import { count, deadLetter, skip, tumbling, type PipelineBuilder } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { sleep } from '@millrace/world'
import { expect, test } from 'vitest'
import { live } from './simulated-job.ts'

const splits = Array.from({ length: 20 }, (_, n) => `split-${n}`)
const perSplit = (split: string): number => 20 + Number(split.slice(6)) * 3
const total = splits.reduce((sum, split) => sum + perSplit(split), 0)

/** Numbers; every tenth is no number. A record has 4 bytes, and the reader knows how many are left. */
const numbers: Source<number, number> = {
  kind: 'counted',
  durability: 'replayable',
  discover: async () => ({ splits, isComplete: true }),
  open: async (split, from = 0, { clock, signal }) => {
    let next = from
    let isRested = true
    return {
      poll: () => {
        if (next >= perSplit(split)) return { kind: 'pending', isCaughtUp: true }
        if (!isRested) return { kind: 'pending', isCaughtUp: false }
        isRested = false
        const value = next++
        if (value % 10 !== 9) return { kind: 'records', values: [value] }
        const failure = {
          index: 0,
          error: new Error('bad'),
          raw: new Uint8Array(4),
          place: `record ${value}`,
        }
        return { kind: 'records', values: [], failures: [failure] }
      },
      ready: async () => {
        await sleep(clock, 1, signal)
        isRested = true
      },
      position: () => next,
      lag: () => ({ records: perSplit(split) - next, bytes: (perSplit(split) - next) * 4 }),
      get bytesRead() {
        return (next - from) * 4
      },
      close: async () => {},
    }
  },
}

/** What each function of the pipeline was called with. */
class Tally {
  readonly #counts = new Map<string, number>()

  add(name: string, by = 1): true {
    this.#counts.set(name, this.of(name) + by)
    return true
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }
}

function flowsOf(samples: readonly TaskSample[]): ReadonlyMap<string, readonly [number, number]> {
  const flows = new Map<string, readonly [number, number]>()
  for (const { operators } of samples) {
    for (const { operator, recordsIn, recordsOut } of operators) {
      const [sumIn, sumOut] = flows.get(operator) ?? [0, 0]
      flows.set(operator, [sumIn + recordsIn, sumOut + recordsOut])
    }
  }
  return flows
}

function countOf(samples: readonly TaskSample[], operator: string, metric: string): number {
  return samples
    .flatMap(({ counts }) => counts)
    .filter((each) => each.operator === operator && each.metric === metric)
    .reduce((sum, { count }) => sum + count, 0)
}

/** 12 operators that count their calls. */
function build(
  p: PipelineBuilder,
  tally: Tally,
  sink: MemorySink<number>,
  letters: MemorySink<DeadLetter>,
): void {
  const stamped = p
    .from('numbers', numbers, { onError: skip() })
    .map((n) => n + Number(tally.add('first')) - 1, { name: 'first' })
    .withTimestamps({ timestamp: (n) => n * 1_000, maxOutOfOrderness: '1h' })
  const kept = stamped
    .filter((n) => tally.add('some') && n % 3 !== 0 && tally.add('some out'), { name: 'some' })
    .flatMap((n) => (tally.add('twice') ? [n, n + 1] : []), { name: 'twice' })
    .map((n) => refuse(n, 7, tally), { name: 'check', onError: deadLetter('letters', letters) })
  const sums = kept
    .keyBy((n) => n % 5)
    .scan(
      'sum',
      () => 0,
      (sum, n) => sum + n + Number(tally.add('sum')) - 1,
    )
  sums
    .map(({ value }) => value)
    .keyBy((n) => n % 2)
    .mapAsync('call', async (n) => (tally.add('call'), n))
    .to('out', sink)
  kept
    .keyBy((n) => n % 5)
    .window(tumbling('10s'))
    .aggregate('window', { n: count() })
    .to('windows', memory.write())
}

/** Runs 12 operators over 20 splits for `ms`, and reads the metrics while they run. */
async function measured(
  parallelism: number,
  ms: number,
): Promise<{
  readonly tally: Tally
  readonly samples: readonly TaskSample[]
  readonly splits: readonly SplitSample[]
  readonly written: number
  readonly letters: number
  readonly job: Job
  readonly checkpointBytes: number
  readonly elapsedMs: number
}> {
  const tally = new Tally()
  const sink = memory.write<number>()
  const letters = memory.write<DeadLetter>()
  const platform = simPlatform({ seed: 1 })
  let samples: readonly TaskSample[] = []
  let read: readonly SplitSample[] = []
  const { job, events } = await live((p) => build(p, tally, sink, letters), {
    platform,
    parallelism,
    isBounded: false,
    checkpoints: { everyMs: 50 },
    onEvent: (event, running) => {
      if (event.kind !== 'checkpointCompleted' || platform.clock.monotonic() < ms) return
      samples = running.samples()
      read = running.splits()
      void running.stop()
    },
  })
  return {
    tally,
    samples,
    splits: read,
    written: sink.values.length,
    letters: letters.values.length,
    job,
    checkpointBytes: events.reduce(
      (sum, event) => sum + (event.kind === 'checkpointCompleted' ? event.figures.bytes : 0),
      0,
    ),
    elapsedMs: platform.clock.monotonic(),
  }
}

function refuse(n: number, bad: number, tally: Tally): number {
  tally.add('check')
  if (n % bad === 0) throw new Error('refused')
  tally.add('check out')
  return n
}

test.each([1, 3])(
  'metrics of 12 operators over 20 splits equal an independent count: parallelism %i',
  async (parallelism) => {
    const { tally, samples, splits: read, letters, written } = await measured(parallelism, 150)
    const decoded = splits.reduce((sum, split) => sum + perSplit(split) - Math.floor(perSplit(split) / 10), 0)
    const flows = flowsOf(samples)
    expect(Object.fromEntries(flows)).toMatchObject({
      numbers: [total, decoded],
      first: [tally.of('first'), tally.of('first')],
      some: [tally.of('some'), tally.of('some out')],
      twice: [tally.of('twice'), 2 * tally.of('twice')],
      check: [tally.of('check'), tally.of('check out')],
      sum: [tally.of('sum'), tally.of('sum')],
      call: [tally.of('call'), tally.of('call')],
      out: [written, written],
      letters: [letters, letters],
      window: [tally.of('check out'), 0],
    })
    expect(tally.of('first')).toBe(decoded)
    expect(letters).toBe(tally.of('check') - tally.of('check out'))
    expect(countOf(samples, 'numbers', 'skipped')).toBe(total - decoded)
    expect(countOf(samples, 'check', 'deadLettered')).toBe(letters)
    // Every split by itself.
    expect(read.map(({ split }) => split).toSorted()).toEqual(splits.toSorted())
    for (const { split, records, bytes, lag, state } of read) {
      const size = perSplit(split)
      expect({ records, bytes, lag, state }).toEqual({
        records: size - Math.floor(size / 10),
        bytes: size * 4,
        lag: { records: 0, bytes: 0 },
        state: 'quiet',
      })
    }
  },
)

test('times of a subtask: what it did adds up to the time since it was made', async () => {
  const { samples, elapsedMs } = await measured(1, 150)
  for (const { task, times } of samples) {
    const { busyMs, backPressuredMs, idleMs, waitingMs } = times
    const sum = busyMs + backPressuredMs + idleMs + waitingMs
    expect([task, sum <= elapsedMs && sum > elapsedMs / 2]).toEqual([task, true])
  }
})

test('lag of a split that is being read: what was not read yet', async () => {
  const { splits: read } = await measured(1, 5)
  const bySplit = new Map(read.map((sample) => [sample.split, sample]))
  for (const split of splits) {
    const { records, lag, bytes } = bySplit.get(split)!
    expect(lag!.records! * 4).toBe(lag!.bytes)
    expect(bytes! + lag!.bytes!).toBe(perSplit(split) * 4)
    expect(records).toBeLessThanOrEqual(perSplit(split) - lag!.records!)
  }
  expect(read.some(({ lag }) => lag!.records! > 0)).toBe(true)
})

test('metrics: the tables of an operator hold its cells and timers', async () => {
  const { job, samples } = await measured(1, 150)
  expect(samples.length).toBeGreaterThan(0)
  const cells = (owner: string, timers: boolean): number =>
    job
      .tables()
      .filter((table) => table.owner === owner && (table.name === '#timers') === timers)
      .reduce((sum, table) => sum + table.cells, 0)
  expect(cells('sum', false)).toBe(5)
  const bytes = job.tables().reduce((sum, table) => sum + table.bytes!, 0)
  expect(bytes).toBe(job.status().state!.liveBytes)
  expect(cells('window', false) + cells('window', true)).toBeGreaterThan(0)
})

test('figures of a checkpoint: bytes of state that were written, and the slowest subtasks first', async () => {
  const { job, samples, checkpointBytes } = await measured(2, 150)
  const { slowest, durationMs } = job.status().lastCheckpoint!
  expect(slowest.length).toBe(Math.min(10, samples.length))
  const times = slowest.map(({ alignedMs, encodeMs }) => alignedMs + encodeMs)
  expect(times).toEqual(times.toSorted((a, b) => b - a))
  expect(times[0]).toBeLessThanOrEqual(durationMs)
  const written = job.status().state!.writtenBytes
  expect(written).toBeGreaterThan(0)
  expect(checkpointBytes).toBe(written)
})

test('a source that is paused: no record is read, event time waits, and it reads again after resume', async () => {
  const sink = memory.write<number>()
  const atCheckpoint: number[] = []
  let phase = 'reading'
  await live(
    (p) => {
      const stamped = p.from('numbers', numbers, { onError: skip() }).withTimestamps({ timestamp: (n) => n })
      stamped.to('out', sink)
    },
    {
      platform: simPlatform({ seed: 1 }),
      isBounded: false,
      checkpoints: { everyMs: 5 },
      onEvent: (event, job) => {
        if (event.kind !== 'checkpointCompleted') return
        const read = job.samples()[0]!.recordsIn
        atCheckpoint.push(read)
        if (phase === 'reading') {
          expect(() => job.pause('other')).toThrow("no source 'other'; it has 'numbers'")
          job.pause('numbers')
          phase = 'paused'
        } else if (phase === 'paused' && atCheckpoint.length === 5) {
          expect(job.paused).toEqual(['numbers'])
          expect(job.splits().every(({ state }) => state === 'paused')).toBe(true)
          job.resume('numbers')
          phase = 'resumed'
        } else if (read === total) {
          phase = 'stopped'
          void job.stop()
        }
      },
    },
  )
  expect(phase).toBe('stopped')
  // The batch that was being read when it was paused is finished.
  expect(new Set(atCheckpoint.slice(1, 5)).size).toBe(1)
  expect(atCheckpoint[4]).toBeLessThan(total)
})
