import { MillraceError, type Graph, type GraphNode } from '@millrace/core'

/** What takes the place of parts of a pipeline, by their names. */
export interface StandIns {
  readonly sources: Readonly<Record<string, unknown>>
  readonly sinks: Readonly<Record<string, unknown>>
  readonly calls: Readonly<Record<string, unknown>>
}

const replaced: readonly [option: keyof StandIns, kind: GraphNode['kind'], noun: string][] = [
  ['sources', 'source', 'source'],
  ['sinks', 'sink', 'sink'],
  ['calls', 'async', 'mapAsync'],
]

/**
 * A stand-in for something that is not there would be left out in silence, and the real thing believed tested.
 *
 * @throws MillraceError `OPTION_INVALID`.
 */
export function requireKnownNames({ name, nodes }: Graph, standIns: StandIns): void {
  for (const [option, kind, noun] of replaced) {
    const known = nodes.filter((node) => node.kind === kind).map((node) => node.name)
    for (const given of Object.keys(standIns[option])) {
      if (known.includes(given)) continue
      const choice =
        known.length === 0
          ? 'there is none'
          : `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`
      throw new MillraceError(
        'OPTION_INVALID',
        `${option} has '${given}', which is no ${noun} of pipeline '${name}': ${choice}`,
      )
    }
  }
}
