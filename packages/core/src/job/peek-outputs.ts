import { MillraceError } from '../errors/errors.ts'
import { nearest } from '../errors/nearest.ts'
import { errorOutput, inputsOf, keysOf, type Graph, type GraphNode } from '../graph/node.ts'
import type { PartOutput } from '../operator/tap.ts'
import type { Key } from '../record/key.ts'

/**
 * The outputs to see the records of a part at: its own, or for a sink those that it reads. Dead letters are left out: they have the
 * whole record as text. Throws `OPTION_INVALID` if the pipeline has no such part or output.
 */
export function peekOutputs(graph: Graph, operator: string, output = 'main'): readonly PartOutput[] {
  const node = graph.nodes.find(({ name }) => name === operator)
  if (node === undefined) {
    const names = graph.nodes.map(({ name }) => name)
    throw noSuch(`the pipeline has no operator '${operator}'`, operator, names)
  }
  if (node.kind === 'sink') return readBy(graph, node)
  const outputs = node.kind === 'operator' ? ['main', ...node.outputs] : ['main']
  if (outputs.includes(output)) return [{ part: operator, output }]
  if (output === errorOutput) throw deadLetters(operator)
  throw noSuch(`operator '${operator}' has no output '${output}'`, output, outputs)
}

function readBy(graph: Graph, sink: GraphNode): readonly PartOutput[] {
  const read = inputsOf(sink).filter(({ output }) => output !== errorOutput)
  if (read.length === 0) throw deadLetters(sink.name)
  return read.map(({ from, output }) => ({
    part: graph.nodes.find(({ id }) => id === from)!.name,
    output,
  }))
}

function deadLetters(part: string): MillraceError {
  return new MillraceError(
    'OPTION_INVALID',
    `the records of '${part}' would be dead letters, which are not shown here; 'millrace dlq' lists them`,
  )
}

function noSuch(what: string, given: string, names: readonly string[]): MillraceError {
  const meant = nearest(given, names)
  const advice = meant === undefined ? `there are ${names.join(', ')}` : `did you mean '${meant}'?`
  return new MillraceError('OPTION_INVALID', `${what}; ${advice}`)
}

/** Whether a part emits its records under a key of its own. */
export function hasOwnKey(graph: Graph, part: string): boolean {
  const node = graph.nodes.find(({ name }) => name === part)
  if (node?.kind === 'operator') return keysOf(node).length > 0
  return node?.kind === 'async' && node.inputs[0].exchange.kind === 'key'
}

/**
 * How the next operator with a key selects that of the records of an output; undefined if none does, or not before they have
 * changed.
 */
export function nextKeyOf(graph: Graph, { part, output }: PartOutput): ((value: unknown) => Key) | undefined {
  const from = graph.nodes.find(({ name }) => name === part)?.id
  for (const node of graph.nodes) {
    for (const input of inputsOf(node)) {
      if (input.from !== from || input.output !== output) continue
      if (input.exchange.kind === 'key') return input.exchange.by
      const behind = keepsValues(node) ? nextKeyOf(graph, { part: node.name, output: 'main' }) : undefined
      if (behind !== undefined) return behind
    }
  }
  return undefined
}

/** Whether a part passes on the values that it gets. */
function keepsValues(node: GraphNode): boolean {
  if (node.kind === 'timestamps') return true
  if (node.kind !== 'step') return false
  const { kind } = node.step
  return kind === 'filter' || kind === 'tap' || kind === 'withHeaders' || kind === 'pass'
}
