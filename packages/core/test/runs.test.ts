import { describe, expect, test } from 'vitest'
import { memory, type MemorySink } from '@millrace/connector-memory'
import type { Operator } from '@millrace/core/operator'
import type { Source } from '@millrace/core/connector'
import type { Graph } from '@millrace/core/graph'
import { startJob, type JobEvent, type JobResult } from '@millrace/core/job'
import { count, tumbling, type PipelineBuilder } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, type SimPlatform } from '@millrace/testkit'
import { openSource } from './open-source.ts'
import { live, nextLife, untilCheckpoint, type LifeOptions } from './simulated-job.ts'

interface Counted {
  readonly window: { readonly start: number }
  readonly n: number
}

type Splits = Readonly<Record<string, readonly number[]>>

test('a start warns of a declared output without a reader, once', async () => {
  const life = await live((p) => {
    const parts = p.from('in', openSource({ a: [1, 2] })).split('parts', { small: (n) => n < 2 })
    parts.rest.to('out', memory.write())
  })
  const warnings = life.events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))
  expect(warnings).toEqual([
    "output 'small' of 'parts' has no reader, so its records are dropped; end it with .to(name, sink) or remove it",
  ])
})

/** A job over splits that grow between its runs: windows of 100, what came late for them, and everything read. */
class Runs {
  readonly windows = memory.write<Counted>()
  readonly late = memory.write<number>()
  readonly read = memory.write<number>()
  #platform: SimPlatform = simPlatform({ seed: 1 })

  /** One run over what is in the splits; returns what it has warned of. */
  async run(splits: Splits, options: LifeOptions = {}): Promise<{ result: JobResult; warnings: string[] }> {
    const build = (p: PipelineBuilder): void => {
      const timed = p.from('in', openSource(splits)).withTimestamps({ timestamp: (time: number) => time })
      timed.to('read', this.read)
      const counted = timed
        .keyBy(() => 'all')
        .window(tumbling(100))
        .aggregate('counted', { n: count() })
      counted.to('windows', this.windows)
      counted.late.to('late', this.late)
    }
    const { result, events } = await live(build, { platform: this.#platform, ...options })
    this.#platform = nextLife(this.#platform)
    const warnings = events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))
    return { result: result!, warnings }
  }

  fired(): readonly string[] {
    return this.windows.values.map(({ window, n }) => `${window.start}=${n}`)
  }
}

const following: LifeOptions = { isBounded: false, ...untilCheckpoint }
const draining: LifeOptions = {
  isBounded: false,
  onEvent: (event, job) => {
    if (event.kind === 'checkpointCompleted') void job.stop({ drain: true })
  },
}

describe('a run that follows another', () => {
  test('a bounded run reads what was added since the last one, and none of it is late', async () => {
    const runs = new Runs()
    await runs.run({ s: [10, 250] })
    expect(runs.fired()).toEqual(['0=1', '200=1'])
    const { result, warnings } = await runs.run({ s: [10, 250, 260, 310] })
    expect(result).toEqual({ outcome: 'finished' })
    expect(runs.read.values).toEqual([10, 250, 260, 310])
    expect(runs.late.values).toEqual([])
    expect(runs.fired()).toEqual(['0=1', '200=1', '200=1', '300=1'])
    expect(warnings).toEqual([
      "checkpoint 1 is the end of a run: 'counted' had reached event time 1970-01-01T00:00:00.250Z, and fired everything that was due up to 1970-01-01T00:00:00.300Z. A new record in a window that fired early produces another result for that window, from new records only; with emit: 'updates' it updates the row of the window",
    ])
  })

  test('records older than the last watermark are late, as in one run', async () => {
    const runs = new Runs()
    await runs.run({ s: [10, 250] })
    await runs.run({ s: [10, 250, 190] })
    expect(runs.late.values).toEqual([190])
  })

  test('a live run resumes where a bounded one ended, and a bounded one where a live one was stopped', async () => {
    const runs = new Runs()
    await runs.run({ s: [10] })
    await runs.run({ s: [10, 120] }, following)
    await runs.run({ s: [10, 120, 230] })
    expect(runs.read.values).toEqual([10, 120, 230])
    expect(runs.fired()).toEqual(['0=1', '100=1', '200=1'])
  })

  test('after a drain the job continues: nothing is late, nothing is read twice, and the drain is announced', async () => {
    const runs = new Runs()
    const drained = await runs.run({ s: [10] }, draining)
    expect([drained.result, runs.fired()]).toEqual([{ outcome: 'finished' }, ['0=1']])
    const { result, warnings } = await runs.run({ s: [10, 500, 1_000] }, following)
    expect(result).toEqual({ outcome: 'stopped' })
    expect(runs.late.values).toEqual([])
    expect(runs.fired()).toEqual(['0=1', '500=1'])
    expect(warnings).toEqual([
      expect.stringContaining('fired everything that was due up to 1970-01-01T00:00:00.100Z'),
    ])
  })

  test('a run without new records fires and finishes nothing again, and names what the last run fired', async () => {
    const runs = new Runs()
    await runs.run({ s: [10, 250] })
    for (let again = 0; again < 2; again++) {
      const { warnings } = await runs.run({ s: [10, 250] })
      expect(warnings).toEqual([expect.stringContaining('due up to 1970-01-01T00:00:00.300Z')])
    }
    expect(runs.fired()).toEqual(['0=1', '200=1'])
  })

  test('a split that had ended long before the others is announced with the time before which its records are late', async () => {
    const runs = new Runs()
    await runs.run({ ahead: [40, 250], behind: [50] })
    const { warnings } = await runs.run({ ahead: [40, 250], behind: [50, 60, 240] })
    expect(warnings).toContain(
      "'in': split 'behind' had ended at event time 1970-01-01T00:00:00.050Z, when others of that run had reached 1970-01-01T00:00:00.250Z. Records that were added since may be late where they are older than that",
    )
    expect(runs.late.values).toEqual([60])
  })

  test('a stopped job has no message about the end of a run', async () => {
    const runs = new Runs()
    await runs.run({ s: [10, 250] }, following)
    expect((await runs.run({ s: [10, 250, 300] })).warnings).toEqual([])
    expect(runs.fired()).toEqual(['0=1', '200=1', '300=1'])
  })
})

test('a split that is missing at the start resumes from its position once it is there again', async () => {
  let isThere = true
  const away = (source: Source<number, number>): Source<number, number> => ({
    ...source,
    discoverEveryMs: 10,
    discover: async (context) => {
      const { splits, isComplete } = await source.discover(context)
      const seen = isThere
      isThere = true
      return { splits: seen ? splits : splits.slice(1), isComplete }
    },
  })
  const read = memory.write<number>()
  const run = (splits: Splits, options: LifeOptions): Promise<{ platform: SimPlatform }> =>
    live((p) => p.from('n', away(openSource(splits))).to('read', read), options)
  const first = await run({ a: [1, 2], b: [10] }, { platform: simPlatform({ seed: 1 }) })
  isThere = false
  await run(
    { a: [1, 2, 3], b: [10, 11] },
    {
      platform: nextLife(first.platform),
      isBounded: false,
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted' && event.figures.checkpoint > 8) void job.stop()
      },
    },
  )
  expect(read.values.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 10, 11])
})

test('a finished split is not opened again', async () => {
  let opened = 0
  const inner = memory.read({ all: [1, 2, 3] })
  const counting: Source<number> = {
    ...inner,
    open: (split, from, context) => {
      opened++
      return inner.open(split, from as number | undefined, context)
    },
  }
  const read = memory.write<number>()
  const first = await live((p) => p.from('n', counting).to('read', read))
  await live((p) => p.from('n', counting).to('read', read), { platform: nextLife(first.platform) })
  expect([opened, read.values]).toEqual([1, [1, 2, 3]])
})

/** Says "the end" at the end of its input, which is the source `short`; the source `long` has none. */
function endsBesides(short: Source<number>, long: Source<number>, sink: MemorySink<unknown>): Graph {
  const operator: Operator<unknown, unknown> = { process: () => {}, finish: (out) => out.emit('the end') }
  const onError = { kind: 'fail' } as const
  const exchange = { kind: 'forward' } as const
  return {
    name: 'ends',
    nodes: [
      { kind: 'source', id: 0, name: 'short', source: short, onError },
      { kind: 'source', id: 1, name: 'long', source: long, onError },
      {
        kind: 'operator',
        id: 2,
        name: 'ending',
        type: 'ending',
        inputs: [{ from: 0, output: 'main', exchange }],
        outputs: [],
        fingerprint: undefined,
        create: () => operator,
        onError,
      },
      {
        kind: 'sink',
        id: 3,
        name: 'out',
        inputs: [
          { from: 2, output: 'main', exchange },
          { from: 1, output: 'main', exchange },
        ],
        sink,
        onError,
      },
    ],
  }
}

test.each([1, 2])(
  'an operator whose input has ended finishes once, however often the job restarts (parallelism %i)',
  async (parallelism) => {
    const sink = memory.write<unknown>()
    let platform = simPlatform({ seed: 1 })
    for (let life = 0; life < 3; life++) {
      const events: JobEvent[] = []
      const job = startJob({
        graph: endsBesides(memory.read({ s: [1, 2] }), openSource({ s: [] }), sink),
        platform,
        store: memoryStore(),
        directory: 'data',
        parallelism,
        checkpoints: { everyMs: 10 },
        restart: { kind: 'none' },
        observer: (event) => {
          events.push(event)
          if (events.filter(({ kind }) => kind === 'checkpointCompleted').length === 2) void job.stop()
        },
      })
      expect(await driveJob(job, platform.clock)).toEqual({ outcome: 'stopped' })
      platform = nextLife(platform)
    }
    expect(sink.values).toEqual(Array.from({ length: parallelism }, () => 'the end'))
  },
)
