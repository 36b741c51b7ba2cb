import { memory } from '@millrace/connector-memory'
import { numberCodec } from '@millrace/core'
import type { GraphNode, OperatorNode } from '@millrace/core/graph'
import { describe, expect, test } from 'vitest'
import { output } from './operators/process.ts'
import { state } from './operators/state-spec.ts'
import { pipeline, type PipelineBuilder } from './pipeline.ts'
import type { Aggregate } from './window/aggregate.ts'
import type { WindowAssigner } from './window/assigner.ts'
import { count } from './window/count.ts'
import { mean } from './window/mean.ts'
import { sliding } from './window/sliding.ts'
import { tumbling } from './window/tumbling.ts'

const source = memory.read({ only: [1, 2, 3] })
const sink = memory.write<unknown>()

function nodesOf(build: (p: PipelineBuilder) => void): readonly GraphNode[] {
  return pipeline('test', build).describe().graph.nodes
}

describe('the fingerprint of a program', () => {
  test('has the kind and codec of state, windows, aggregates and lateness', () => {
    const nodes = nodesOf((p) => {
      const keyed = p
        .from('in', source)
        .withTimestamps({ timestamp: (n) => n })
        .keyBy((n) => n)
      keyed.reduce('sum', (a, b) => a + b).to('a', sink)
      keyed
        .window(sliding({ size: '1m', slide: '10s', offset: '-3s' }))
        .aggregate('figures', { n: count(), m: mean((n) => n) }, { allowedLateness: '5s' })
        .to('b', sink)
      keyed
        .process('check', {
          state: { last: state.value({ codec: numberCodec }), all: state.list<number>() },
          output: output<number>(),
          onRecord() {},
        })
        .to('c', sink)
    })
    const operators = nodes.filter((node): node is OperatorNode => node.kind === 'operator')
    const structured = { version: 1, codec: 'structured', codecVersion: 1 }
    expect(operators.map(({ fingerprint }) => fingerprint)).toEqual([
      { pieces: [{ role: 'state', name: 'total', kind: 'value', ...structured }], settings: [] },
      {
        pieces: [
          { role: 'state', name: 'slices', kind: 'slices', ...structured, codec: 'accumulators' },
          { role: 'aggregate', name: 'n', kind: 'count', ...structured },
          { role: 'aggregate', name: 'm', kind: 'mean', ...structured },
        ],
        settings: [
          { name: 'window kind', value: 'sliding' },
          { name: 'window size', value: 60_000, unit: 'ms' },
          { name: 'window offset', value: -3_000, unit: 'ms' },
          { name: 'window slide', value: 10_000, unit: 'ms' },
          { name: 'allowed lateness', value: 5_000, unit: 'ms', mayChange: true },
        ],
      },
      {
        pieces: [
          { role: 'state', name: 'last', kind: 'value', ...structured, codec: 'number' },
          { role: 'state', name: 'all', kind: 'list', ...structured },
        ],
        settings: [],
      },
    ])
  })

  test('custom windows and aggregates without a fingerprint are rejected', () => {
    const build = (assigner: WindowAssigner, aggregate: Aggregate<number, number, number>) => () =>
      nodesOf((p) => {
        p.from('in', source)
          .withTimestamps({ timestamp: (n) => n })
          .keyBy((n) => n)
          .window(assigner)
          .aggregate('figures', { n: aggregate })
          .to('out', sink)
      })
    const nameless = Object.defineProperty(tumbling(5), 'fingerprint', { value: undefined })
    const timeless = { ...count(), version: undefined as unknown as number }
    expect(build(nameless, count())).toThrow(
      "the windows of 'figures' (tumbling windows of 5ms) have no fingerprint, so a changed program could misread open windows; give the assigner a 'fingerprint' with its kind and settings",
    )
    expect(build(tumbling(5), timeless)).toThrow(
      "aggregate 'n' of 'figures' has kind \"count\" and version undefined; give it a kind and a version from 1",
    )
    for (const refused of [build(nameless, count()), build(tumbling(5), timeless)]) {
      expect(refused).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID' }))
    }
  })
})
