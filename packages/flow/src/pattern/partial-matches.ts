import type { EventTime } from '@millrace/core'
import { statePiece, type Fingerprint, type OperatorContext, type ValueState } from '@millrace/core/operator'
import type { EventBuffer } from './event-buffer.ts'

/** An event that a partial match has taken, and the one that it has taken before. */
export interface Node {
  readonly id: number
  /** The event: its time, and its index among the key's events of that time. */
  readonly time: EventTime
  readonly index: number
  readonly stage: number
  /** The id of the node before; 0 for the first one. */
  readonly before: number
  /** The event with which the match begins. */
  readonly startTime: EventTime
  readonly startIndex: number
  /** The edges by which the match may continue from here; none if it cannot. */
  edges: readonly number[]
  /** Whether no event of the key has followed yet. */
  isNewest: boolean
  /** Whether a match ended here. */
  isMatch: boolean
  /** How many nodes, runs and waiting matches refer to it. */
  references: number
}

/** The partial matches of one key, as plain data: it is stored as it is. */
export interface PartialMatches {
  /** The id of the next node. */
  next: number
  /** Partial matches with common beginnings share nodes. */
  readonly nodes: Map<number, Node>
  /**
   * Nodes from which a match may continue: the partial matches. In lexicographic order of their events, and one that is
   * the beginning of another behind that.
   */
  runs: number[]
  /** Matches that wait until no earlier partial match could make them invalid, earliest start first. */
  matches: number[]
}

/** What a checkpoint knows of partial matches. */
export const partialsPiece: Fingerprint['pieces'][number] = statePiece('value', { name: 'partials' })

/**
 * The partial matches of each key.
 *
 * Invariant: an event or node is kept if and only if a run or a waiting match leads to it.
 */
export class PartialMatchStore {
  readonly #events: EventBuffer
  readonly #state: ValueState<PartialMatches>

  constructor(context: OperatorContext, events: EventBuffer) {
    this.#events = events
    this.#state = context.value({ name: 'partials' })
  }

  /** Those of the current key. Call `save` after changing them. */
  load(): PartialMatches {
    return this.#state.get() ?? { next: 1, nodes: new Map(), runs: [], matches: [] }
  }

  /** Saves those of the current key, or drops them if there is none. */
  save(partials: PartialMatches): void {
    if (partials.runs.length > 0 || partials.matches.length > 0) this.#state.set(partials)
    else this.#state.clear()
  }

  /** Adds a node behind `before`, with one reference: the caller's. */
  extend(
    partials: PartialMatches,
    before: Node | undefined,
    event: Pick<Node, 'time' | 'index' | 'stage'>,
  ): Node {
    const { time, index, stage } = event
    const node: Node = {
      id: partials.next++,
      time,
      index,
      stage,
      before: before?.id ?? 0,
      startTime: before?.startTime ?? time,
      startIndex: before?.startIndex ?? index,
      edges: [],
      isNewest: true,
      isMatch: false,
      references: 1,
    }
    partials.nodes.set(node.id, node)
    if (before !== undefined) before.references++
    this.#events.retain(time, index)
    return node
  }

  /** Drops a reference to a node, and the node and those before it if it was the last one. */
  release(partials: PartialMatches, id: number): void {
    for (let next = id; next !== 0;) {
      const node = partials.nodes.get(next)!
      if (--node.references > 0) return
      partials.nodes.delete(next)
      this.#events.release(node.time, node.index)
      next = node.before
    }
  }

  /** The events of each stage that lead to a node, in order. */
  path(partials: PartialMatches, last: Node): readonly Node[] {
    const nodes: Node[] = []
    for (let node: Node | undefined = last; node !== undefined; node = partials.nodes.get(node.before)) {
      nodes.push(node)
    }
    return nodes.reverse()
  }

  /** The event of a node. */
  eventOf({ time, index }: Node): unknown {
    return this.#events.value(time, index)
  }
}

/** Whether one match or partial match begins before another. */
export function startsBefore(a: Node, b: Node): boolean {
  return a.startTime < b.startTime || (a.startTime === b.startTime && a.startIndex < b.startIndex)
}
