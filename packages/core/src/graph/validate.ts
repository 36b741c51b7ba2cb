import { MillraceError } from '../kernel/errors.ts'
import { errorOutput, inputsOf, type Graph, type GraphNode, type NodeId } from './node.ts'

/** Refuses a graph that cannot run, with a sentence that says which node and why. Throws `GRAPH_INVALID` or `NAME_TAKEN`. */
export function validateGraph(graph: Graph): void {
  if (graph.nodes.length === 0) throw invalid(graph, 'it has no source; begin with p.from(...)')
  const seen = new Map<NodeId, GraphNode>()
  const names = new Set<string>()
  for (const node of graph.nodes) {
    if (names.has(node.name)) {
      throw new MillraceError(
        'NAME_TAKEN',
        `pipeline '${graph.name}' has two parts named '${node.name}'; state and metrics are filed under names, so give each its own`,
      )
    }
    names.add(node.name)
    for (const input of inputsOf(node)) {
      const from = seen.get(input.from)
      if (from === undefined) throw invalid(graph, `'${node.name}' reads a part that is not before it`)
      if (!outputsOf(from).includes(input.output)) {
        throw invalid(
          graph,
          `'${node.name}' reads output '${input.output}' of '${from.name}', which has no such output`,
        )
      }
    }
    if (node.kind === 'timestamps') checkTimestamps(graph, node, seen)
    seen.set(node.id, node)
  }
  if (!graph.nodes.some((node) => node.kind === 'sink')) {
    throw invalid(graph, 'nothing it computes goes anywhere; end a stream with .to(name, sink)')
  }
}

/** The outputs that other nodes may read. */
function outputsOf(node: GraphNode): readonly string[] {
  if (node.kind === 'sink') return []
  const side = node.kind === 'operator' ? node.outputs : []
  return node.onError.kind === 'deadLetter' ? ['main', ...side, errorOutput] : ['main', ...side]
}

/** Splits have watermarks of their own, so timestamps are given inside the source task. */
function checkTimestamps(graph: Graph, node: GraphNode, seen: ReadonlyMap<NodeId, GraphNode>): void {
  let at: GraphNode = node
  for (;;) {
    const inputs = inputsOf(at)
    const from = inputs.length === 1 ? seen.get(inputs[0]!.from) : undefined
    if (from?.kind === 'source') return
    if (from?.kind !== 'step') {
      throw invalid(
        graph,
        `'${node.name}' gives timestamps too late; call withTimestamps right after from(...) or after map, filter and flatMap`,
      )
    }
    at = from
  }
}

function invalid(graph: Graph, what: string): MillraceError {
  return new MillraceError('GRAPH_INVALID', `pipeline '${graph.name}' cannot run: ${what}`)
}
