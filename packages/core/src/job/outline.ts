import { entriesOf } from '../checkpoint/parts.ts'
import { inputsOf, type Graph } from '../graph/node.ts'

/** What can be said of a pipeline as text, part by part: two pipelines with the same outline are taken to be the same. */
export type Outline = readonly { readonly part: string; readonly text: string }[]

/** Describes every node of a pipeline. */
export function outlineOf(graph: Graph): Outline {
  const entries = new Map(entriesOf(graph).map((entry) => [entry.name, entry]))
  return [
    { part: 'its name', text: graph.name },
    ...graph.nodes.map((node) => {
      const inputs = inputsOf(node).map(({ from, output, exchange }) => [from, output, exchange.kind])
      return {
        part: `${node.kind} '${node.name}'`,
        text: JSON.stringify([inputs, entries.get(node.name) ?? null]),
      }
    }),
  ]
}

/** The first difference between two outlines, for people; undefined if there is none. */
export function differenceOf(own: Outline, other: Outline): string | undefined {
  for (let i = 0; i < Math.max(own.length, other.length); i++) {
    const [here, there] = [own[i], other[i]]
    if (there === undefined) return `${here!.part} is missing`
    if (here === undefined) return `${there.part} is new`
    if (here.part !== there.part) return `${there.part} is where ${here.part} was`
    if (here.text !== there.text) return `${here.part} differs: ${here.text} and ${there.text}`
  }
  return undefined
}
