import { memory } from '@millrace/connector-memory'
import { count, output, pipeline, state, tumbling, type Pipeline } from '@millrace/flow'
import { expect, test } from 'vitest'
import { failureOf } from '../../test/simulation-failure-of.ts'
import { simulate, simulateSeeds } from './simulate.ts'

/** Counts per window, with allowed lateness: a window that fires again, or a record that becomes late, shows. */
function counting(change: { readonly name?: string; readonly steps?: number } = {}): Pipeline {
  return pipeline('counting', (p) => {
    const clicks = Array.from({ length: 200 }, (_, n) => ({
      user: `u${n % 5}`,
      at: n * 20 - ((n * 7) % 5) * 30,
    }))
    let stream = p
      .from('clicks', memory.read({ all: clicks }))
      .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: 60 })
    for (let step = 0; step < (change.steps ?? 0); step++) stream = stream.filter(() => true)
    const counts = stream
      .keyBy(({ user }) => user)
      .window(tumbling(200))
      .aggregate(change.name ?? 'counts', { n: count() }, { allowedLateness: 500 })
    counts.to('out', memory.write())
    counts.late.to('late', memory.write())
  })
}

test('a restart may continue with a later version of the program, whose results are the same', async () => {
  const versions = [counting({ steps: 1 }), counting({ steps: 2 }), counting()]
  const faults = { kill: 3, stop: 2, upgrade: 2 }
  const report = await simulateSeeds(counting(), { seeds: 20, parallelism: 1, faults, versions })
  expect(report.faults['upgrade']).toBeGreaterThan(5)
})

test('without later versions no program is upgraded', async () => {
  expect((await simulateSeeds(counting(), { seeds: 20 })).faults['upgrade']).toBeUndefined()
})

test('a later version that no longer has an operator with state fails the simulation', async () => {
  const versions = [counting({ name: 'renamed' })]
  const failure = await failureOf(simulateSeeds(counting(), { seeds: 20, versions }))
  expect(failure.message).toContain('CHECKPOINT_INCOMPATIBLE')
  expect(failure.message).toContain('renamed')
})

/** The numbers, and in a later version those of another source as well, which `step` changes. */
function numbers(step?: (n: number) => number): Pipeline {
  return pipeline('numbers', (p) => {
    p.from('first', memory.read({ all: Array.from({ length: 150 }, (_, n) => n) })).to('out', memory.write())
    if (step === undefined) return
    p.from('second', memory.read({ all: [1, 2, 3], more: [4] }))
      .map(step)
      .to('more', memory.write())
  })
}

test('a source that a later version adds is read from its beginning, each record once', async () => {
  const lengths: (number | undefined)[] = []
  const report = await simulateSeeds(numbers(), {
    seeds: 20,
    faults: { kill: 3, upgrade: 1 },
    versions: [numbers((n) => n * 10)],
    invariants: [({ more }) => void lengths.push(more?.length)],
  })
  expect(report.faults['upgrade']).toBeGreaterThan(0)
  expect(lengths).toContain(4)
  expect(lengths.every((length) => length === 4 || length === undefined)).toBe(true)
})

test('the results of a source that a later version adds are compared with a run without faults', async () => {
  let calls = 0
  const versions = [numbers((n) => n + 10 * calls++)]
  const run = simulateSeeds(numbers(), { seeds: 20, faults: { kill: 3, upgrade: 1 }, versions })
  expect(await failureOf(run)).toMatchObject({ kind: 'missing', where: 'more' })
})

test('a job that is drained, or whose input grows after its end, invents and loses no result', async () => {
  const clicks = Array.from({ length: 120 }, (_, n) => n)
  const totals = pipeline('totals', (p) => {
    p.from('clicks', memory.read({ all: clicks.slice(0, 70), more: clicks.slice(70) }))
      .keyBy((n) => n % 5)
      .scan(
        'total',
        () => 0,
        (total, n) => total + n,
      )
      .to('out', memory.write())
  })
  const { faults, notCompared } = await simulateSeeds(totals, { seeds: 30, severalRuns: true })
  expect(faults['drain']).toBeGreaterThan(0)
  expect(faults['grow']).toBeGreaterThan(0)
  expect(notCompared).toEqual([])
})

test('results after windows are not compared if a run ended before the input did', async () => {
  const report = await simulate(counting(), { seed: 1, faults: { grow: 1 } })
  expect(report.faults.map(({ kind }) => kind)).toEqual(['grow'])
  expect(report.notCompared).toContainEqual({
    sink: 'out',
    why: 'a run has ended before the input, and windows and timers fired that would have waited for more',
  })
})

test('a finished job that is started again emits nothing twice', async () => {
  const report = await simulate(counting(), { seed: 0, faults: { resume: 1 } })
  expect(report.faults.map(({ kind }) => kind)).toEqual(['resume'])
  expect(report.lives).toBe(2)
})

test('what reads the watermark is not compared if a run ended before the input did', async () => {
  const numbers = Array.from({ length: 120 }, (_, n) => n)
  const prices = pipeline('prices', (p) => {
    p.from('numbers', memory.read({ all: numbers }))
      .withTimestamps({ timestamp: (n) => n * 10 - (n % 3) * 25, maxOutOfOrderness: 60 })
      .keyBy((n) => n % 2)
      .process('prices', {
        output: output<number>(),
        state: { versions: state.versioned<number>({ retention: 0 }) },
        onRecord({ value, time }, { state: { versions }, emit }) {
          versions.set(value, time)
          emit(versions.getAsOf(time) ?? -1)
        },
      })
      .to('out', memory.write())
  })
  const report = await simulate(prices, { seed: 1, faults: { grow: 1 } })
  expect(report.faults.map(({ kind }) => kind)).toEqual(['grow'])
  expect(report.notCompared.map(({ sink }) => sink)).toContain('out')
})
