import { withinTransaction, type KafkaPort, type OpenCollector } from '@millrace/connector-kafka/port'
import type { OriginDetail } from '@millrace/core/connector'
import {
  inputsOf,
  mapInputs,
  type Graph,
  type GraphNode,
  type Input,
  type NodeId,
  type OperatorNode,
  type SinkNode,
  type SourceNode,
} from '@millrace/core/graph'
import type { LeaseTransaction } from '../lease/lease-transaction.ts'
import { leaseOperator, leaseSource, type LeaseShare } from './lease-share.ts'
import { shuffleEdges, type ShuffleEdge } from './shuffle-edge.ts'
import { ShuffleSink, type ShuffleRoute } from './shuffle-sink.ts'
import { ShuffleSource, type ShufflePort } from './shuffle-source.ts'
import { TransactionOutput } from './transaction-output.ts'

/** The cluster as the graph of a lease uses it. */
export type LeasePort = ShufflePort & Pick<KafkaPort, 'partitions'>

/** Which lease of which job a graph is for, and what it runs with. */
export interface LeaseGraphOptions extends LeaseShare {
  /** The name of the job: topics are named after it. */
  readonly job: string
  readonly port: LeasePort
  /** What sinks add becomes visible with the next checkpoint of the lease. */
  readonly transaction: LeaseTransaction
  /** Whether the lease has ended in this run of the job before, so that the shuffles have ended too. Default false. */
  readonly isRunContinued?: boolean
}

/**
 * The part of a job that one lease runs, as a job of its own with one subtask: `lease` of `leases`.
 *
 * Where records change their subtask, by `keyBy` or a broadcast, the graph is cut: the edge becomes a sink, which writes to all leases, and
 * a source, which reads what they have written to this one (`shuffleTopics` says which topics that needs). Sources read the splits that
 * this subtask of so many would read. All other nodes stay as they are, with their names, their state and its fingerprints. One lease
 * needs no cut. Sinks of the same cluster write in the transaction of the lease.
 *
 * Throws `GRAPH_INVALID` for what several leases cannot run.
 */
export function graphOfLease(graph: Graph, options: LeaseGraphOptions): Graph {
  if (options.leases === 1) return { ...graph, nodes: graph.nodes.map((node) => withSink(node, options)) }
  const edges = new Map<NodeId, ShuffleEdge[]>()
  for (const edge of shuffleEdges(graph, options.job)) {
    edges.set(edge.node.id, [...(edges.get(edge.node.id) ?? []), edge])
  }
  const cut = new Cut(graph, options)
  return { ...graph, nodes: graph.nodes.flatMap((node) => cut.nodesFor(node, edges.get(node.id) ?? [])) }
}

/** Cuts the edges of one graph. */
class Cut {
  readonly #graph: Graph
  readonly #options: LeaseGraphOptions
  readonly #detail: OriginDetail
  #nextId: NodeId

  constructor(graph: Graph, options: LeaseGraphOptions) {
    this.#graph = graph
    this.#options = options
    // A dead letter shows the place and the bytes of its record, wherever that came from.
    const hasLetters = graph.nodes.some(({ onError }) => onError.kind === 'deadLetter')
    this.#detail = hasLetters ? 'full' : 'range'
    this.#nextId = Math.max(...graph.nodes.map(({ id }) => id)) + 1
  }

  /** A node as the lease has it, behind the sinks and sources of those of its inputs that are shuffled. */
  nodesFor(node: GraphNode, edges: readonly ShuffleEdge[]): readonly GraphNode[] {
    const shuffles = edges.map((edge) => this.#shuffle(edge))
    const sources = new Map(shuffles.map(({ source }, at) => [edges[at]!.input, source.id]))
    const own = withInputs(node, (input, index) => {
      const from = sources.get(index)
      return from === undefined ? input : { ...input, from, output: 'main' }
    })
    return [...shuffles.flatMap(({ sink, source }) => [sink, source]), this.#shareOf(own)]
  }

  #shuffle({ node, input, name, topic, isTimed }: ShuffleEdge): {
    readonly sink: SinkNode
    readonly source: SourceNode
  } {
    const { lease, leases, keyGroups, port, transaction, isRunContinued = false } = this.#options
    const { from, output, exchange } = inputsOf(node)[input]!
    const route: ShuffleRoute =
      exchange.kind === 'key' ? { kind: 'key', by: exchange.by, keyGroups } : { kind: 'broadcast' }
    const onError = { kind: 'fail' } as const
    const sink: SinkNode = {
      kind: 'sink',
      id: this.#nextId++,
      // A name that a user gives begins with a letter and has no parentheses.
      name: `${name} (shuffle out)`,
      onError,
      inputs: [{ from, output, exchange: { kind: 'forward' } }],
      sink: new ShuffleSink({ topic, lease, leases, route, detail: this.#detail, transaction }),
    }
    const source: SourceNode = {
      kind: 'source',
      id: this.#nextId++,
      name: `${name} (shuffle in)`,
      onError,
      source: new ShuffleSource({ topic, lease, leases, port, isTimed, isRunContinued }),
    }
    return { sink, source }
  }

  #shareOf(node: GraphNode): GraphNode {
    if (node.kind === 'source') return leaseSource(node, this.#graph.name, this.#options)
    if (node.kind === 'sink') return withSink(node, this.#options)
    return node.kind === 'operator' ? leaseOperator(node, this.#graph.name, this.#options) : node
  }
}

/** Sinks of the cluster of the lease write in its transaction. */
function withSink(node: GraphNode, { port, transaction }: LeaseGraphOptions): GraphNode {
  if (node.kind !== 'sink') return node
  const open: OpenCollector = (context) => TransactionOutput.open(transaction, context)
  const sink = withinTransaction(node.sink, port, open)
  return sink === undefined ? node : { ...node, sink }
}

function withInputs(node: GraphNode, change: (input: Input, index: number) => Input): GraphNode {
  if (node.kind === 'source') return node
  if (node.kind === 'operator') return { ...node, inputs: changed(node.inputs, change) }
  if (node.kind === 'async' || node.kind === 'timestamps') {
    return { ...node, inputs: [change(node.inputs[0], 0)] }
  }
  return { ...node, inputs: node.inputs.map(change) }
}

function changed(
  inputs: OperatorNode['inputs'],
  change: (input: Input, index: number) => Input,
): OperatorNode['inputs'] {
  let index = 0
  return mapInputs(inputs, (input) => change(input, index++))
}
