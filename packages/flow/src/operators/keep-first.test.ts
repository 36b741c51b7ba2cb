import { memory } from '@millrace/connector-memory'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { operatorHarness, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runMeeting } from '../../test/meeting-trial.ts'
import { arrivalsOf } from '../../test/table-trial.ts'
import { pipeline } from '../pipeline.ts'

interface Item {
  readonly id: string
  readonly n: number
}

function firstOf(within: number): OperatorNode {
  const { graph } = pipeline('test', (p) => {
    p.from('in', memory.read<Item>([]))
      .withTimestamps({ timestamp: () => 0 })
      .keyBy(({ id }) => id)
      .keepFirst('first', { within })
      .to('out', memory.write())
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

function harnessOf(node: OperatorNode): OperatorHarness<Item> {
  return operatorHarness<Item>(() => node.create(), { inputs: keysOf(node), outputs: node.outputs })
}

describe('keepFirst', () => {
  test('EN-138 EN-139 any order of arrival, batches, restarts and parallelism keep the same records', () => {
    const item = fc.record({ id: fc.constantFrom('a', 'b'), n: fc.nat(9) })
    fc.assert(
      fc.property(arrivalsOf(item), fc.integer({ min: 1, max: 20 }), (trial, within) => {
        const last = new Map<string, number>()
        const expected = trial.inOrder.filter(({ value: { id }, time }) => {
          if (time < (last.get(id) ?? Number.NEGATIVE_INFINITY) + within) return false
          last.set(id, time)
          return true
        })
        const harness = runMeeting(firstOf(within), trial)
        const text = ({ value, time }: { value: unknown; time: number }) => `${JSON.stringify(value)} ${time}`
        expect(harness.outputs.map(text).toSorted()).toEqual(expected.map(text).toSorted())
        expect(harness.cellsAtLast()).toEqual({ '#timers': 0, waiting: 0, kept: 0, ends: 0 })
      }),
    )
  })

  test('EN-134 the first of several records at one time is kept, and none that follows', () => {
    const harness = harnessOf(firstOf(1_000))
    harness.record({ id: 'k', n: 13 }, 99)
    harness.record({ id: 'k', n: 14 }, 99)
    harness.record({ id: 'k', n: 12 }, 100)
    harness.end()
    expect(harness.outputs).toEqual([{ value: { id: 'k', n: 13 }, time: 99 }])
  })

  test('EN-137 when the time is over the next record is kept again, and no state is left meanwhile', () => {
    const harness = harnessOf(firstOf(10))
    harness.record({ id: 'k', n: 1 }, 100)
    harness.watermark(109)
    harness.snapshotAndRestore(3)
    harness.record({ id: 'k', n: 2 }, 109)
    expect(harness.cells()).toEqual({ '#timers': 0, waiting: 0, kept: 1, ends: 1 })
    harness.watermark(111)
    expect(harness.cells()).toEqual({ '#timers': 0, waiting: 0, kept: 0, ends: 0 })
    harness.record({ id: 'k', n: 3 }, 111)
    harness.end()
    expect(harness.outputs.map(({ value }) => (value as Item).n)).toEqual([1, 3])
  })

  test('a duplicate is not kept in a run after the end of the input either', () => {
    const harness = harnessOf(firstOf(10))
    harness.record({ id: 'k', n: 1 }, 100)
    harness.end()
    harness.snapshotAndRestore(2)
    for (const time of [99, 105, 110]) harness.record({ id: 'k', n: time }, time)
    harness.end()
    expect(harness.outputs.map(({ value }) => (value as Item).n)).toEqual([1, 110])
  })

  test('a late record is not kept: it goes to late and is counted', () => {
    const harness = harnessOf(firstOf(10))
    harness.watermark(100)
    harness.record({ id: 'k', n: 1 }, 99)
    harness.record({ id: 'k', n: 2 }, 100)
    harness.end()
    expect(harness.side('late')).toEqual([{ value: { id: 'k', n: 1 }, time: 99 }])
    expect(harness.counted('late')).toBe(1)
    expect(harness.outputs).toEqual([{ value: { id: 'k', n: 2 }, time: 100 }])
  })

  test('a record as late as the duration is no duplicate', () => {
    const harness = harnessOf(firstOf(10))
    for (const time of [100, 109, 110, 119, 120]) harness.record({ id: 'k', n: time }, time)
    harness.end()
    expect(harness.outputs.map(({ time }) => time)).toEqual([100, 110, 120])
  })
})
