/** What no run may be blamed for: each of these depends on the order in which records meet, or on what was lost. */
import { memory } from '@millrace/connector-memory'
import type { Sink } from '@millrace/core/connector'
import { pipeline, type Pipeline } from '@millrace/flow'
import { expect, test } from 'vitest'
import { simulate, simulateSeeds } from './simulate.ts'

const numbers = (count: number, first = 0): readonly number[] =>
  Array.from({ length: count }, (_, n) => first + n)

test('a stream that is joined with its own results has no order between the two', async () => {
  const joined = pipeline('joined', (p) => {
    const all = p.from('numbers', memory.read({ all: numbers(60) }))
    all.union(all.map((n) => -n)).to('out', memory.write())
  })
  expect((await simulateSeeds(joined, { seeds: 40 })).notCompared).toEqual([])
})

/** A source that cannot be read again, beside two splits of which the order can be seen. */
const besideVolatile: Pipeline = pipeline('beside-volatile', (p) => {
  p.from('gone', { ...memory.read({ all: numbers(50) }), durability: 'volatile' }).to(
    'gone-out',
    memory.write(),
  )
  p.from('kept', memory.read({ a: numbers(40), b: numbers(40, 100) }))
    .keyBy(() => 'all')
    .reduce('mix', (mixed, n) => (mixed * 31 + n) % 1_000_003)
    .to('mix-out', memory.write())
})

test('records lost from one source do not change how the splits of another take turns', async () => {
  const { faults, notCompared } = await simulateSeeds(besideVolatile, { seeds: 15, faults: { kill: 3 } })
  expect(faults['kill']).toBeGreaterThan(15)
  expect(notCompared).toEqual([])
})

test('results of lost records may be committed if the checkpoint that committed them was damaged', async () => {
  const gone = pipeline('gone', (p) => {
    p.from('numbers', { ...memory.read({ all: numbers(200) }), durability: 'volatile' })
      .keyBy((n) => n % 7)
      .reduce('sum', (sum, n) => sum + n)
      .to('out', memory.write())
  })
  const { faults } = await simulateSeeds(gone, { seeds: 25, faults: { bitFlip: 6, kill: 1 } })
  expect(faults['bitFlip']).toBeGreaterThan(10)
})

test('a paused process may still write what an at-most-once sink may lose', async () => {
  const sink: Sink<unknown> = {
    kind: 'at-most-once',
    guarantee: 'at-most-once',
    open: async () => ({ write() {}, prepare: async () => undefined, close: async () => {} }),
  }
  const careless = pipeline('careless', (p) => {
    p.from('numbers', memory.read({ all: numbers(200) })).to('out', sink)
  })
  const { faults } = await simulateSeeds(careless, { seeds: 60, faults: { zombie: 4 } })
  expect(faults['zombie']).toBeGreaterThan(100)
})

test('a result that seldom depends on the order is not compared where the state depends on it', async () => {
  const rare = pipeline('rare', (p) => {
    p.from('numbers', memory.read({ all: numbers(100) }))
      .keyBy((n) => n % 2)
      .reduce('last', (_before, n) => n)
      .map(({ value }) => value)
      .keyBy(() => 'all')
      .scan(
        'place',
        () => ({ seen: 0, place: 0 }),
        ({ seen, place }, n) => ({ seen: seen + 1, place: n === 50 ? seen : place }),
      )
      .filter(({ value }) => value.seen === 100)
      // Far from its place if all come in turn.
      .map(({ value }) => Math.abs(value.place - 50) > 12)
      .to('out', memory.write())
  })
  // Six runs without faults show that the state is different each time, and never what this one run shows.
  const { notCompared } = await simulate(rare, { seed: 7 })
  expect(notCompared.map(({ sink }) => sink)).toEqual(['(state of place)', 'out'])
})

test('a full disk gets space again even if the job restarts with long delays', async () => {
  const calling = pipeline('calling', (p) => {
    p.from('numbers', memory.read({ all: numbers(200) }))
      .mapAsync('call', async (n) => n, { concurrency: 1 })
      .to('out', memory.write())
  })
  const { faults } = await simulateSeeds(calling, { seeds: 12, faults: { diskFull: 1, slowCalls: 1 } })
  expect(faults['diskFull']).toBeGreaterThan(6)
})

test('the report contains the expected results of a run without faults', async () => {
  const { expected } = await simulateSeeds(besideVolatile, { seeds: 1 })
  expect(expected['gone-out']).toEqual(numbers(50))
  expect(expected['mix-out']).toHaveLength(80)
})
