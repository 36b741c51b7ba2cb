import { inputsOf, type Graph } from './node.ts'

/** An output that the user has declared and no part reads: its records are dropped. */
export interface UnreadOutput {
  readonly part: string
  readonly output: string
}

/** The declared outputs without a reader. */
export function unreadOutputs(graph: Graph): readonly UnreadOutput[] {
  const read = new Set(
    graph.nodes.flatMap((node) => inputsOf(node).map(({ from, output }) => `${from}/${output}`)),
  )
  return graph.nodes.flatMap((node) => {
    if (node.kind !== 'operator') return []
    const unread = (node.declared ?? []).filter((output) => !read.has(`${node.id}/${output}`))
    return unread.map((output) => ({ part: node.name, output }))
  })
}

/** A warning about an output without a reader. */
export function unreadText({ part, output }: UnreadOutput): string {
  return `output '${output}' of '${part}' has no reader, so its records are dropped; end it with .to(name, sink) or remove it`
}
