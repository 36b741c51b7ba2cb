import { MillraceError } from '../errors/errors.ts'
import type { Fingerprint } from '../state/fingerprint.ts'
import { errorOutput, inputsOf, type Graph, type GraphNode, type NodeId, type OperatorNode } from './node.ts'

/** Rejects an invalid graph, naming the node and the reason. Throws `GRAPH_INVALID` or `NAME_TAKEN`. */
export function validateGraph(graph: Graph): void {
  if (graph.nodes.length === 0) throw invalid(graph, 'it has no source; begin with p.from(...)')
  const seen = new Map<NodeId, GraphNode>()
  const names = new Set<string>()
  for (const node of graph.nodes) {
    if (names.has(node.name)) {
      throw new MillraceError(
        'NAME_TAKEN',
        `pipeline '${graph.name}' has two parts named '${node.name}'; state and metrics are stored by name, so give each its own`,
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
    if (node.kind === 'operator') {
      checkInputs(graph, node)
      checkFingerprint(graph, node)
      checkSeed(graph, node)
    }
    seen.set(node.id, node)
  }
  if (!graph.nodes.some(leadsOut)) {
    throw invalid(graph, 'it has no sink; end a stream with .to(name, sink), or a table with .toView(name)')
  }
}

/** Whether others see what the node gets. */
function leadsOut(node: GraphNode): boolean {
  return node.kind === 'sink' || (node.kind === 'operator' && node.view !== undefined)
}

/** The outputs that other nodes may read. */
function outputsOf(node: GraphNode): readonly string[] {
  const side = node.kind === 'operator' ? node.outputs : []
  const main = node.kind === 'sink' ? [] : ['main', ...side]
  return node.onError.kind === 'deadLetter' ? [...main, errorOutput] : main
}

/** Each split has its own watermark, so event times are assigned inside the source task. */
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

/** Records of several inputs share state: with one type of key, distinguished by the names of the inputs. */
function checkInputs(graph: Graph, { name, inputs }: OperatorNode): void {
  if (inputs.length === 1) return
  const names = new Set(inputs.map((input) => input.name ?? ''))
  if (names.has('') || names.size < inputs.length) {
    throw invalid(
      graph,
      `operator '${name}' has ${inputs.length} inputs, and two of them have the same name; give each its own 'name'`,
    )
  }
  const [first, ...others] = inputs
  if (first.exchange.kind === 'broadcast') {
    throw invalid(
      graph,
      `the first input of operator '${name}' is broadcast; list the input with a key first`,
    )
  }
  const other = others.find(
    ({ exchange }) => exchange.kind !== first.exchange.kind && exchange.kind !== 'broadcast',
  )
  if (other === undefined) return
  const [keyed, unkeyed] = first.exchange.kind === 'key' ? [first, other] : [other, first]
  throw invalid(
    graph,
    `operator '${name}' has a key for input '${keyed.name}' and none for input '${unkeyed.name}', so their records cannot share state; key both`,
  )
}

/** A seed is read again when the job fails before its first checkpoint, and its rows belong to keys. */
function checkSeed(graph: Graph, { name, seed, inputs }: OperatorNode): void {
  if (seed === undefined) return
  if (inputs[0].exchange.kind !== 'key') {
    throw invalid(graph, `operator '${name}' has a seed and no key; call keyBy before it`)
  }
  if (typeof seed.rows !== 'function' && seed.rows.durability !== 'replayable') {
    throw invalid(
      graph,
      `the seed of operator '${name}' is a ${seed.rows.kind} source, whose data cannot be read again after a crash; use files or another source that can be replayed`,
    )
  }
}

/**
 * Without a fingerprint a later program could misread state. The types require it; this is the check at run
 * time.
 */
function checkFingerprint(graph: Graph, { name, fingerprint, inputs }: OperatorNode): void {
  if (fingerprint === undefined) {
    if (inputs[0].exchange.kind !== 'key') return
    throw invalid(
      graph,
      `operator '${name}' has a key and no fingerprint; list its pieces of state and its settings in 'fingerprint'`,
    )
  }
  const problem = problemOf(fingerprint)
  if (problem !== undefined) throw invalid(graph, `the fingerprint of operator '${name}' ${problem}`)
}

function problemOf({ pieces, settings }: Fingerprint): string | undefined {
  if (!Array.isArray(pieces) || !Array.isArray(settings)) return "lacks the list 'pieces' or 'settings'"
  const piece = pieces.find(
    ({ name, kind, version, codec, codecVersion }) =>
      [name, kind, codec].some((text) => typeof text !== 'string' || text === '') ||
      ![version, codecVersion].every((number) => Number.isSafeInteger(number) && number >= 1),
  )
  if (piece !== undefined) {
    return `has piece '${String(piece.name)}' without a kind, or without a version from 1, of itself or of its codec`
  }
  const setting = settings.find(
    ({ value }) => !['string', 'boolean'].includes(typeof value) && !Number.isFinite(value),
  )
  return (
    setting && `has setting '${String(setting.name)}' whose value is not a string, finite number or boolean`
  )
}

function invalid(graph: Graph, what: string): MillraceError {
  return new MillraceError('GRAPH_INVALID', `pipeline '${graph.name}' cannot run: ${what}`)
}
