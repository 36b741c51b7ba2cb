/**
 * Compiles a pattern into positions and edges.
 *
 * A position is a stage whose event has just been taken; a stage that repeats has several. An edge leads to a position
 * that may take the next event of the match, or to the end. What lies between, such as stages that are left out and
 * events that must not occur, is part of the edge. So the edges of a partial match do not depend on each other, except
 * for greedy loops. (Glushkov's construction.)
 */
import { MillraceError } from '@millrace/core'
import type { Condition, Contiguity, Element, GroupElement, StageElement } from './elements.ts'

/** The target of an edge at which the match is complete. */
export const END = -1

/** No condition. */
export const NONE = -1

/** More positions or edges than this are a mistake. */
const sizeMax = 10_000

/** A stage. Conditions are numbers: indices into `Automaton.conditions`. */
export interface AutomatonStage {
  readonly name: string
  readonly isLoop: boolean
  readonly condition: number
  readonly until: number
}

/** What may happen next after a position. */
export interface Edge {
  /** A position, or `END`. */
  readonly target: number
  /** The stage of the target; after all stages for `END`. */
  readonly stage: number
  readonly contiguity: Contiguity
  /** Conditions of which no event up to the next one of the match may meet one. */
  readonly nots: readonly number[]
  /** Conditions of which the next event may not meet one. */
  readonly notNexts: readonly number[]
  /** The condition that ends the loop to which the edge belongs. */
  readonly until: number
  /** Greedy stages that the edge leaves: while one of them can take an event, the edge must not. */
  readonly leaves: readonly number[]
}

export interface Position {
  readonly stage: number
  /** Whether a match may end here at once. */
  readonly accepts: boolean
  /** Numbers of edges, those to earlier stages first. */
  readonly edges: readonly number[]
}

export interface Automaton {
  readonly stages: readonly AutomatonStage[]
  readonly conditions: readonly Condition[]
  readonly positions: readonly Position[]
  readonly edges: readonly Edge[]
  /** Edges that take the first event of a match. */
  readonly start: readonly number[]
  /** Whether some match is complete only when its time is over. */
  readonly needsTime: boolean
}

/** What an edge passes between two events. */
interface Passed {
  readonly nots: readonly number[]
  readonly notNexts: readonly number[]
  readonly leaves: readonly number[]
}

interface Entry {
  readonly position: number
  readonly contiguity: Contiguity
  readonly passed: Passed
  /** Whether it enters the first part of the fragment: the contiguity is then that of the fragment. */
  readonly isHead: boolean
}

interface Exit {
  readonly position: number
  readonly passed: Passed
}

/** A part of a pattern: how it is entered and left, and what is passed if it is left out, where that is allowed. */
interface Fragment {
  readonly entries: readonly Entry[]
  readonly exits: readonly Exit[]
  readonly skip: Passed | undefined
}

const nothing: Passed = { nots: [], notNexts: [], leaves: [] }

/** The automaton of a pattern. Throws `OPTION_INVALID` for one that is too large. */
export function compile(elements: readonly Element[]): Automaton {
  return new Compiler().compile(elements)
}

class Compiler {
  readonly #conditions = new Map<Condition, number>()
  readonly #stages: AutomatonStage[] = []
  readonly #numbers = new Map<StageElement, number>()
  /** The stage of each position. */
  readonly #positions: number[] = []
  readonly #edges = new Map<number, Edge[]>()
  #size = 0

  compile(elements: readonly Element[]): Automaton {
    this.#numberStages(elements, false)
    const { entries, exits } = this.#sequence(elements, 'any')
    // The start is numbered like a position.
    for (const entry of entries) this.#connect({ position: END, passed: nothing }, entry)
    for (const exit of exits) this.#addEdge(exit.position, this.#edge(END, 'any', exit.passed, NONE))
    const all: Edge[] = []
    const edgesOf = (
      position: number,
    ): { readonly numbers: readonly number[]; readonly accepts: boolean } => {
      const edges = withoutIdleLoops(this.#edges.get(position) ?? [])
      const accepts = edges.some(isAtOnce)
      const later = accepts ? edges.filter(({ target }) => target !== END) : edges
      const first = all.push(...later) - later.length
      return { numbers: later.map((_, index) => first + index), accepts }
    }
    const start = edgesOf(END).numbers
    const positions = this.#positions.map((stage, position) => {
      const { numbers, accepts } = edgesOf(position)
      return { stage, accepts, edges: numbers }
    })
    return {
      stages: this.#stages,
      conditions: [...this.#conditions.keys()],
      positions,
      edges: all,
      start,
      needsTime: all.some(({ target, nots, leaves }) => target === END && nots.length + leaves.length > 0),
    }
  }

  /** `contiguity` is that of the first element. */
  #sequence(elements: readonly Element[], contiguity: Contiguity): Fragment {
    let sequence = this.#fragment(elements[0]!, contiguity)
    for (const element of elements.slice(1)) sequence = this.#concat(sequence, this.#fragment(element))
    return sequence
  }

  #fragment(element: Element, contiguity?: Contiguity): Fragment {
    if (element.kind === 'not') {
      const condition = this.#condition(element.condition)
      const field = element.isNext ? 'notNexts' : 'nots'
      return { entries: [], exits: [], skip: { ...nothing, [field]: [condition] } }
    }
    return element.kind === 'stage'
      ? this.#stage(element, contiguity ?? element.contiguity)
      : this.#group(element, contiguity ?? element.contiguity)
  }

  #stage(element: StageElement, contiguity: Contiguity): Fragment {
    const { min, max, inner, isOptional, isGreedy } = element.quantifier
    const stage = this.#numbers.get(element)!
    const { until } = this.#stages[stage]!
    const left: Passed = isGreedy ? { ...nothing, leaves: [stage] } : nothing
    const count = Number.isFinite(max) ? max : min
    const copies = Array.from({ length: count }, () => this.#position(stage))
    const repeat = (from: number, to: number): void =>
      this.#addEdge(from, this.#edge(to, inner, nothing, until))
    for (let i = 1; i < count; i++) repeat(copies[i - 1]!, copies[i]!)
    if (!Number.isFinite(max)) repeat(copies.at(-1)!, copies.at(-1)!)
    return {
      entries: [{ position: copies[0]!, contiguity, passed: nothing, isHead: true }],
      exits: copies.slice(min - 1).map((position) => ({ position, passed: left })),
      skip: isOptional ? left : undefined,
    }
  }

  #group({ elements, quantifier }: GroupElement, contiguity: Contiguity): Fragment {
    const { min, max, inner, isOptional } = quantifier
    const count = Number.isFinite(max) ? max : min
    let copy = this.#sequence(elements, contiguity)
    let group = copy
    const exits: Exit[] = []
    for (let i = 1; ; i++) {
      if (i >= min) exits.push(...group.exits)
      if (i === count) break
      copy = this.#sequence(elements, inner)
      // An iteration without events is none: the group is entered by its first one.
      group = { ...this.#concat(group, copy), entries: group.entries }
    }
    if (!Number.isFinite(max)) {
      for (const exit of copy.exits) {
        for (const entry of copy.entries) {
          this.#connect(exit, entry.isHead ? { ...entry, contiguity: inner } : entry)
        }
      }
    }
    return { entries: group.entries, exits, skip: isOptional ? nothing : group.skip }
  }

  /** `second` behind `first`, with an edge from each exit to each entry. */
  #concat(first: Fragment, second: Fragment): Fragment {
    for (const exit of first.exits) for (const entry of second.entries) this.#connect(exit, entry)
    const { skip } = first
    const skipping =
      skip === undefined
        ? []
        : second.entries.map((entry) => ({ ...entry, passed: both(skip, entry.passed), isHead: false }))
    const leaving =
      second.skip === undefined
        ? []
        : first.exits.map((exit) => ({ ...exit, passed: both(exit.passed, second.skip!) }))
    return {
      entries: [...first.entries, ...skipping],
      exits: [...leaving, ...second.exits],
      skip: skip === undefined || second.skip === undefined ? undefined : both(skip, second.skip),
    }
  }

  #connect(exit: Exit, { position, contiguity, passed }: Entry): void {
    this.#addEdge(exit.position, this.#edge(position, contiguity, both(exit.passed, passed), NONE))
  }

  #edge(target: number, contiguity: Contiguity, passed: Passed, until: number): Edge {
    const stage = target === END ? Number.MAX_SAFE_INTEGER : this.#positions[target]!
    return { target, stage, contiguity, ...passed, until }
  }

  #addEdge(from: number, edge: Edge): void {
    let edges = this.#edges.get(from)
    if (edges === undefined) {
      edges = []
      this.#edges.set(from, edges)
    }
    const text = JSON.stringify(edge)
    if (edges.some((other) => JSON.stringify(other) === text)) return
    this.#grow()
    edges.push(edge)
  }

  #position(stage: number): number {
    this.#grow()
    return this.#positions.push(stage) - 1
  }

  #grow(): void {
    if (++this.#size > sizeMax) {
      throw new MillraceError(
        'OPTION_INVALID',
        'a pattern is too large: its stages times their repetitions are more than ten thousand; repeat less often, or use atLeast, which costs no more for a longer loop',
      )
    }
  }

  /** A stage that repeats, or is part of a group that does, has an array of events. */
  #numberStages(elements: readonly Element[], isInLoop: boolean): void {
    for (const element of elements) {
      if (element.kind === 'not') continue
      const isLoop = isInLoop || element.quantifier.isLoop
      if (element.kind === 'group') {
        this.#numberStages(element.elements, isLoop)
        continue
      }
      const { name, condition, until } = element
      const stage = this.#stages.push({
        name,
        isLoop,
        condition: this.#condition(condition),
        until: until === undefined ? NONE : this.#condition(until),
      })
      this.#numbers.set(element, stage - 1)
    }
  }

  #condition(condition: Condition): number {
    const known = this.#conditions.get(condition)
    if (known !== undefined) return known
    const number = this.#conditions.size
    this.#conditions.set(condition, number)
    return number
  }
}

function both(first: Passed, second: Passed): Passed {
  if (first === nothing) return second
  if (second === nothing) return first
  return {
    nots: [...first.nots, ...second.nots],
    notNexts: [...first.notNexts, ...second.notNexts],
    leaves: [...first.leaves, ...second.leaves],
  }
}

/** Whether the match is complete as soon as the position is reached. */
function isAtOnce({ target, nots, notNexts, leaves }: Edge): boolean {
  return target === END && nots.length + notNexts.length + leaves.length === 0
}

/** The edges of one position, in the order of their stages, without greedy stages that take nothing more from there. */
function withoutIdleLoops(edges: readonly Edge[]): readonly Edge[] {
  const open = new Set(edges.filter(continuesLoop).map(({ stage }) => stage))
  return edges
    .map((edge) => ({ ...edge, leaves: edge.leaves.filter((stage) => open.has(stage)) }))
    .toSorted((a, b) => a.stage - b.stage)
}

/** Whether an edge may take an event for a greedy loop that other edges leave. */
export function continuesLoop({ stage, leaves }: Edge): boolean {
  return !leaves.includes(stage)
}
