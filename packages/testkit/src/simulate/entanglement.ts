import type { Graph, GraphNode } from '@millrace/core'
import { ancestorsOf } from './ancestors.ts'

/**
 * Whether records of several lines meet at `node` in an order that nothing decides, and what it makes of them depends
 * on it: a keyed operator behind another one, or behind results of calls that come as they like.
 */
export function isEntangled(node: GraphNode, graph: Graph): boolean {
  if (node.kind !== 'operator' || node.inputs[0].exchange.kind !== 'key') return false
  return ancestorsOf(node, graph).some(
    (each) =>
      (each.kind === 'operator' && each.inputs[0].exchange.kind === 'key') ||
      each.kind === 'async' ||
      (each.kind === 'step' && each.inputs.length > 1),
  )
}

/**
 * Whether `node` joins streams that come from the same source on different ways. Records of one line then come from
 * both, and nothing decides which is first.
 */
export function joinsItself(node: GraphNode, graph: Graph): boolean {
  if (node.kind !== 'step' || node.inputs.length < 2) return false
  const met = new Set<GraphNode>()
  for (const { from } of node.inputs) {
    const input = graph.nodes.find(({ id }) => id === from)!
    const way = [input, ...ancestorsOf(input, graph)]
    if (way.some((each) => met.has(each))) return true
    for (const each of way) met.add(each)
  }
  return false
}
