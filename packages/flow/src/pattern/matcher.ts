/**
 * Follows all partial matches of a key, event by event.
 *
 * A partial match is a node with the edges by which it may continue. For an event each edge is followed (the event is
 * taken, by a new node), kept (the event is ignored) or dropped.
 */
import type { EventTime } from '@millrace/core'
import { continuesLoop, END, NONE, type Automaton, type Edge } from './automaton.ts'
import { Conditions } from './conditions.ts'
import type { Node, PartialMatches, PartialMatchStore } from './partial-matches.ts'

/** What becomes of an edge, as bits. */
const keeps = 1
const takes = 2

/** An event of the current key, where the buffer has it. */
export interface CurrentEvent {
  readonly time: EventTime
  readonly index: number
  readonly value: unknown
}

/** What the end of the time of partial matches brings. Both have a reference of their own. */
export interface Expired {
  readonly matches: readonly Node[]
  /** Those that had not matched. */
  readonly timedOut: readonly Node[]
}

export class Matcher {
  readonly #automaton: Automaton
  readonly #store: PartialMatchStore
  readonly #conditions: Conditions<Node>
  /** The outcome of each edge of the current node. */
  readonly #fates: number[] = []
  #partials!: PartialMatches

  constructor(automaton: Automaton, store: PartialMatchStore) {
    this.#automaton = automaton
    this.#store = store
    this.#conditions = new Conditions(automaton, (node, stage) => this.#eventsOf(node, stage))
  }

  /**
   * Hands an event to all partial matches, and begins new ones. Returns the matches that it completes, in lexicographic
   * order of their events; each has a reference that belongs to the caller.
   */
  step(partials: PartialMatches, event: CurrentEvent): readonly Node[] {
    this.#partials = partials
    this.#conditions.begin(event.value)
    const { runs } = partials
    partials.runs = []
    const matches: Node[] = []
    for (const id of runs) {
      const node = partials.nodes.get(id)!
      this.#decide(node, node.edges)
      this.#take(node, node.edges, event, matches)
      this.#keep(node, matches)
    }
    this.#decide(undefined, this.#automaton.start)
    this.#take(undefined, this.#automaton.start, event, matches)
    return matches
  }

  /** Ends the partial matches that began `withinMs` before `now` or earlier. */
  expire(partials: PartialMatches, now: EventTime, withinMs: number): Expired {
    const matches: Node[] = []
    const timedOut: Node[] = []
    const { runs } = partials
    // The earliest ones come first.
    const count = runs.findIndex((id) => partials.nodes.get(id)!.startTime + withinMs > now)
    for (const id of runs.splice(0, count === -1 ? runs.length : count)) {
      const node = partials.nodes.get(id)!
      if (node.isMatch) this.#store.release(partials, id)
      else if (this.#isCompleteInTime(node)) matches.push(node)
      else timedOut.push(node)
    }
    return { matches, timedOut }
  }

  /** Decides what becomes of each edge of a node. */
  #decide(node: Node | undefined, edges: readonly number[]): void {
    const fates = this.#fates
    let isLeaving = false
    for (let i = 0; i < edges.length; i++) {
      const edge = this.#edge(edges[i]!)
      fates[i] = this.#fate(node, edge)
      isLeaving ||= edge.leaves.length > 0
    }
    if (!isLeaving) return
    for (let i = 0; i < edges.length; i++) {
      const { leaves } = this.#edge(edges[i]!)
      if (leaves.length > 0 && this.#hasLoop(edges, leaves, takes)) fates[i] = 0
    }
  }

  #fate(node: Node | undefined, edge: Edge): number {
    const conditions = this.#conditions
    if (edge.nots.length > 0 && conditions.holdsAny(edge.nots, node)) return 0
    if (edge.notNexts.length > 0 && (node?.isNewest ?? true) && conditions.holdsAny(edge.notNexts, node))
      return 0
    if (edge.target === END) return keeps
    const { stage } = edge
    if (edge.until !== NONE && conditions.holds(edge.until, node, stage)) return 0
    const { condition, until } = this.#automaton.stages[stage]!
    const isTaken =
      conditions.holds(condition, node, stage) && (until === NONE || !conditions.holds(until, node, stage))
    if (edge.contiguity === 'strict') return isTaken ? takes : 0
    if (edge.contiguity === 'any') return isTaken ? takes | keeps : keeps
    return isTaken ? takes : keeps
  }

  /** Whether an edge with such a fate continues one of the loops. */
  #hasLoop(edges: readonly number[], loops: readonly number[], fate: number): boolean {
    for (let i = 0; i < edges.length; i++) {
      if ((this.#fates[i]! & fate) === 0) continue
      const edge = this.#edge(edges[i]!)
      if (continuesLoop(edge) && loops.includes(edge.stage)) return true
    }
    return false
  }

  /** Makes a node for each stage that takes the event. */
  #take(before: Node | undefined, edges: readonly number[], event: CurrentEvent, matches: Node[]): void {
    const { time, index } = event
    let node: Node | undefined
    for (let i = 0; i < edges.length; i++) {
      if ((this.#fates[i]! & takes) === 0) continue
      const { target, stage } = this.#edge(edges[i]!)
      // Edges are in the order of their stages, so positions of one stage are neighbours. They are one node.
      if (node?.stage !== stage) {
        this.#settle(node)
        node = this.#store.extend(this.#partials, before, { time, index, stage })
      }
      const { edges: next, accepts } = this.#automaton.positions[target]!
      node.edges = this.#union(node.edges, next)
      if (accepts && !node.isMatch) this.#match(node, matches)
    }
    this.#settle(node)
  }

  /** A new node is a partial match, unless nothing continues from it. */
  #settle(node: Node | undefined): void {
    if (node === undefined) return
    if (node.edges.length > 0) this.#partials.runs.push(node.id)
    else this.#store.release(this.#partials, node.id)
  }

  /** Keeps the edges of a node that are not used up, and the node if there are any. */
  #keep(node: Node, matches: Node[]): void {
    const { edges } = node
    const fates = this.#fates
    let kept = 0
    let isComplete = false
    for (let i = 0; i < edges.length; i++) {
      if ((fates[i]! & keeps) === 0) continue
      kept++
      isComplete ||= this.#isComplete(edges[i]!, edges)
    }
    if (isComplete) this.#match(node, matches)
    node.isNewest = false
    if (isComplete)
      node.edges = edges.filter((edge, i) => (fates[i]! & keeps) !== 0 && this.#edge(edge).target !== END)
    else if (kept < edges.length) node.edges = edges.filter((_, i) => (fates[i]! & keeps) !== 0)
    if (node.edges.length > 0) this.#partials.runs.push(node.id)
    else this.#store.release(this.#partials, node.id)
  }

  /** Whether an edge to the end waits for nothing any more. */
  #isComplete(number: number, edges: readonly number[]): boolean {
    const { target, nots, leaves } = this.#edge(number)
    return target === END && nots.length === 0 && !this.#hasLoop(edges, leaves, keeps)
  }

  #match(node: Node, matches: Node[]): void {
    node.isMatch = true
    node.references++
    matches.push(node)
  }

  /** Whether a match ends here because what must not follow has not come in time. */
  #isCompleteInTime({ edges, isNewest }: Node): boolean {
    return edges.some((number) => {
      const { target, notNexts } = this.#edge(number)
      return target === END && !(isNewest && notNexts.length > 0)
    })
  }

  /** In the order of their stages. */
  #union(a: readonly number[], b: readonly number[]): readonly number[] {
    if (a.length === 0) return b
    return [...new Set([...a, ...b])].toSorted((x, y) => this.#edge(x).stage - this.#edge(y).stage || x - y)
  }

  #edge(number: number): Edge {
    return this.#automaton.edges[number]!
  }

  #eventsOf(last: Node | undefined, stage: number): readonly unknown[] {
    if (last === undefined) return []
    return this.#store
      .path(this.#partials, last)
      .filter((node) => node.stage === stage)
      .map((node) => this.#store.eventOf(node))
  }
}
