import { env } from 'node:process'
import { memory } from '@millrace/connector-memory'
import type { Sink, SinkWriter, Source } from '@millrace/core/connector'
import { output, pipeline, sum, tumbling } from '@millrace/flow'
import { expect, test } from 'vitest'
import { orderingSink } from '../../test/ordering-sink.ts'
import { failureOf } from '../../test/simulation-failure-of.ts'
import { manySided, mapping, windowed } from '../../test/simulated-pipelines.ts'
import { faultKinds } from './fault.ts'
import type { Invariant, RunFacts } from './invariant.ts'
import type { SinkStandIn } from './run-plan.ts'
import { simulate, simulateSeeds } from './simulate.ts'

const seeds = env['MILLRACE_TEST_LEVEL'] === 'full' ? 150 : 30

test('a windowed job keeps its guarantees under every kind of fault', async () => {
  const report = await simulateSeeds(windowed, { seeds })
  expect(report.seeds).toBe(seeds)
  expect(report.notCompared).toEqual([])
})

test('a job with several splits, calls and shuffles keeps its guarantees, and every kind of fault occurs', async () => {
  const report = await simulateSeeds(manySided, {
    seeds: Math.max(seeds, 60),
    versions: [manySided],
    severalRuns: true,
  })
  const never = Object.keys(faultKinds).filter((kind) => report.faults[kind] === undefined)
  expect(never).toEqual([])
})

test('calls that keep the order of each key may change the order of a split', async () => {
  const calls = pipeline('calls', (p) => {
    p.from('numbers', memory.read({ all: Array.from({ length: 100 }, (_, n) => n) }))
      .keyBy((n) => n % 7)
      .mapAsync('call', async (n) => n)
      .to('out', memory.write())
  })
  expect((await simulateSeeds(calls, { seeds: 10 })).notCompared).toEqual([])
})

test('calls with order input keep that order when they are repeated after a rescale', async () => {
  const calls = pipeline('calls', (p) => {
    p.from('numbers', memory.read({ all: Array.from({ length: 200 }, (_, n) => n) }))
      .mapAsync('call', async (n) => n, { concurrency: 8 })
      .to('out', memory.write())
  })
  await simulateSeeds(calls, { seeds, faults: { kill: 3, rescale: 3, slowCalls: 3 } })
})

test('damage may stop a job while a paused process still runs, without breaking a guarantee', async () => {
  const sums = pipeline('sums', (p) => {
    p.from('n', memory.read({ a: Array.from({ length: 100 }, (_, n) => ({ at: n * 10 })) }))
      .withTimestamps({ timestamp: ({ at }) => at })
      .keyBy(({ at }) => at % 3)
      .window(tumbling(100))
      .aggregate('s', { n: sum(({ at }: { at: number }) => at) })
      .to('out', memory.write())
  })
  // No checkpoint that can be used. A damaged file of the owner stops no job: it names no owner.
  const awaited = new Set(['CHECKPOINT_CORRUPT'])
  for (let seed = 0; awaited.size > 0 && seed < 2_000; seed++) {
    const { stopped } = await simulate(sums, { seed, faults: { bitFlip: 4, zombie: 2 } })
    if (stopped !== undefined) awaited.delete(stopped.split(':')[0]!)
  }
  expect([...awaited]).toEqual([])
})

test('the same seed gives the same run, and another seed another run', async () => {
  const [first, second] = [await simulate(windowed, { seed: 3 }), await simulate(windowed, { seed: 3 })]
  expect(second).toEqual(first)
  expect(first.outputs['sums-out']!.length).toBeGreaterThan(100)
  expect(first.outputs['late']!.length).toBeGreaterThan(3)
  expect((await simulate(windowed, { seed: 4 })).digest).not.toBe(first.digest)
})

test('a run without faults reports none, and no failure', async () => {
  const report = await simulate(windowed, { seed: 5, faults: 'none', parallelism: 2 })
  expect(report).toMatchObject({ faults: [], lives: 1, parallelism: 2 })
})

test('only the requested faults occur', async () => {
  const report = await simulateSeeds(windowed, { seeds: 10, faults: { powerLoss: 3 } })
  expect(Object.keys(report.faults)).toEqual(['powerLoss'])
})

test('slow sinks take time', async () => {
  let slowerMs = 0
  for (let seed = 0; seed < 10; seed++) {
    const [slow, calm] = [
      await simulate(windowed, { seed, faults: { slowSink: 3 } }),
      await simulate(windowed, { seed, faults: 'none' }),
    ]
    slowerMs += slow.simulatedMs - calm.simulatedMs
  }
  expect(slowerMs).toBeGreaterThan(0)
})

test('slow calls end in another order', async () => {
  const unordered = pipeline('unordered', (p) => {
    p.from('numbers', memory.read({ all: Array.from({ length: 200 }, (_, n) => n) }))
      .mapAsync('call', async (n) => n, { order: 'none', concurrency: 8 })
      .to('out', memory.write())
  })
  const { outputs } = await simulate(unordered, { seed: 1, parallelism: 1, faults: { slowCalls: 5 } })
  const overtaken = outputs['out']!.filter(
    (n, index, all) => index > 0 && (n as number) < (all[index - 1] as number),
  )
  expect(overtaken.length).toBeGreaterThan(10)
})

test('a clock jump is visible to code that reads the time', async () => {
  const dated = pipeline('dated', (p) => {
    p.from('numbers', memory.read({ all: Array.from({ length: 200 }, (_, n) => n) }))
      .keyBy(() => 'all')
      .process('date', {
        output: output<number>(),
        state: {},
        onRecord: (_record, { now, emit }) => emit(now()),
      })
      .to('out', memory.write())
  })
  let jumpsSeen = 0
  for (let seed = 0; seed < 10; seed++) {
    const { outputs, simulatedMs, notCompared } = await simulate(dated, { seed, faults: { clockJump: 4 } })
    const times = outputs['out'] as readonly number[]
    if (Math.max(...times) - Math.min(...times) > 10 * simulatedMs) jumpsSeen++
    expect(notCompared).toEqual([
      { sink: 'out', why: expect.stringContaining("'date' goes by the clock") as string },
    ])
  }
  expect(jumpsSeen).toBeGreaterThan(3)
})

test('a sink that commits twice fails the simulation, and the run is shrunk', async () => {
  const failure = await failureOf(
    simulateSeeds(
      mapping((n) => n),
      { seeds: 50, sinks: { out: () => orderingSink('everything') } },
    ),
  )
  expect(failure).toMatchObject({ kind: 'doubled', where: 'out' })
  const { shrunk } = failure
  expect(shrunk!.events.length).toBeLessThanOrEqual(2)
  expect(shrunk!.records).toBeLessThan(200)
  expect(failure.message).toMatch(/^seed \d+: sink 'out' has twice or more/)
  expect(failure.message).toContain(`--seed ${failure.seed}`)
})

test('duplicate deliveries alone find a sink that is not idempotent, and pass with one that is', async () => {
  for (const forgets of ['nothing', 'before the last', 'everything'] as const) {
    const run = simulateSeeds(
      mapping((n) => n),
      { seeds: 40, sinks: { out: () => orderingSink(forgets) }, faults: { duplicate: 6 } },
    )
    if (forgets === 'nothing') expect((await run).faults['duplicate']).toBeGreaterThan(100)
    else expect(await failureOf(run)).toMatchObject({ kind: 'doubled', where: 'out' })
  }
})

test('a duplicate delivery may arrive late, also after its process has died', async () => {
  const run = (forgets: 'nothing' | 'previous lives'): Promise<unknown> =>
    simulateSeeds(
      mapping((n) => n),
      { seeds: 150, sinks: { out: () => orderingSink(forgets) }, faults: { duplicate: 6, kill: 2 } },
    )
  await run('nothing')
  expect(await failureOf(run('previous lives'))).toMatchObject({ kind: 'doubled', where: 'out' })
})

/** A sink that shows what it is given, as often as it is given it. */
function plainSink(): SinkStandIn {
  const visible: unknown[] = []
  const open = async (): Promise<SinkWriter<unknown>> => ({
    write: (batch) => void visible.push(...batch.values.slice(0, batch.length)),
    prepare: async () => undefined,
    close: async () => {},
  })
  return { sink: { kind: 'plain', guarantee: 'at-least-once', open }, visible: () => visible }
}

test('duplicate writes to an at-least-once sink are allowed, and only an invariant of the user rejects them', async () => {
  const passing = pipeline('passing', (p) => {
    p.from('numbers', memory.read({ all: Array.from({ length: 200 }, (_, n) => n) })).to(
      'out',
      plainSink().sink,
    )
  })
  const once = (outputs: Readonly<Record<string, readonly unknown[]>>): void => {
    if (outputs['out']!.length > 200) throw new Error('something came twice')
  }
  for (const sinks of [{}, { out: plainSink }]) {
    const options = { seeds: 10, sinks, faults: { duplicate: 2 } }
    expect((await simulateSeeds(passing, options)).faults['duplicate']).toBeGreaterThan(5)
    const failure = await failureOf(simulateSeeds(passing, { ...options, invariants: [once] }))
    expect(failure).toMatchObject({ kind: 'invariant', where: 'once' })
  }
})

test('splits that appear late change no result, with kills and rescales or without', async () => {
  const few = Math.ceil(seeds / 2)
  const late = await simulateSeeds(manySided, {
    seeds: few,
    faults: { lateSplits: 4, kill: 2, rescale: 2 },
  })
  expect(late.faults['lateSplits']).toBeGreaterThan(few)
  await simulateSeeds(windowed, { seeds: 20, faults: { lateSplits: 1 } })
})

/** A source whose positions are off by one: the classic mistake. */
function offByOne(): Source<number> {
  const source = memory.read({ all: Array.from({ length: 200 }, (_, n) => n) })
  return {
    ...source,
    open: async (split, from, context) => {
      const reader = await source.open(split, from as number | undefined, context)
      return {
        poll: () => reader.poll(3),
        ready: () => reader.ready(),
        position: () => Math.max(0, reader.position() - 1),
        close: () => reader.close(),
      }
    },
  }
}

test('a source that restores a wrong position fails the simulation', async () => {
  const failure = await failureOf(
    simulateSeeds(
      mapping((n) => n),
      { seeds: 100, sources: { numbers: offByOne } },
    ),
  )
  expect(failure).toMatchObject({ kind: 'doubled', where: 'out' })
  // What a stand-in brings is counted as it comes.
  expect(failure.message).toContain('\n200 records, parallelism')
  expect(failure.message).toContain(
    "What usually does this: the stand-in for 'numbers', if it does not keep its contract.",
  )
})

test('records of a volatile source may be lost in a crash, and the others are emitted once', async () => {
  const numbers = memory.read({ all: Array.from({ length: 300 }, (_, n) => n) })
  const volatile = mapping((n) => n, { ...numbers, durability: 'volatile' })
  let lost = 0
  for (let seed = 0; seed < 30; seed++) {
    const report = await simulate(volatile, { seed })
    lost += 300 - report.outputs['out']!.length
  }
  expect(lost).toBeGreaterThan(0)
})

test('a paused process may commit late to an at-most-once sink', async () => {
  const sink: Sink<number> = {
    kind: 'careless',
    guarantee: 'at-most-once',
    open: () => expect.unreachable('a stand-in takes its place'),
  }
  const numbers = pipeline('numbers', (p) => {
    p.from('n', memory.read({ a: Array.from({ length: 100 }, (_, n) => n) })).to('out', sink)
  })
  await simulateSeeds(numbers, { from: 90, seeds: 20, faults: { zombie: 2 } })
})

test('an invariant of the user that fails is reported, and the run is shrunk', async () => {
  const tooMuch = (outputs: Readonly<Record<string, readonly unknown[]>>): void => {
    if (outputs['out']!.length > 10) throw new Error('more than ten')
  }
  const failure = await failureOf(
    simulate(
      mapping((n) => n),
      { seed: 1, invariants: [tooMuch] },
    ),
  )
  expect(failure).toMatchObject({ kind: 'invariant', where: 'tooMuch' })
  expect(failure.shrunk!.records).toBeLessThan(50)
})

test('an invariant receives how much input a run has, also when the run is shrunk', async () => {
  const all: Invariant = ({ out }, { items }) => {
    const [input] = Object.values(items)
    if (out!.length !== input!['all']) throw new Error(`not ${input!['all']}`)
    if (out!.length > 10) throw new Error('more than ten')
  }
  const numbers = memory.read({ all: Array.from({ length: 100 }, (_, n) => n) })
  const failure = await failureOf(
    simulate(
      mapping((n) => n, numbers),
      { seed: 1, faults: 'none', invariants: [all] },
    ),
  )
  expect(failure.shrunk!.records).toBeLessThan(50)
  expect(failure.shrunk!.findings[0]!.what).toContain('more than ten')
})

test('an invariant receives the faults and whether records are lost', async () => {
  const numbers = memory.read({ all: Array.from({ length: 300 }, (_, n) => n) })
  const facts: RunFacts[] = []
  const allOrLost: Invariant = ({ out }, run) => {
    facts.push(run)
    expect(new Set(out).size < 300).toBe(run.hasLost)
  }
  const runs = await simulateSeeds(
    mapping((n) => n, { ...numbers, durability: 'volatile' }),
    { seeds: 20, faults: { kill: 2 }, invariants: [allOrLost] },
  )
  expect(facts.flatMap(({ faults }) => faults)).toHaveLength(runs.faults['kill']!)
  expect(new Set(facts.map(({ hasLost }) => hasLost))).toEqual(new Set([false, true]))
})

test('a stand-in for an unknown name is rejected with the known names', async () => {
  const refused = async (options: object): Promise<unknown> =>
    simulate(
      mapping((n) => n),
      { seed: 0, ...options },
    ).catch((error: unknown) => error)
  expect(await refused({ sinks: { put: undefined } })).toMatchObject({
    code: 'OPTION_INVALID',
    message: "sinks has 'put', which is no sink of pipeline 'mapping': did you mean 'out'?",
  })
  expect(await refused({ sources: { out: undefined } })).toMatchObject({
    message: "sources has 'out', which is no source of pipeline 'mapping': there is 'numbers'",
  })
  expect(await refused({ inputs: { nubmers: [] } })).toMatchObject({
    message: "inputs has 'nubmers', which is no source of pipeline 'mapping': did you mean 'numbers'?",
  })
  expect(await refused({ calls: { score: undefined } })).toMatchObject({
    message: "calls has 'score', which is no mapAsync of pipeline 'mapping': there is none",
  })
})

test('a pipeline that never ends fails with its seed and names the calls that have not returned', async () => {
  const silent = pipeline('silent', (p) => {
    p.from('n', memory.read({ all: [1, 2, 3] }))
      .mapAsync('ask', () => new Promise<number>(() => {}))
      .to('out', memory.write())
  })
  const failure = await failureOf(simulate(silent, { seed: 5, stepsMax: 2_000 }))
  expect(failure).toMatchObject({ kind: 'stuck', seed: 5 })
  expect(failure.message).toContain('has not ended after 2000 steps: 3 calls have not returned: ask')
})

test('a pipeline that never ends because its calls fail names the call and its error', async () => {
  const cause = Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' })
  const dead = pipeline('dead', (p) => {
    p.from('n', memory.read({ all: [1, 2, 3] }))
      .mapAsync('ask', () => Promise.reject(new TypeError('fetch failed', { cause })), {
        retry: { attempts: 3 },
        breaker: { failures: 2 },
      })
      .to('out', memory.write())
  })
  const failure = await failureOf(simulate(dead, { seed: 5, stepsMax: 3_000 }))
  expect(failure).toMatchObject({ kind: 'stuck', seed: 5 })
  expect(failure.message).toMatch(
    /after 3000 steps: the last \d+ calls of 'ask' failed: TypeError: fetch failed \(caused by ECONNREFUSED connect failed\)\. .* option calls/,
  )
})

test('a stand-in for a source that is always ready without records fails the run', async () => {
  const restless: Source<unknown> = {
    kind: 'restless',
    durability: 'replayable',
    discover: async () => ({ splits: ['all'], isComplete: true }),
    open: async () => ({
      poll: () => ({ kind: 'pending', isCaughtUp: true }),
      ready: async () => {},
      position: () => 0,
      close: async () => {},
    }),
  }
  const failure = await failureOf(
    simulate(
      mapping((n) => n),
      { seed: 0, sources: { numbers: () => restless } },
    ),
  )
  expect(failure.message).toContain(
    "the stand-in for source 'numbers, split all' was ready 10000 times on end",
  )
})
