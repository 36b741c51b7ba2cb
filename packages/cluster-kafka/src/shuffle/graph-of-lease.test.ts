import { memory } from '@millrace/connector-memory'
import { inputsOf, type Graph, type GraphNode } from '@millrace/core/graph'
import {
  collect,
  connect,
  connectBroadcast,
  count,
  deadLetter,
  output,
  pipeline,
  state,
  tumbling,
  type PipelineBuilder,
} from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import { graphOfLease, type LeasePort } from './graph-of-lease.ts'
import { shuffleTopics } from './shuffle-edge.ts'

interface Payment {
  readonly card: string
  readonly at: number
}

const unused = (): never => expect.fail('building a graph asks nothing of the cluster')
const port: LeasePort = {
  address: 'memory:9092',
  feed: unused,
  range: unused,
  deleteRecords: unused,
  partitions: unused,
}
const transaction = { add: unused }

function graphOf(build: (p: PipelineBuilder) => void): Graph {
  return pipeline('test', build).describe().graph
}

function payments(p: PipelineBuilder, name = 'payments') {
  return p.from(name, memory.read<Payment>({ a: [], b: [] })).withTimestamps({ timestamp: ({ at }) => at })
}

function cut(graph: Graph, leases = 4): Graph {
  return graphOfLease(graph, { job: 'job', lease: 1, leases, keyGroups: 128, port, transaction })
}

/** Each node with the nodes that it reads, for those that have any. */
function shapeOf({ nodes }: Graph): readonly string[] {
  const names = new Map(nodes.map(({ id, name }) => [id, name]))
  return nodes.map((node) => {
    const from = inputsOf(node).map(
      ({ from: id, output: out }) => `${names.get(id)}${out === 'main' ? '' : `.${out}`}`,
    )
    return from.length === 0 ? node.name : `${node.name} <- ${from.join(', ')}`
  })
}

function topicsOf(build: (p: PipelineBuilder) => void): readonly string[] {
  return shuffleTopics(graphOf(build), { job: 'job', leases: 4 }).map(({ name }) => name)
}

/** Nodes of the given graph that the cut one has in another form, besides where their inputs come from. */
function changedNodes(graph: Graph, of: Graph): readonly string[] {
  const after = new Map(of.nodes.map((node) => [node.id, node]))
  return graph.nodes.flatMap((node) => {
    const now = after.get(node.id)
    return now !== undefined && plain(now) === plain(node) ? [] : [node.name]
  })
}

function plain(node: GraphNode): string {
  const inputs = inputsOf(node).map(({ name, exchange }) => ({ name, exchange: exchange.kind }))
  return JSON.stringify({ ...node, inputs })
}

describe('the graph of one of several leases', () => {
  test('is cut before a window by key; names and state of all nodes stay as they are', () => {
    const graph = graphOf((p) =>
      payments(p)
        .keyBy(({ card }) => card)
        .window(tumbling('1m'))
        .aggregate('per-card', { n: count() })
        .to('out', memory.write()),
    )
    const lease = cut(graph)
    expect(shapeOf(lease)).toEqual([
      'payments',
      'withTimestamps-1 <- payments',
      'per-card (shuffle out) <- withTimestamps-1',
      'per-card (shuffle in)',
      'per-card <- per-card (shuffle in)',
      'out <- per-card',
    ])
    expect(changedNodes(graph, lease)).toEqual([])
  })

  test('is the whole graph if there is one lease', () => {
    const graph = graphOf((p) => payments(p).to('out', memory.write()))
    expect(cut(graph, 1)).toEqual(graph)
    expect(shuffleTopics(graph, { job: 'job', leases: 1 })).toEqual([])
  })

  test('has a shuffle for each keyBy, each input of a join, and what is broadcast', () => {
    expect(
      topicsOf((p) => {
        const left = payments(p, 'left').keyBy(({ card }) => card)
        const right = payments(p, 'right').keyBy(({ card }) => card)
        const pairs = connect(left, right).process('match', {
          output: output<Payment>(),
          onLeft: () => {},
          onRight: () => {},
        })
        connectBroadcast(
          pairs.keyBy(({ card }) => card),
          payments(p, 'rules'),
        )
          .process('limits', {
            output: output<Payment>(),
            broadcast: { limit: state.value<number>() },
            onBroadcast: () => {},
            onRecord: () => {},
          })
          .to('out', memory.write())
      }),
    ).toEqual([
      'millrace-job-shuffle-match--left',
      'millrace-job-shuffle-match--right',
      'millrace-job-shuffle-limits.broadcast',
      'millrace-job-shuffle-limits--records',
      'millrace-job-shuffle-limits--broadcast',
    ])
  })

  test('topics have names that brokers take, and two that would be one are refused', () => {
    const named = (...names: readonly string[]) =>
      topicsOf((p) => {
        for (const [index, name] of names.entries())
          payments(p, `payments-${index}`)
            .keyBy(({ card }) => card)
            .reduce(name, (first) => first)
            .to(`out-${index}`, memory.write())
      })
    expect(named('je Händler')).toEqual([
      expect.stringMatching(/^millrace-job-shuffle-je_H_ndler-[0-9a-f]{8}$/),
    ])
    expect(() => named('a.b', 'a_b')).toThrow(/'a.b' and 'a_b' would use one topic/)
  })

  test('the topics keep their names when steps and other parts are added to the program', () => {
    const before = topicsOf((p) =>
      payments(p)
        .map((payment) => payment)
        .keyBy(({ card }) => card)
        .window(tumbling('1m'))
        .aggregate('per-card', { n: count() })
        .to('out', memory.write()),
    )
    const after = topicsOf((p) => {
      payments(p, 'others')
        .map((payment) => payment)
        .filter(() => true)
        .to('all', memory.write())
      payments(p)
        .filter(() => true)
        .map((payment) => payment)
        .keyBy(({ card }) => card)
        .window(tumbling('1m'))
        .aggregate('per-card', { n: count() })
        .to('out', memory.write())
    })
    expect(after).toEqual(before)
    expect(before).toEqual(['millrace-job-shuffle-per-card'])
  })

  test('a window over all records is one key, which one lease has', () => {
    expect(
      topicsOf((p) =>
        payments(p)
          .window(tumbling('1m'))
          .aggregate('all', { payments: collect() })
          .to('out', memory.write()),
      ),
    ).toEqual(['millrace-job-shuffle-all'])
  })

  test('streams that are merged, split, or go to dead letters stay in their lease', () => {
    expect(
      topicsOf((p) => {
        const merged = payments(p, 'one').union(payments(p, 'two'))
        const { rest, large } = merged.split('sizes', { large: () => true })
        rest
          .map((payment) => payment, { onError: deadLetter('failed', memory.write()) })
          .to('rest', memory.write())
        large.to('large', memory.write())
      }),
    ).toEqual([])
  })
})
