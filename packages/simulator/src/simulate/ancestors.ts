import { inputsOf, type Graph, type GraphNode, type NodeId } from '@millrace/core/graph'

/** All nodes whose records can reach `node`. */
export function ancestorsOf(node: GraphNode, graph: Graph): readonly GraphNode[] {
  const byId = new Map<NodeId, GraphNode>(graph.nodes.map((each) => [each.id, each]))
  const seen = new Set<GraphNode>([node])
  // A set hands out what is added while it is iterated.
  for (const at of seen) for (const { from } of inputsOf(at)) seen.add(byId.get(from)!)
  seen.delete(node)
  return [...seen]
}

/** The sources whose records get event times. */
export function timedSources(graph: Graph): ReadonlySet<string> {
  const names = new Set<string>()
  for (const node of graph.nodes) {
    if (node.kind !== 'timestamps') continue
    for (const { kind, name } of ancestorsOf(node, graph)) if (kind === 'source') names.add(name)
  }
  return names
}
