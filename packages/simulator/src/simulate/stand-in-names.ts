import { MillraceError, nearest } from '@millrace/core'
import type { Graph, GraphNode } from '@millrace/core/graph'

/** The stand-ins for parts of a pipeline, by name. */
export interface StandIns {
  readonly inputs: Readonly<Record<string, unknown>>
  readonly sources: Readonly<Record<string, unknown>>
  readonly sinks: Readonly<Record<string, unknown>>
  readonly calls: Readonly<Record<string, unknown>>
}

const replaced: readonly [option: keyof StandIns, kind: GraphNode['kind'], noun: string][] = [
  ['inputs', 'source', 'source'],
  ['sources', 'source', 'source'],
  ['sinks', 'sink', 'sink'],
  ['calls', 'async', 'mapAsync'],
]

/**
 * Rejects stand-ins for unknown names: they would be ignored silently, and the real part believed tested.
 *
 * @throws MillraceError `OPTION_INVALID`.
 */
export function requireKnownNames({ name, nodes }: Graph, standIns: StandIns): void {
  for (const [option, kind, noun] of replaced) {
    const all = nodes.filter((node) => node.kind === kind).map((node) => node.name)
    // What a stand-in brings takes the place of given inputs.
    const known = option === 'inputs' ? all.filter((each) => !Object.hasOwn(standIns.sources, each)) : all
    for (const given of Object.keys(standIns[option])) {
      if (known.includes(given)) continue
      throw new MillraceError(
        'OPTION_INVALID',
        `${option} has '${given}', which is no ${noun} of pipeline '${name}': ${choiceOf(given, known)}`,
      )
    }
  }
}

/** Suggests the names that could have been meant. */
function choiceOf(given: string, known: readonly string[]): string {
  const meant = nearest(given, known)
  if (meant !== undefined) return `did you mean '${meant}'?`
  if (known.length === 0) return 'there is none'
  return `there ${known.length === 1 ? 'is' : 'are'} ${known.map((each) => `'${each}'`).join(', ')}`
}
