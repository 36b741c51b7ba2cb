import type { Graph } from '../graph/node.ts'

/** Tells the sources and sinks of a job that it has ended and does not restart, with its error if it failed. */
export function endConnectors({ nodes }: Graph, error: unknown): void {
  for (const node of nodes) {
    if (node.kind === 'source') node.source.ended?.(error)
    if (node.kind === 'sink') node.sink.ended?.(error)
  }
}
