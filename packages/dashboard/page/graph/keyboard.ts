import type { JobGraph } from '@millrace/control/contract'
import type { Layout } from './layout-messages.ts'

/** The keys that move through the graph. */
const keys: readonly string[] = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home']

/** The operator that a key leads to: along an edge, or to the nearest one above or below. */
export function neighbour(
  { operators, edges }: JobGraph,
  { nodes }: Layout,
  from: number | undefined,
  key: string,
): number | undefined {
  if (!keys.includes(key)) return undefined
  if (from === undefined || key === 'Home') return 0
  const id = operators[from]!.id
  const indexOf = (name: string | undefined): number | undefined => {
    const index = operators.findIndex((each) => each.id === name)
    return index === -1 ? undefined : index
  }
  if (key === 'ArrowRight') return indexOf(edges.find((edge) => edge.from === id)?.to)
  if (key === 'ArrowLeft') return indexOf(edges.find((edge) => edge.to === id)?.from)
  const sign = key === 'ArrowUp' ? -1 : 1
  const [x, y] = nodes[from]!
  let best: number | undefined
  let bestDistance = Infinity
  for (const [index, [otherX, otherY]] of nodes.entries()) {
    const distance = (otherY - y) * sign
    if (distance <= 0) continue
    const far = distance + Math.abs(otherX - x) * 2
    if (far < bestDistance) [best, bestDistance] = [index, far]
  }
  return best
}
