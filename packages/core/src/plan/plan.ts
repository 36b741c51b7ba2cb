import type { Exchange, WiredTask } from '../exchange/exchange.ts'
import type {
  AsyncNode,
  Graph,
  GraphNode,
  Input,
  NodeId,
  RetryRules,
  SinkNode,
  Seed,
  SourceNode,
  TimestampsNode,
} from '../graph/node.ts'
import { errorOutput, inputsOf, keysOf } from '../graph/node.ts'
import { validateGraph } from '../graph/validate.ts'
import { MillraceError } from '../errors/errors.ts'
import type { ChainPart, ChainTarget, ChainWork } from '../operator/chain-part.ts'
import type { KeySelectors } from '../operator/key-kinds.ts'

/**
 * The execution plan: tasks joined by edges. Each task runs as `parallelism` subtasks.
 *
 * Tasks are listed so that a task's inputs come from tasks before it.
 */
export interface Plan {
  readonly pipeline: string
  readonly parallelism: number
  readonly tasks: readonly TaskPlan[]
}

/** One task of a plan, by kind. */
export type TaskPlan = SourceTaskPlan | ChainTaskPlan | AsyncTaskPlan | SinkTaskPlan

interface TaskCommon extends WiredTask {
  /** The name of the node the task begins with. */
  readonly name: string
  /** The names of all nodes that run in it. */
  readonly members: readonly string[]
  /** Whether all its subtasks run in the thread that started the job. */
  readonly needsMainThread: boolean
}

/** Reads splits and, with timestamps, runs the steps before them, split by split. */
export interface SourceTaskPlan extends TaskCommon {
  readonly kind: 'source'
  readonly node: SourceNode
  /** The targets of decoded values: steps, ports, or the stamp, which is the port after the last. */
  readonly heads: readonly ChainTarget[]
  readonly errors: readonly ChainTarget[]
  readonly stamp: StampPlan | undefined
}

export interface StampPlan {
  readonly node: TimestampsNode
  readonly targets: readonly ChainTarget[]
  readonly errors: readonly ChainTarget[]
}

export interface ChainTaskPlan extends TaskCommon {
  readonly kind: 'chain'
  /** Where the records of each input go. */
  readonly heads: readonly (readonly ChainTarget[])[]
  /** How its first part tries records again. Undefined: it does not. */
  readonly retry: RetryRules | undefined
  /** The key selectors of its first part, by input. Empty: it has no key. */
  readonly keys: KeySelectors
  /** What the state of its operators begins with. */
  readonly seeds: readonly OperatorSeed[]
}

/** The seed of one operator of a task. */
export interface OperatorSeed {
  readonly operator: string
  readonly seed: Seed
}

export interface AsyncTaskPlan extends TaskCommon {
  readonly kind: 'async'
  readonly node: AsyncNode
  readonly targets: readonly ChainTarget[]
  readonly errors: readonly ChainTarget[]
}

export interface SinkTaskPlan extends TaskCommon {
  readonly kind: 'sink'
  readonly node: SinkNode
  readonly errors: readonly ChainTarget[]
}

/** Groups the nodes of a valid graph into tasks. Throws `GRAPH_INVALID` for an invalid graph. */
export function planGraph(graph: Graph, parallelism: number): Plan {
  validateGraph(graph)
  return new Planner(graph, parallelism).plan()
}

interface Reader {
  readonly node: GraphNode
  readonly input: number
  readonly exchange: Exchange
}

/** The fields specific to one kind of task. */
type TaskBody = TaskPlan extends infer Task
  ? Task extends TaskCommon
    ? Omit<Task, keyof TaskCommon>
    : never
  : never

/** Ports of the task being planned; targets are resolved to task numbers once all tasks are known. */
type OpenPort = { readonly to: NodeId; readonly input: number; readonly exchange: Exchange }

class Planner {
  readonly #graph: Graph
  readonly #parallelism: number
  readonly #nodes: ReadonlyMap<NodeId, GraphNode>
  /** By node and output name. */
  readonly #readers = new Map<string, Reader[]>()
  /** What `#headOf` has found: without it a node would look at those before it twice, and so would each of these. */
  readonly #heads = new Map<NodeId, NodeId>()
  /** Steps that run inside a source task because timestamps come after them. */
  readonly #beforeTimestamps = new Set<NodeId>()
  /** Names of the nodes in the task being planned. */
  #members: string[] = []
  /**
   * Operators with several inputs in the task being planned, each of which is visited once for each input.
   */
  readonly #shared = new Map<NodeId, ChainPart>()

  constructor(graph: Graph, parallelism: number) {
    this.#graph = graph
    this.#parallelism = parallelism
    this.#nodes = new Map(graph.nodes.map((node) => [node.id, node]))
    for (const node of graph.nodes) {
      for (const [input, { from, output, exchange }] of inputsOf(node).entries()) {
        const key = `${from}/${output}`
        const readers = this.#readers.get(key) ?? []
        readers.push({ node, input, exchange })
        this.#readers.set(key, readers)
      }
      if (node.kind === 'timestamps') this.#markBefore(node)
    }
  }

  plan(): Plan {
    const heads = this.#graph.nodes.filter((node) => node.kind !== 'timestamps' && !this.#isInsideTask(node))
    const taskOf = new Map(heads.map((node, index) => [node.id, index]))
    const tasks = heads.map((head, index): TaskPlan => {
      const open: OpenPort[] = []
      this.#members = [head.name]
      this.#shared.clear()
      const body = this.#body(head, open)
      const ports = open.map(({ to, input, exchange }) => ({ task: taskOf.get(to)!, input, exchange }))
      return {
        index,
        name: head.name,
        members: [...new Set(this.#members)],
        needsMainThread: this.#needsMainThread(),
        ports,
        inputs: inputsOf(head).length,
        ...body,
      }
    })
    return { pipeline: this.#graph.name, parallelism: this.#parallelism, tasks }
  }

  #body(head: GraphNode, open: OpenPort[]): TaskBody {
    switch (head.kind) {
      case 'source':
        return this.#source(head, open)
      case 'async':
        return {
          kind: 'async',
          node: head,
          targets: this.#targets(head, 'main', open),
          errors: this.#targets(head, errorOutput, open),
        }
      case 'sink':
        return { kind: 'sink', node: head, errors: this.#targets(head, errorOutput, open) }
      default: {
        const retry = retryOf(head)
        const part = { ...this.#part(head, open), isRetried: retry !== undefined }
        return {
          kind: 'chain',
          heads: inputsOf(head).map((_, input) => [targetOf(head, part, input)]),
          retry,
          keys: head.kind === 'operator' ? keysOf(head) : [],
          seeds: this.#seeds(),
        }
      }
    }
  }

  /** Whether a node in the task being planned cannot leave the main thread. */
  #needsMainThread(): boolean {
    return this.#graph.nodes.some((node) => {
      if (!this.#members.includes(node.name)) return false
      if (node.kind === 'source') return node.source.needsMainThread === true
      if (node.kind === 'sink') return node.sink.needsMainThread === true
      return node.kind === 'operator' && node.view !== undefined
    })
  }

  /** The seeds of the operators in the task being planned. */
  #seeds(): readonly OperatorSeed[] {
    return this.#graph.nodes.flatMap((node) =>
      node.kind === 'operator' && node.seed !== undefined && this.#members.includes(node.name)
        ? [{ operator: node.name, seed: node.seed }]
        : [],
    )
  }

  #source(head: SourceNode, open: OpenPort[]): TaskBody {
    const stamps: TimestampsNode[] = []
    const heads = this.#targets(head, 'main', open, stamps)
    const errors = this.#targets(head, errorOutput, open, stamps)
    if (stamps.length > 1) {
      throw new MillraceError(
        'GRAPH_INVALID',
        `pipeline '${this.#graph.name}' cannot run: source '${head.name}' is given timestamps twice; call withTimestamps once and branch after it`,
      )
    }
    const [node] = stamps
    const stamp = node && {
      node,
      targets: this.#targets(node, 'main', open),
      errors: this.#targets(node, errorOutput, open),
    }
    // The stamp is the port after the last, which is known only now.
    return {
      kind: 'source',
      node: head,
      heads: heads.map((target) => resolveStamp(target, open.length)),
      errors,
      stamp,
    }
  }

  #targets(node: GraphNode, output: string, open: OpenPort[], stamps: TimestampsNode[] = []): ChainTarget[] {
    return (this.#readers.get(`${node.id}/${output}`) ?? []).map((reader): ChainTarget => {
      if (reader.node.kind === 'timestamps') {
        stamps.push(reader.node)
        return { kind: 'port', port: stampPort }
      }
      if (this.#isInsideTask(reader.node)) {
        return targetOf(reader.node, this.#part(reader.node, open, stamps), reader.input)
      }
      open.push({ to: reader.node.id, input: reader.input, exchange: reader.exchange })
      return { kind: 'port', port: open.length - 1 }
    })
  }

  #part(node: GraphNode, open: OpenPort[], stamps?: TimestampsNode[]): ChainPart {
    const known = this.#shared.get(node.id)
    if (known !== undefined) return known
    this.#members.push(node.name)
    const outputs = node.kind === 'operator' ? ['main', ...node.outputs, errorOutput] : ['main', errorOutput]
    const part = {
      name: node.name,
      onError: node.onError.kind,
      work: workOf(node),
      targets: new Map(outputs.map((output) => [output, this.#targets(node, output, open, stamps)] as const)),
    }
    if (inputsOf(node).length > 1) this.#shared.set(node.id, part)
    return part
  }

  /** Whether `node` runs in the task of the nodes it reads from, which must be one task. */
  #isInsideTask(node: GraphNode): boolean {
    if (this.#beforeTimestamps.has(node.id)) return true
    if (node.kind !== 'operator' && (node.kind !== 'step' || node.inputs.length !== 1)) return false
    // Records that wait for another attempt hold back event time, which is that of a whole task.
    if (retryOf(node) !== undefined) return false
    const tasks = new Set(node.inputs.map((input) => this.#taskReached(input)))
    return tasks.size === 1 && !tasks.has(undefined)
  }

  /**
   * The first node of the chain that passes records to `input` by direct calls; undefined if they cross an
   * edge.
   */
  #taskReached({ from, exchange }: Input): NodeId | undefined {
    if (exchange.kind !== 'forward' && this.#parallelism > 1) return undefined
    const upstream = this.#nodes.get(from)!
    if ((upstream.kind !== 'step' && upstream.kind !== 'operator') || this.#beforeTimestamps.has(from))
      return undefined
    return this.#headOf(upstream)
  }

  /** The first node of the task that a step or operator runs in. */
  #headOf(node: GraphNode): NodeId {
    const known = this.#heads.get(node.id)
    if (known !== undefined) return known
    const [first] = this.#isInsideTask(node) ? inputsOf(node) : []
    const head = first === undefined ? node.id : this.#headOf(this.#nodes.get(first.from)!)
    this.#heads.set(node.id, head)
    return head
  }

  #markBefore(timestamps: TimestampsNode): void {
    let at = this.#nodes.get(timestamps.inputs[0].from)!
    while (at.kind === 'step') {
      this.#beforeTimestamps.add(at.id)
      at = this.#nodes.get(at.inputs[0]!.from)!
    }
  }
}

const stampPort = -1

/** How a node tries records again; undefined if it does not. */
function retryOf(node: GraphNode): RetryRules | undefined {
  return node.onError.kind === 'deadLetter' ? node.onError.retry : undefined
}

/** One input of a part. Streams that a union merges are one input. */
function targetOf(node: GraphNode, part: ChainPart, input: number): ChainTarget {
  return node.kind === 'operator' && input > 0 ? { kind: 'part', part, input } : { kind: 'part', part }
}

function resolveStamp(target: ChainTarget, port: number): ChainTarget {
  if (target.kind === 'port') return target.port === stampPort ? { kind: 'port', port } : target
  const targets = [...target.part.targets].map(
    ([output, list]) => [output, list.map((next) => resolveStamp(next, port))] as const,
  )
  // Only steps precede the stamp, and they have one input.
  return { kind: 'part', part: { ...target.part, targets: new Map(targets) } }
}

function workOf(node: GraphNode): ChainWork {
  if (node.kind === 'step') return { kind: 'step', step: node.step }
  if (node.kind !== 'operator') {
    throw new MillraceError('INTERNAL', `'${node.name}' cannot be part of a chain`)
  }
  const { create, fingerprint } = node
  return { kind: 'operator', create, fingerprint, keys: keysOf(node) }
}
