import type { Graph, GraphNode, SinkNode } from '@millrace/core/graph'
import { ancestorsOf } from './ancestors.ts'

/**
 * Whether records of several lines arrive at `node` in an undefined order and its results depend on that order: a keyed
 * operator with several inputs, after another one, or after unordered results of calls.
 */
export function isEntangled(node: GraphNode, graph: Graph): boolean {
  if (node.kind !== 'operator' || node.inputs[0].exchange.kind !== 'key') return false
  if (node.inputs.length > 1) return true
  return ancestorsOf(node, graph).some(
    (each) =>
      (each.kind === 'operator' && each.inputs[0].exchange.kind === 'key') ||
      each.kind === 'async' ||
      (each.kind === 'step' && each.inputs.length > 1),
  )
}

/**
 * Whether `node` joins streams that come from the same source along different paths. Records of one line then arrive on
 * both, in an undefined order.
 */
export function joinsItself(node: GraphNode, graph: Graph): boolean {
  if (node.kind === 'source' || node.inputs.length < 2) return false
  const met = new Set<GraphNode>()
  for (const { from } of node.inputs) {
    const input = graph.nodes.find(({ id }) => id === from)!
    const way = [input, ...ancestorsOf(input, graph)]
    if (way.some((each) => met.has(each))) return true
    for (const each of way) met.add(each)
  }
  return false
}

/** Whether `node` emits exactly one record per input record, for any value and history. */
function isOneForOne({ onError, ...node }: GraphNode): boolean {
  // What throws may depend on what came before, and would be left out.
  if (onError.kind !== 'fail') return false
  switch (node.kind) {
    case 'operator':
      return node.type === 'reduce' || node.type === 'scan'
    case 'step':
      return node.step.kind !== 'filter' && node.step.kind !== 'flatMap'
    default:
      return node.kind === 'async'
  }
}

/**
 * Returns where the number of records in `sink` does not depend on the order in the entangled operators before it: per
 * line, in the sink as a whole, or nowhere.
 *
 * The records and keys that reach the first entangled operators do not depend on the order. Each record makes one
 * there, but with another value, so operators that read it may pass another number of records or use other keys.
 */
export function countableIn(sink: SinkNode, graph: Graph): 'line' | 'sink' | undefined {
  const isKnot = (node: GraphNode): boolean => isEntangled(node, graph)
  const isOpen = (node: GraphNode): boolean => ancestorsOf(node, graph).some(isKnot)
  const behind = ancestorsOf(sink, graph).filter((node) => isKnot(node) || isOpen(node))
  if (!behind.every(isOneForOne)) return undefined
  return behind.every((node) => node.kind === 'step' || !isOpen(node)) ? 'line' : 'sink'
}
