import type { Graph, GraphNode, OperatorNode } from '../graph/node.ts'
import { keyEncoding } from '../record/key-token.ts'
import { selectorMark } from '../operator/key-kinds.ts'
import { callsFingerprint } from '../state/calls-in-flight.ts'
import { noPieces, statePiece, type Fingerprint } from '../state/fingerprint.ts'
import type { TaskReport } from './coordinator.ts'
import type { OperatorEntry } from './manifest.ts'

/** The parts of a program that checkpoints hold something of, as a manifest of a first run describes them. */
export function entriesOf(graph: Graph): readonly OperatorEntry[] {
  return graph.nodes.flatMap((node) => {
    const part = partOf(node)
    const keySelector = keySelectorOf(node)
    return part === undefined ? [] : [{ name: node.name, ...part, earlier: [], keys: [], keySelector }]
  })
}

function keySelectorOf(node: GraphNode): string | null {
  if (node.kind !== 'operator') return null
  const { exchange } = node.inputs[0]
  return exchange.kind === 'key' ? selectorMark(exchange.by) : null
}

function partOf(node: GraphNode): (Fingerprint & Pick<OperatorEntry, 'kind' | 'type'>) | undefined {
  switch (node.kind) {
    case 'source': {
      const { kind, positionVersion = 1 } = node.source
      return { kind: 'source', type: kind, ...connectorPiece('positions', kind, positionVersion) }
    }
    case 'operator': {
      if (node.fingerprint === undefined) return undefined
      return { kind: 'operator', type: node.type, ...operatorFingerprint(node, node.fingerprint) }
    }
    case 'async':
      return { kind: 'async', type: 'mapAsync', ...callsFingerprint }
    case 'sink': {
      const { kind, guarantee, committableVersion = 1 } = node.sink
      const prepared = connectorPiece('committables', kind, committableVersion)
      return { kind: 'sink', type: kind, ...(guarantee === 'exactly-once' ? prepared : noPieces) }
    }
    default:
      return undefined
  }
}

/** Positions and committables are JSON that only the connector can read. */
function connectorPiece(name: string, connector: string, version: number): Fingerprint {
  return { pieces: [statePiece(name, { name, codec: { id: connector, version } })], settings: [] }
}

function operatorFingerprint({ inputs }: OperatorNode, { pieces, settings }: Fingerprint): Fingerprint {
  if (inputs[0].exchange.kind !== 'key') return { pieces, settings }
  return { pieces, settings: [...settings, { name: 'key encoding', value: keyEncoding }] }
}

/** The entries with the kinds of key that the subtasks of each operator have had. */
export function withKeys(
  entries: readonly OperatorEntry[],
  reports: readonly TaskReport[],
): readonly OperatorEntry[] {
  const kinds = new Map<string, Set<string>>()
  const selectors = new Map<string, Set<string | null>>()
  for (const { keys = [] } of reports) {
    for (const { operator, kinds: seen, selector } of keys) {
      kinds.set(operator, new Set([...(kinds.get(operator) ?? []), ...seen]))
      selectors.set(operator, new Set([...(selectors.get(operator) ?? []), selector]))
    }
  }
  return entries.map((entry) => {
    // A subtask that has had a key of the program's own selector speaks for all.
    const changed = [...(selectors.get(entry.name) ?? [])].find((selector) => selector !== entry.keySelector)
    return {
      ...entry,
      keys: [...(kinds.get(entry.name) ?? [])].toSorted(),
      keySelector: changed ?? entry.keySelector,
    }
  })
}
