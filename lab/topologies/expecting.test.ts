import type { Invariant, RunFacts } from '@millrace/simulator'
import { expect, test } from 'vitest'
import { expecting, withItems } from './expecting.ts'
import { predict } from './oracle.ts'
import type { SplitSpec, Topology } from './topology.ts'

const readings = [0, 1, 2, 3].map((id) => ({ id, at: id, key: 'k', value: id }))

const topology: Topology = {
  seed: 0,
  sources: [
    {
      name: 'source',
      durability: 'replayable',
      splits: [{ name: 'split', readings, spoiled: [1, 1, 3] }],
      disorderMs: 0,
      step: undefined,
    },
  ],
  parts: [],
  sinks: [{ name: 'out', from: { node: 'source', output: 'main' }, guarantee: 'exactly-once' }],
  policy: 'skip',
  letters: 'exactly-once',
}

const splitOf = (count: number): SplitSpec =>
  withItems(topology, { source: { split: count } }).sources[0]!.splits[0]!

test('the first items of a split are readings, and bytes before the readings whose numbers they have', () => {
  const kept = (count: number): unknown => {
    const { readings: all, spoiled } = splitOf(count)
    return [all.length, spoiled]
  }
  expect([0, 1, 2, 3, 4, 5, 6].map(kept)).toEqual([
    [0, []],
    [1, []],
    [1, [1]],
    [1, [1, 1]],
    [2, [1, 1]],
    [3, [1, 1]],
    [3, [1, 1, 3]],
  ])
  expect(withItems(topology, { source: { split: 7 } })).toBe(topology)
  expect(withItems(topology, {})).toBe(topology)
})

test('a run with less input is compared with what that input yields, under the same name', () => {
  const seen: number[] = []
  const make = (_: Topology, { records }: ReturnType<typeof predict>): Invariant =>
    function asExpected() {
      seen.push(records.get('out')!.length)
    }
  const invariant = expecting(topology, predict(topology), make)
  const run = (count: number): RunFacts => ({
    faults: [],
    hasLost: false,
    hasFallenBack: false,
    state: undefined,
    items: { source: { split: count } },
  })
  invariant({}, run(7))
  invariant({}, run(4))
  expect(seen).toEqual([4, 2])
  expect(invariant.name).toBe('asExpected')
})
