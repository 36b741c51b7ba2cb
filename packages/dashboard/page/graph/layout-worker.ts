import { Graph, layout } from '@dagrejs/dagre'
import { nodeHeight, nodeWidth, type LayoutRequest, type Layout } from './layout-messages.ts'

/** The exact ranking takes seconds for thousands of operators; the plain one gives longer edges. */
const exactRanksMax = 300

function place({ id, count, edges, direction }: LayoutRequest): Layout {
  const graph = new Graph({ multigraph: true })
  graph.setGraph({
    rankdir: direction,
    nodesep: 28,
    ranksep: direction === 'LR' ? 78 : 58,
    marginx: 18,
    marginy: 18,
    ranker: count > exactRanksMax ? 'longest-path' : 'network-simplex',
  })
  graph.setDefaultEdgeLabel(() => ({}))
  for (let node = 0; node < count; node++)
    graph.setNode(String(node), { width: nodeWidth, height: nodeHeight })
  for (const [index, [from, to]] of edges.entries())
    graph.setEdge(String(from), String(to), {}, String(index))
  layout(graph)
  const size = graph.graph()
  return {
    id,
    width: size.width ?? 0,
    height: size.height ?? 0,
    nodes: Array.from({ length: count }, (_, node) => {
      const { x = 0, y = 0 } = graph.node(String(node))
      return [x, y] as const
    }),
    edges: edges.map(([from, to], index) =>
      ((graph.edge(String(from), String(to), String(index)).points ?? []) as { x: number; y: number }[]).map(
        ({ x, y }) => [x, y] as const,
      ),
    ),
  }
}

addEventListener('message', ({ data }: MessageEvent<LayoutRequest>) => postMessage(place(data)))
