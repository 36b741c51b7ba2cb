import type { Graph, GraphNode } from '../graph/node.ts'
import { MillraceError } from '../kernel/errors.ts'
import type { Manifest, OperatorEntry } from './manifest.ts'

/** The parts of a program that checkpoints hold something of. */
export function entriesOf(graph: Graph): readonly OperatorEntry[] {
  const entries: OperatorEntry[] = []
  for (const node of graph.nodes) {
    const entry = entryOf(node)
    if (entry !== undefined) entries.push(entry)
  }
  return entries
}

function entryOf(node: GraphNode): OperatorEntry | undefined {
  switch (node.kind) {
    case 'source':
      return { name: node.name, kind: 'source', type: node.source.kind }
    case 'operator':
      return node.isStateful ? { name: node.name, kind: 'operator', type: node.type } : undefined
    case 'async':
      return { name: node.name, kind: 'async', type: 'mapAsync' }
    case 'sink':
      return { name: node.name, kind: 'sink', type: node.sink.kind }
    default:
      return undefined
  }
}

/** What differs between a checkpoint and a program, by name. */
export interface Difference {
  /** In the program, not in the checkpoint: starts empty. */
  readonly added: readonly string[]
  /** In the checkpoint, not in the program: what it holds of them would be lost. */
  readonly dropped: readonly string[]
  /** Under one name in both, and not the same thing. */
  readonly changed: readonly string[]
}

/**
 * Compares before anything is restored. Throws `CHECKPOINT_INCOMPATIBLE`, naming what was dropped or changed, unless
 * the program is one that the checkpoint can continue in. `allowDropped` accepts the loss of dropped parts.
 */
export function checkCompatibility(
  manifest: Manifest,
  graph: Graph,
  options: { readonly keyGroups: number; readonly storeKind: string; readonly allowDropped: boolean },
): Difference {
  const problems: string[] = []
  if (manifest.pipeline !== graph.name) {
    problems.push(`it belongs to pipeline '${manifest.pipeline}', not '${graph.name}'`)
  }
  if (manifest.keyGroups !== options.keyGroups) {
    problems.push(
      `it has ${manifest.keyGroups} key groups, the job ${options.keyGroups}; they cannot change once there is state`,
    )
  }
  if (manifest.store.kind !== options.storeKind) {
    problems.push(`its state was kept in store '${manifest.store.kind}', not '${options.storeKind}'`)
  }
  const difference = compare(manifest, entriesOf(graph))
  for (const change of difference.changed) problems.push(change)
  if (difference.dropped.length > 0 && !options.allowDropped) {
    problems.push(
      `the program no longer has ${list(difference.dropped)}, which the checkpoint holds something of; give them back their names, or allow the loss explicitly`,
    )
  }
  if (problems.length > 0) {
    throw new MillraceError(
      'CHECKPOINT_INCOMPATIBLE',
      `checkpoint ${manifest.checkpoint} does not fit this program: ${problems.join('; ')}${addedText(difference)}. Nothing was restored or changed`,
    )
  }
  return difference
}

function compare(manifest: Manifest, program: readonly OperatorEntry[]): Difference {
  const before = new Map(manifest.operators.map((entry) => [entry.name, entry]))
  const now = new Map(program.map((entry) => [entry.name, entry]))
  const pending = new Set(manifest.sinks.map((entry) => entry.sink))
  const changed: string[] = []
  for (const [name, entry] of before) {
    const other = now.get(name)
    if (
      other !== undefined &&
      (other.kind !== entry.kind || (other.type !== entry.type && entry.kind !== 'sink'))
    ) {
      changed.push(`'${name}' was ${entry.type} (${entry.kind}) and is ${other.type} (${other.kind}) now`)
    }
  }
  return {
    added: [...now.keys()].filter((name) => !before.has(name)),
    // A sink without anything prepared leaves nothing behind.
    dropped: [...before.values()]
      .filter(({ name, kind }) => !now.has(name) && (kind !== 'sink' || pending.has(name)))
      .map(({ name }) => name),
    changed,
  }
}

function addedText({ added }: Difference): string {
  return added.length === 0 ? '' : `; new in the program: ${list(added)}`
}

function list(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ')
}
