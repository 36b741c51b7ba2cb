/**
 * Collects the nodes of one pipeline while its build function runs, and builds the graph.
 *
 * Invariants between any two calls: nodes are in the order of their creation, so inputs precede their
 * readers, and no two nodes have the same name given by the user.
 *
 * Steps that need the whole pipeline are done in `build`: names for unnamed steps, the default error policy,
 * and dead-letter sinks, which nodes may share.
 */
import { MillraceError } from '@millrace/core'
import type { DeadLetter } from '@millrace/core/operator'
import type { Sink } from '@millrace/core/connector'
import {
  errorOutput,
  validateGraph,
  type ErrorPolicy,
  type Graph,
  type GraphNode,
  type Input,
  type NodeId,
  type SinkNode,
} from '@millrace/core/graph'
import { letterLog } from './dead-letters/letter-log.ts'
import { redrivable } from './dead-letters/redrive.ts'
import type { OnError } from './error-policy.ts'

type WithoutIdentity<N> = N extends GraphNode ? Omit<N, 'id' | 'name' | 'onError'> : never

/** A node without the fields that `build` adds. */
export type NodeDraft = WithoutIdentity<GraphNode>

/** The user's options for a node; both may be missing. */
export interface NodeOptions {
  readonly name?: string | undefined
  readonly onError?: OnError | undefined
}

interface Drafted {
  readonly id: NodeId
  readonly draft: NodeDraft
  readonly name: string | undefined
  /** The method that an unnamed node is named after: "map". */
  readonly label: string
  readonly onError: OnError | undefined
}

/** A dead-letter sink, and the growing list of its inputs. */
interface DeadLetterSink {
  readonly node: SinkNode
  readonly inputs: Input[]
}

const nameForm = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,99}$/u

export class GraphBuilder {
  readonly name: string
  /** The default error policy. */
  defaultOnError: OnError = { kind: 'fail' }
  readonly #nodes: Drafted[] = []
  readonly #labels = new Map<string, string>()
  #isBuilt = false

  constructor(name: string) {
    checkName('pipeline', name)
    this.name = name
  }

  /** Adds a node; `label` is the method that created it, for messages and for names of unnamed nodes. */
  add(draft: NodeDraft, label: string, { name, onError }: NodeOptions = {}): NodeId {
    if (this.#isBuilt) {
      throw this.#invalid(
        `${label} was called after the build function had returned; build the whole pipeline inside it`,
      )
    }
    if (name !== undefined) this.#take(name, label)
    requirePolicy(onError, label, name)
    if (draft.kind === 'step' && name === undefined && onError?.kind === 'deadLetter' && onError.retry) {
      throw new MillraceError(
        'OPTION_INVALID',
        `${label} has onError: retryThenDeadLetter(...) and no name; records that wait are kept under its name, so give it one with the option name`,
      )
    }
    const id = this.#nodes.length
    this.#nodes.push({ id, draft, name, label, onError })
    return id
  }

  /** Builds the graph. Throws `GRAPH_INVALID` or `NAME_TAKEN` for an invalid pipeline. */
  build(): Graph {
    this.#isBuilt = true
    this.#checkThatAllLeadSomewhere()
    const letters = new Map<string, DeadLetterSink>()
    const early = this.#beforeTimestamps()
    const nodes = this.#nodes.map((drafted): GraphNode => {
      const { id, draft } = drafted
      const onError = this.#policyOf(drafted)
      if (onError.kind === 'deadLetter') this.#sendLetters(id, onError, letters)
      const retry = onError.kind === 'deadLetter' ? onError.retry : undefined
      const name = drafted.name ?? this.#freeName(drafted.label)
      const kind = onError.kind
      if (draft.kind === 'async')
        return { ...draft, retry: draft.retry ?? retry, id, name, onError: { kind } }
      // Records that wait are kept under the name of the step.
      const isKept = draft.kind === 'operator' || draft.kind === 'sink' || drafted.name !== undefined
      const isRetried = retry !== undefined && isKept && !early.has(id)
      const policy: ErrorPolicy = kind === 'deadLetter' && isRetried ? { kind, retry } : { kind }
      return { ...draft, id, name, onError: policy }
    })
    const hasLog = [...letters.values()].some(({ node }) => node.sink === letterLog)
    const all = hasLog ? nodes.map(withRedrive) : nodes
    const graph = { name: this.name, nodes: [...all, ...[...letters.values()].map(({ node }) => node)] }
    validateGraph(graph)
    return graph
  }

  #take(name: string, label: string): void {
    checkName(label, name)
    const holder = this.#labels.get(name)
    if (holder !== undefined) {
      throw new MillraceError(
        'NAME_TAKEN',
        `pipeline '${this.name}' has two parts named '${name}': ${holder} and ${label}; state and metrics are stored by name, so give each its own`,
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

  /** Sources, timestamps and steps before them: what fails there is the record itself, and its split does not wait. */
  #beforeTimestamps(): ReadonlySet<NodeId> {
    const early = new Set<NodeId>()
    for (const { id, draft } of this.#nodes) {
      if (draft.kind === 'source' || draft.kind === 'timestamps') early.add(id)
      if (draft.kind !== 'timestamps') continue
      for (let at = this.#nodes[draft.inputs[0].from]; at?.draft.kind === 'step';) {
        early.add(at.id)
        at = this.#nodes[at.draft.inputs[0]!.from]
      }
    }
    return early
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
    const isView = (draft: NodeDraft): boolean => draft.kind === 'operator' && draft.view !== undefined
    const loose = this.#nodes.find(
      ({ id, draft }) => draft.kind !== 'sink' && !isView(draft) && !read.has(id),
    )
    if (loose === undefined) return
    const what = loose.name === undefined ? `a ${loose.label}` : `${loose.label} '${loose.name}'`
    throw this.#invalid(`${what} does not end in a sink; end the stream with .to(name, sink) or remove it`)
  }

  #invalid(what: string): MillraceError {
    return new MillraceError('GRAPH_INVALID', `pipeline '${this.name}' cannot run: ${what}`)
  }
}

/** Letters that are kept in the data directory can be redriven into their sources. */
function withRedrive(node: GraphNode): GraphNode {
  return node.kind === 'source' ? { ...node, source: redrivable(node.source) } : node
}

function deadLetterSink(id: NodeId, name: string, sink: Sink<DeadLetter>): DeadLetterSink {
  const inputs: Input[] = []
  // Its inputs are error outputs, which carry only dead letters.
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

/** Throws `OPTION_INVALID` for a policy that was not made by `fail`, `skip` or `deadLetter`. */
function requirePolicy(policy: OnError | undefined, label: string, name: string | undefined): void {
  if (policy === undefined) return
  const kind: unknown = (policy as Partial<OnError> | null)?.kind
  if (kind === 'fail' || kind === 'skip' || kind === 'deadLetter') return
  const where = name === undefined ? label : `${label} '${name}'`
  throw new MillraceError(
    'OPTION_INVALID',
    `onError of ${where} is ${JSON.stringify(policy)}; write fail(), skip(), deadLetter(name) or retryThenDeadLetter(name, retry)`,
  )
}
