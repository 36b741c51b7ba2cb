/**
 * Collects the nodes of one pipeline while its build function runs, and turns them into a graph.
 *
 * True between any two calls: nodes stand in the order they were made, so inputs come before their readers, and
 * no two nodes share a name that the user gave.
 *
 * What needs the whole pipeline waits for `build`: names for the steps that have none, the default error policy,
 * and dead-letter sinks, which may be shared by many nodes.
 */
import {
  errorOutput,
  MillraceError,
  validateGraph,
  type DeadLetter,
  type ErrorPolicy,
  type Graph,
  type GraphNode,
  type Input,
  type NodeId,
  type Sink,
  type SinkNode,
} from '@millrace/core'
import type { OnError } from './error-policy.ts'

type WithoutIdentity<N> = N extends GraphNode ? Omit<N, 'id' | 'name' | 'onError'> : never

/** A node without what `build` adds. */
export type NodeDraft = WithoutIdentity<GraphNode>

/** What the user said about a node: both may be missing. */
export interface NodeOptions {
  readonly name?: string | undefined
  readonly onError?: OnError | undefined
}

interface Drafted {
  readonly id: NodeId
  readonly draft: NodeDraft
  readonly name: string | undefined
  /** What an unnamed node is named after: "map". */
  readonly label: string
  readonly onError: OnError | undefined
}

/** A sink of dead letters, and the list of its inputs, which grows. */
interface DeadLetterSink {
  readonly node: SinkNode
  readonly inputs: Input[]
}

const nameForm = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,99}$/u

export class GraphBuilder {
  readonly name: string
  /** The policy of nodes that have none of their own. */
  defaultOnError: OnError = { kind: 'fail' }
  readonly #nodes: Drafted[] = []
  readonly #labels = new Map<string, string>()
  #isBuilt = false

  constructor(name: string) {
    checkName('pipeline', name)
    this.name = name
  }

  /** Adds a node; `label` is the method that made it, for messages and for names of unnamed nodes. */
  add(draft: NodeDraft, label: string, { name, onError }: NodeOptions = {}): NodeId {
    if (this.#isBuilt) {
      throw this.#invalid(
        `${label} was called after the build function had returned; build the whole pipeline inside it`,
      )
    }
    if (name !== undefined) this.#take(name, label)
    const id = this.#nodes.length
    this.#nodes.push({ id, draft, name, label, onError })
    return id
  }

  /** Throws `GRAPH_INVALID` or `NAME_TAKEN` for a pipeline that cannot run. */
  build(): Graph {
    this.#isBuilt = true
    this.#checkThatAllLeadSomewhere()
    const letters = new Map<string, DeadLetterSink>()
    const nodes = this.#nodes.map((drafted): GraphNode => {
      const { id, draft } = drafted
      const onError = this.#policyOf(drafted)
      if (onError.kind === 'deadLetter') this.#sendLetters(id, onError, letters)
      const policy: ErrorPolicy = { kind: onError.kind }
      return {
        ...draft,
        id,
        name: drafted.name ?? this.#freeName(drafted.label),
        onError: policy,
      }
    })
    const graph = { name: this.name, nodes: [...nodes, ...[...letters.values()].map(({ node }) => node)] }
    validateGraph(graph)
    return graph
  }

  #take(name: string, label: string): void {
    checkName(label, name)
    const holder = this.#labels.get(name)
    if (holder !== undefined) {
      throw new MillraceError(
        'NAME_TAKEN',
        `pipeline '${this.name}' has two parts named '${name}': ${holder} and ${label}; state and metrics are filed under names, so give each its own`,
      )
    }
    this.#labels.set(name, label)
  }

  #freeName(label: string): string {
    for (let number = 1; ; number++) {
      const name = `${label}-${number}`
      if (this.#labels.has(name)) continue
      this.#labels.set(name, label)
      return name
    }
  }

  #policyOf({ draft, onError }: Drafted): OnError {
    if (draft.kind === 'step' && draft.step.kind === 'pass') return { kind: 'fail' }
    return onError ?? this.defaultOnError
  }

  #sendLetters(
    from: NodeId,
    { name, sink }: OnError & { kind: 'deadLetter' },
    letters: Map<string, DeadLetterSink>,
  ): void {
    let letter = letters.get(name)
    if (letter === undefined) {
      this.#take(name, 'deadLetter')
      letter = deadLetterSink(this.#nodes.length + letters.size, name, sink)
      letters.set(name, letter)
    } else if (letter.node.sink !== sink) {
      throw new MillraceError(
        'NAME_TAKEN',
        `pipeline '${this.name}' has two dead-letter sinks named '${name}'; make the policy once and use it in both places`,
      )
    }
    letter.inputs.push({ from, output: errorOutput, exchange: { kind: 'forward' } })
  }

  #checkThatAllLeadSomewhere(): void {
    const read = new Set<NodeId>()
    for (const { draft } of this.#nodes) {
      if (draft.kind !== 'source') for (const { from } of draft.inputs) read.add(from)
    }
    const loose = this.#nodes.find(({ id, draft }) => draft.kind !== 'sink' && !read.has(id))
    if (loose === undefined) return
    const what = loose.name === undefined ? `a ${loose.label}` : `${loose.label} '${loose.name}'`
    throw this.#invalid(`${what} leads nowhere; end the stream with .to(name, sink) or remove it`)
  }

  #invalid(what: string): MillraceError {
    return new MillraceError('GRAPH_INVALID', `pipeline '${this.name}' cannot run: ${what}`)
  }
}

function deadLetterSink(id: NodeId, name: string, sink: Sink<DeadLetter>): DeadLetterSink {
  const inputs: Input[] = []
  // Its inputs are error outputs, which carry dead letters and nothing else.
  const node = {
    kind: 'sink',
    id,
    name,
    inputs,
    sink: sink as Sink<unknown>,
    onError: { kind: 'fail' },
  } as const
  return { node, inputs }
}

function checkName(what: string, name: string): void {
  if (typeof name === 'string' && nameForm.test(name)) return
  throw new MillraceError(
    'OPTION_INVALID',
    `the name of a ${what} is ${JSON.stringify(name) ?? 'missing'}; a name is 1 to 100 letters, digits, spaces, dots, hyphens and underscores and begins with a letter or digit`,
  )
}
