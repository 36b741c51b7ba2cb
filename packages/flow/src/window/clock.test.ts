import { memory } from '@millrace/connector-memory'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { at, clock, operatorHarness, operatorLives } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import type { Item } from '../../test/meeting-trial.ts'
import { pipeline } from '../pipeline.ts'
import type { WindowAssigner } from './assigner.ts'
import { byClock } from './clock.ts'
import { collect } from './collect.ts'
import { sliding } from './sliding.ts'
import { tumbling } from './tumbling.ts'

function nodeOf(windows: WindowAssigner): OperatorNode {
  const { graph } = pipeline('trial', (p) => {
    p.from('in', memory.read<Item>({}))
      .keyBy(({ key }) => key)
      .window(byClock(windows))
      .aggregate('w', { ids: collect(({ id }) => id) })
      .to('out', memory.write())
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

/** The time of the record does not matter. */
const item = (id: number, key = 'a') => at(Number.NaN, { id, key, at: -1000 })

function run(windows: WindowAssigner, input: Parameters<typeof operatorLives<Item>>[0]['input']) {
  const node = nodeOf(windows)
  return operatorLives<Item>({ create: () => node.create(), inputs: keysOf(node), input }).outputs.map(
    ({ value }) => {
      const { key, window, ids } = value as {
        key: string
        window: { start: number; end: number }
        ids: readonly number[]
      }
      return `${key} ${window.start}..${window.end}: ${ids.join('+')}`
    },
  )
}

describe('windows by the clock', () => {
  test('contain what arrives in them, end with them also over a restart, and at the end of the input', () => {
    const input = [
      clock(2),
      item(1),
      item(2, 'b'),
      clock(9),
      item(3),
      clock(10),
      item(4),
      clock(25),
      clock(31),
      item(5),
    ]
    expect(run(tumbling(10), input)).toEqual(['a 0..10: 1+3', 'b 0..10: 2', 'a 10..20: 4', 'a 30..40: 5'])
  })

  test('may overlap, or have pauses between them', () => {
    const input = [clock(4), item(1), clock(7), item(2), clock(30)]
    expect(run(sliding({ size: 10, slide: 5 }), input)).toEqual(['a -5..5: 1', 'a 0..10: 1+2', 'a 5..15: 2'])
    expect(run(sliding({ size: 5, slide: 10 }), input)).toEqual(['a 0..5: 1'])
  })

  test('EN-058 are gone when they end: no record is late', () => {
    const node = nodeOf(tumbling(10))
    const harness = operatorHarness<Item>(() => node.create(), {
      inputs: keysOf(node),
      outputs: node.outputs,
    })
    harness.record({ id: 1, key: 'a', at: 5 })
    harness.processingTime(10)
    expect(harness.cells()).toEqual({ '#timers': 0, windows: 0 })
    harness.record({ id: 2, key: 'a', at: 5 })
    expect(harness.cells()).toEqual({ '#timers': 1, windows: 1 })
    expect(harness.counted('late')).toBe(0)
  })
})
