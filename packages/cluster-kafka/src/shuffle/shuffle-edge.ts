import type { NewTopic } from '@millrace/connector-kafka/port'
import { MillraceError } from '@millrace/core'
import { crc32 } from '@millrace/core/disk'
import { inputsOf, type Graph, type GraphNode, type Input, type NodeId } from '@millrace/core/graph'

/** An input whose records change their lease on the way to it. */
export interface ShuffleEdge {
  readonly node: GraphNode
  /** The number of the input. */
  readonly input: number
  /** Names it among the edges of the job: the node, and the input if it has a name. */
  readonly name: string
  readonly topic: string
  /** Whether its records have event times. */
  readonly isTimed: boolean
}

/** A larger record does not fit into a message. The messages of brokers are smaller by default, so the topics set a limit of their own. */
export const messageBytesMax: number = 16 * 2 ** 20

/**
 * The inputs of a graph that several leases have to shuffle: those by key and those that are broadcast, as between subtasks.
 *
 * Topics are named after the node that reads them and its input, because their records outlive a change of the program: a step that is
 * put before `keyBy`, or another part of the program, must not lose what is on its way. Throws `GRAPH_INVALID` if two topics have
 * one name.
 */
export function shuffleEdges(graph: Graph, job: string): readonly ShuffleEdge[] {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
  const timed = new Map<NodeId, boolean>()
  const edges = graph.nodes.flatMap((node) =>
    inputsOf(node).flatMap((input, index) => {
      if (input.exchange.kind === 'forward') return []
      const name = edgeName(node, input, index)
      const topic = `millrace-${topicSafe(job)}-shuffle-${topicSafe(name)}`
      const isTimed = hasTimes(input.from, nodes, timed)
      return [{ node, input: index, name, topic, isTimed }]
    }),
  )
  const named = new Map<string, ShuffleEdge>()
  for (const edge of edges) {
    // Brokers take these two characters for the same.
    const key = edge.topic.replaceAll('.', '_')
    const other = named.get(key)
    if (other !== undefined) {
      throw new MillraceError(
        'GRAPH_INVALID',
        `pipeline '${graph.name}' cannot run in several leases: the shuffles to '${other.name}' and '${edge.name}' would use one topic, ${edge.topic}; rename one of them`,
      )
    }
    named.set(key, edge)
  }
  return edges
}

/** The topics that a job with so many leases needs. Their records are deleted once they were read and a checkpoint has their effect. */
export function shuffleTopics(
  graph: Graph,
  { job, leases }: { readonly job: string; readonly leases: number },
): readonly NewTopic[] {
  if (leases === 1) return []
  return shuffleEdges(graph, job).map(({ topic }) => ({
    name: topic,
    partitions: leases,
    settings: {
      'cleanup.policy': 'delete',
      // Time and size delete nothing: a lease that is not running reads later.
      'retention.ms': '-1',
      'retention.bytes': '-1',
      // Brokers free whole segments.
      'segment.bytes': String(4 * messageBytesMax),
      'max.message.bytes': String(messageBytesMax + 2 ** 16),
    },
  }))
}

/** A name in the characters that topics may have. A name that has others, or is long, gets a checksum so that it stays unique. */
function topicSafe(name: string): string {
  const safe = name.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 80)
  if (safe === name) return name
  return `${safe}-${crc32(new TextEncoder().encode(name)).toString(16).padStart(8, '0')}`
}

function edgeName(node: GraphNode, { name }: Input, index: number): string {
  if (name !== undefined) return `${node.name}--${name}`
  return index === 0 ? node.name : `${node.name}--${index + 1}`
}

/** Whether what a node emits has event times. */
function hasTimes(id: NodeId, nodes: ReadonlyMap<NodeId, GraphNode>, known: Map<NodeId, boolean>): boolean {
  const before = known.get(id)
  if (before !== undefined) return before
  const node = nodes.get(id)!
  const is = node.kind === 'timestamps' || inputsOf(node).some(({ from }) => hasTimes(from, nodes, known))
  known.set(id, is)
  return is
}
