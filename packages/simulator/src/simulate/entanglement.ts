import type { Graph, GraphNode, SinkNode } from '@millrace/core/graph'
import { ancestorsOf } from './ancestors.ts'

/**
 * Whether records of several lines meet at `node` in an order that nothing decides, and what it makes of them depends
 * on it: a keyed operator with several inputs, behind another one, or behind results of calls that come as they like.
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
 * Whether `node` joins streams that come from the same source on different ways. Records of one line then come from
 * both, and nothing decides which is first.
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

/** Whether exactly one record leaves `node` for each that comes, whatever it is and whatever came before. */
function isOneForOne({ onError, ...node }: GraphNode): boolean {
  // What throws may depend on what came before, and would be left out.
  if (onError.kind !== 'fail') return false
  switch (node.kind) {
    case 'operator':
      return node.type === 'reduce' || node.type === 'scan'
    case 'step':
      return node.step.kind === 'map' || node.step.kind === 'tap' || node.step.kind === 'pass'
    default:
      return node.kind === 'async'
  }
}

/**
 * In what the number of records in `sink` is the same in whatever order they meet in the entangled operators before it:
 * in each line, in the sink as a whole, or in nothing.
 *
 * What comes to the first entangled operators is the same in any order, and so is under which key it comes. Each record
 * makes one there; its value may be another one, so what looks at that may let another number of records through, or
 * put them under other keys.
 */
export function countableIn(sink: SinkNode, graph: Graph): 'line' | 'sink' | undefined {
  const isKnot = (node: GraphNode): boolean => isEntangled(node, graph)
  const isOpen = (node: GraphNode): boolean => ancestorsOf(node, graph).some(isKnot)
  const behind = ancestorsOf(sink, graph).filter((node) => isKnot(node) || isOpen(node))
  if (!behind.every(isOneForOne)) return undefined
  return behind.every((node) => node.kind === 'step' || !isOpen(node)) ? 'line' : 'sink'
}
