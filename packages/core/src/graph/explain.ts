import type { Sink } from '../connect/sink.ts'
import type { Source } from '../connect/source.ts'
import { MillraceError } from '../errors/errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { durationText } from '../record/time.ts'
import { inputsOf, type AsyncNode, type Graph, type GraphNode, type NodeId } from './node.ts'
import { unreadOutputs, type UnreadOutput } from './unread-outputs.ts'

/**
 * The guarantee for a record's effects after a crash. `none`: they may be missing or duplicated.
 */
export type Guarantee = 'exactly-once' | 'at-least-once' | 'at-most-once' | 'none'

/** An explanation of a graph: its parts, their state, and the guarantee of the results. */
export interface GraphExplanation {
  readonly pipeline: string
  /** The weakest of all sinks. */
  readonly guarantee: Guarantee
  /** In the order of the graph: inputs before those that read them. */
  readonly parts: readonly PartExplanation[]
  readonly sinks: readonly SinkExplanation[]
}

/** One node of the graph. */
export interface PartExplanation {
  readonly name: string
  readonly kind: GraphNode['kind']
  /** "files", "filter", "window". */
  readonly type: string
  readonly inputs: readonly InputExplanation[]
  /** Facts about it, as phrases: "replayable", "maxOutOfOrderness 5s", "at most 16 calls at once". */
  readonly facts: readonly string[]
  /** Its state and how long it is kept; undefined for a part without state. */
  readonly keeps: string | undefined
  readonly onError: 'fail' | 'skip' | 'deadLetter'
}

/** Where a part's records come from. */
export interface InputExplanation {
  /** The operator's name of this input, if it has several. */
  readonly name?: string
  readonly from: string
  readonly output: string
  readonly exchange: Exchange['kind']
}

/** The end-to-end guarantee of a sink. */
export interface SinkExplanation {
  readonly name: string
  readonly guarantee: Guarantee
  /** The parts of the pipeline that make it less than exactly-once, with the reason as a sentence. */
  readonly weakenedBy: readonly Weakness[]
}

/** A source or sink that weakens a guarantee. */
export interface Weakness {
  readonly name: string
  readonly why: string
}

/**
 * Explains a valid graph without running any of it.
 *
 * @example
 * explainGraph(fraud.describe().graph).guarantee // => 'exactly-once'
 */
export function explainGraph(graph: Graph): GraphExplanation {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
  const unread = unreadOutputs(graph)
  const sinks: SinkExplanation[] = []
  for (const node of graph.nodes) {
    if (node.kind === 'sink') sinks.push(explainSink(node.name, node.sink, sourcesOf(node, nodes)))
  }
  const mayLose = sinks.some(({ guarantee }) => guarantee === 'at-most-once' || guarantee === 'none')
  const mayRepeat = sinks.some(({ guarantee }) => guarantee === 'at-least-once' || guarantee === 'none')
  return {
    pipeline: graph.name,
    guarantee: guaranteeOf(mayLose, mayRepeat),
    parts: graph.nodes.map((node) => explainPart(node, nodes, unread)),
    sinks,
  }
}

function noReaderText({ output }: UnreadOutput): string {
  return `output '${output}' has no reader`
}

function explainPart(
  node: GraphNode,
  nodes: ReadonlyMap<NodeId, GraphNode>,
  unread: readonly UnreadOutput[],
): PartExplanation {
  return {
    name: node.name,
    kind: node.kind,
    type: typeOf(node),
    inputs: inputsOf(node).map(({ name, from, output, exchange }) => ({
      ...(name !== undefined && { name }),
      from: nodeOf(from, nodes).name,
      output,
      exchange: exchange.kind,
    })),
    facts: [
      ...factsOf(node),
      ...headerFacts(node, nodes),
      ...unread.filter(({ part }) => part === node.name).map(noReaderText),
    ],
    keeps: keepsOf(node),
    onError: node.onError.kind,
  }
}

function typeOf(node: GraphNode): string {
  switch (node.kind) {
    case 'source':
      return node.source.kind
    case 'step':
      return node.step.kind === 'pass' ? 'union' : node.step.kind
    case 'timestamps':
      return 'withTimestamps'
    case 'operator':
      return node.type
    case 'async':
      return 'mapAsync'
    case 'sink':
      return node.sink.kind
  }
}

function factsOf(node: GraphNode): readonly string[] {
  switch (node.kind) {
    case 'source':
      return [node.source.durability]
    case 'timestamps': {
      const { maxOutOfOrdernessMs, generator, idleAfterMs, maxDriftMs, advancesWhenIdle } = node.timestamps
      return [
        generator === undefined
          ? `maxOutOfOrderness ${durationText(maxOutOfOrdernessMs)}`
          : `watermark ${generator.name}`,
        idleAfterMs === undefined ? 'never idle' : `idleAfter ${durationText(idleAfterMs)}`,
        ...(maxDriftMs === undefined ? [] : [`maxDrift ${durationText(maxDriftMs)}`]),
        ...(advancesWhenIdle ? ['advanceWhenIdle'] : []),
      ]
    }
    case 'async': {
      const timeout = node.timeoutMs === undefined ? [] : [`timeout ${durationText(node.timeoutMs)}`]
      const serial = node.serial === 'key' ? ['one call of each key at a time'] : []
      const most = `at most ${node.concurrency} calls at once in each subtask`
      const retry = node.retry === undefined ? [] : [`up to ${node.retry.attempts} attempts`]
      const breaker =
        node.breaker === undefined
          ? []
          : [
              `no calls for ${durationText(node.breaker.openMs)} after ${node.breaker.failures} failures in a row`,
            ]
      return [
        most,
        ...serial,
        ...bulkheadFacts(node),
        orderText[node.order],
        ...timeout,
        ...retry,
        ...breaker,
      ]
    }
    case 'sink':
      return [node.sink.guarantee]
    default:
      return []
  }
}

function bulkheadFacts({ bulkhead }: AsyncNode): readonly string[] {
  if (bulkhead === undefined) return []
  const { concurrency, rate } = bulkhead
  return [
    ...(concurrency === Infinity ? [] : [`at most ${concurrency} calls of each group at once`]),
    ...(rate === undefined
      ? []
      : [`at most ${rate.calls} calls of each group in ${durationText(rate.perMs)}`]),
  ]
}

/** What a user must know who expects headers behind a node. */
function headerFacts(node: GraphNode, nodes: ReadonlyMap<NodeId, GraphNode>): readonly string[] {
  if (node.kind !== 'operator' || node.emitsLater !== true) return []
  const haveHeaders = upstreamOf(node, nodes).some(
    (each) =>
      (each.kind === 'source' && each.source.hasHeaders === true) ||
      (each.kind === 'step' && each.step.kind === 'withHeaders'),
  )
  return haveHeaders ? ['results that time makes have no headers'] : []
}

const orderText = {
  none: 'results as they come',
  input: 'results in order of input',
  key: 'results in order of input within each key',
} as const

function keepsOf(node: GraphNode): string | undefined {
  if (node.kind === 'source') return 'how far each split has been read'
  if (node.kind === 'async') return 'the inputs of calls in flight, which are repeated after a restart'
  if (node.kind === 'operator' && node.fingerprint !== undefined) return node.keeps ?? 'state of each key'
  return undefined
}

/** Every source whose records can reach `node`. */
function sourcesOf(node: GraphNode, nodes: ReadonlyMap<NodeId, GraphNode>): readonly GraphNode[] {
  return upstreamOf(node, nodes).filter(({ kind }) => kind === 'source')
}

/** The node, and every node whose records can reach it. */
function upstreamOf(node: GraphNode, nodes: ReadonlyMap<NodeId, GraphNode>): readonly GraphNode[] {
  const seen = new Set<GraphNode>([node])
  // A set also yields elements added during the iteration.
  for (const at of seen) for (const { from } of inputsOf(at)) seen.add(nodeOf(from, nodes))
  return [...seen]
}

function explainSink(name: string, sink: Sink<unknown>, sources: readonly GraphNode[]): SinkExplanation {
  const weakenedBy: Weakness[] = []
  for (const source of sources) {
    if (source.kind !== 'source' || source.source.durability === 'replayable') continue
    const { kind, durability } = source.source
    const what =
      durability === 'volatile'
        ? 'cannot be read again, so its records since the last checkpoint are lost in a crash'
        : 'delivers again what it has not seen acknowledged, so some of its records come twice after a crash or an outage'
    weakenedBy.push({ name: source.name, why: `source '${source.name}' (${kind}) ${what}` })
  }
  const reads = (durability: Source<unknown>['durability']): boolean =>
    sources.some((source) => source.kind === 'source' && source.source.durability === durability)
  const mayLose = reads('volatile') || sink.guarantee === 'at-most-once'
  const mayRepeat = reads('redelivering') || sink.guarantee === 'at-least-once'
  if (sink.guarantee !== 'exactly-once') {
    const what = sink.guarantee === 'at-least-once' ? 'may be written again' : 'may be lost'
    weakenedBy.push({
      name,
      why: `sink '${name}' (${sink.kind}) is ${sink.guarantee}, so its output since the last checkpoint ${what} after a crash`,
    })
  }
  return { name, guarantee: guaranteeOf(mayLose, mayRepeat), weakenedBy }
}

function guaranteeOf(mayLose: boolean, mayRepeat: boolean): Guarantee {
  if (mayLose) return mayRepeat ? 'none' : 'at-most-once'
  return mayRepeat ? 'at-least-once' : 'exactly-once'
}

function nodeOf(id: NodeId, nodes: ReadonlyMap<NodeId, GraphNode>): GraphNode {
  const node = nodes.get(id)
  if (node === undefined) throw new MillraceError('INTERNAL', `no node has the number ${id}`)
  return node
}
