import { seededRandom } from '@millrace/world'
import type { Sink } from '@millrace/core/connector'
import type { Graph, GraphNode } from '@millrace/core/graph'
import type { CallWatch } from './call-watch.ts'
import { calmPlan, calmRun, drawPaces, noWatch, orderOf } from './calm-run.ts'
import { ancestorsOf } from './ancestors.ts'
import { countableIn, isEntangled, joinsItself } from './entanglement.ts'
import { compareSink, compareState, type SinkDemand } from './expectation.ts'
import { delays } from './fault.ts'
import type { Finding } from './finding.ts'
import { itemCount } from './inputs.ts'
import type { PieceOrder } from './pace.ts'
import type { RunOutcome, RunPlan, Subject } from './run-plan.ts'
import { simulateRun } from './sim-run.ts'
import type { OutputRecord } from './sim-sink.ts'

/** What is not compared, and why. */
export interface NotCompared {
  /** A sink, or `(state of NAME)` for the state at the end of an operator. */
  readonly sink: string
  readonly why: string
}

const strict: SinkDemand = {
  guarantee: 'exactly-once',
  mayMiss: false,
  mayRepeat: false,
  mayDiffer: false,
  mayDifferAfterPause: false,
  mayMix: false,
}

/** The number of runs without faults that test whether a result depends on the order of arrival. */
const probes = 6
/** The number of further runs before such a result is reported. */
const closerProbes = 60
const openWays =
  'a stream is joined with itself at or before an operator with a key, and nothing decides which way is shorter'
const upgraded = 'another version of the program has other tasks, and records may meet in it in another order'
const forked = 'a process that had been paused made a checkpoint, and records may meet in it in another order'

const endedEarlyApart =
  'a run has ended before the input, and its splits had come further apart in event time than in one run'
const endedEarly =
  'a run has ended before the input, and windows and timers fired that would have waited for more'

/** Denotes the state at the end of an operator in lists of sinks; no sink can have this name. */
export function stateOf(operator: string): string {
  return `(state of ${operator})`
}

/** The visible result of a node: the contents of a sink, or the state of an operator. */
function placeOf({ kind, name }: GraphNode): string | undefined {
  if (kind === 'sink') return name
  return kind === 'operator' || kind === 'async' ? stateOf(name) : undefined
}

/** What results depend on besides the data. */
interface Dependences {
  /** Sinks and states that are never compared, and why. */
  readonly unsure: Map<string, string>
  /** Results that may depend on the order of records of different lines, with the node where the lines meet. */
  readonly entangled: ReadonlyMap<string, ReadonlySet<GraphNode>>
  /** Sinks in which records of one line may arrive in any order. */
  readonly mixed: ReadonlySet<string>
  /** Entangled sinks whose record counts do not depend on the order, and the unit of the count. */
  readonly countable: ReadonlyMap<string, 'line' | 'sink'>
}

/** Facts about a run. */
export interface JudgedRun {
  readonly findings: readonly Finding[]
  /** Whether anything ran with a parallelism over 1. */
  readonly isParallel: boolean
  /** Whether the job began more than once. */
  readonly isRestarted: boolean
}

/** The output and state of a run without faults, with which all other runs of the same input are compared. */
export class Baseline {
  readonly subject: Subject
  /** The order in which several splits take turns. */
  readonly order: PieceOrder | undefined
  readonly outputs: RunOutcome['outputs']
  readonly state: RunOutcome['state']
  readonly guarantees: ReadonlyMap<string, Sink<unknown>['guarantee']>
  /** The names of all nodes of the first version. */
  readonly operators: ReadonlySet<string>
  /** Sinks and states that are never compared, and why. */
  readonly unsure: Map<string, string>
  /** Sinks and states that are compared only if all lives ran with parallelism 1. */
  readonly unsureIfParallel: Map<string, string>
  /** Sinks in which records of one line may arrive in any order. */
  readonly mixed: Dependences['mixed']
  /** Sinks of which only the number of records is compared, and the unit of the count. */
  readonly countable: Dependences['countable']
  /** Findings of the run itself. */
  readonly findings: readonly Finding[]
  readonly steps: number
  /** How many records there are: items of the inputs, and what the user's own sources bring. */
  readonly records: number
  /** Operators whose results depend on the clock. */
  readonly clockUsers: ReadonlySet<string>
  /** Sinks and states at or after operators that wait for event time or the end of input. */
  readonly timed: ReadonlySet<string>
  /** Sinks and states at or after operators whose state expires by event time. */
  readonly expiring: ReadonlySet<string>
  /** Sinks and states that may depend on the order of records of different lines, with the node where they meet. */
  readonly #entangled: Dependences['entangled']
  /** The seed of the next run that looks for such dependence. */
  #nextProbe = 1

  private constructor(
    parts: Dependences & {
      readonly subject: Subject
      readonly order: PieceOrder | undefined
      readonly clockUsers: ReadonlySet<string>
      readonly timed: ReadonlySet<string>
      readonly expiring: ReadonlySet<string>
      readonly outcome: RunOutcome
      readonly unsureIfParallel: Map<string, string>
    },
  ) {
    const { outcome } = parts
    this.subject = parts.subject
    this.order = parts.order
    this.outputs = outcome.outputs
    this.state = outcome.state
    this.unsure = parts.unsure
    this.unsureIfParallel = parts.unsureIfParallel
    this.mixed = parts.mixed
    this.countable = parts.countable
    this.#entangled = parts.entangled
    this.findings = outcome.broken.map(({ kind, where = '', what }) => ({
      kind,
      where,
      what: `without any fault: ${what}`,
    }))
    this.steps = outcome.steps
    this.records = itemCount(parts.subject.inputs) + outcome.brought
    this.clockUsers = parts.clockUsers
    this.timed = parts.timed
    this.expiring = parts.expiring
    const { nodes } = parts.subject.graph()
    this.operators = new Set(nodes.map(({ name }) => name))
    this.guarantees = new Map(
      nodes.flatMap((node) => (node.kind === 'sink' ? [[node.name, node.sink.guarantee]] : [])),
    )
  }

  /** Runs `subject` without faults, observed by `watch`. */
  static async of(subject: Subject, watch: CallWatch = noWatch): Promise<Baseline> {
    const clockUsers = new Set<string>()
    const timeUsers = new Set<string>()
    const expiring = new Set<string>()
    const outcome = await calmRun(
      subject,
      {},
      {
        call: (operator, code) => watch.call(operator, code),
        callAsync: (operator, value, signal, code) => watch.callAsync(operator, value, signal, code),
        value: (operator, handle, descriptor) => watch.value(operator, handle, descriptor),
        map: (operator, handle, descriptor) => watch.map(operator, handle, descriptor),
        emitted: (operator, value) => watch.emitted(operator, value),
        usedClock: (operator) => clockUsers.add(operator),
        waitsForTime: (operator) => timeUsers.add(operator),
        expiresByTime: (operator) => expiring.add(operator),
      },
    )
    const baseline = new Baseline({
      subject,
      order: orderOf(subject),
      clockUsers,
      timed: placesBehind(timeUsers, subject.graph()),
      expiring: placesBehind(expiring, subject.graph()),
      outcome,
      ...dependencesOf(subject.graph(), clockUsers),
      unsureIfParallel: new Map(),
    })
    if (outcome.broken.length === 0) await baseline.#probe(probes)
    return baseline
  }

  /** Repeats the run, observed by another `watch`. */
  async replay(watch: CallWatch): Promise<void> {
    await calmRun(this.subject, {}, watch)
  }

  /** Returns the baseline for other inputs of the same pipeline, with its own order of splits if needed. */
  async withInputs(inputs: Subject['inputs'], order?: PieceOrder): Promise<Baseline> {
    const subject = { ...this.subject, inputs }
    const { clockUsers, timed, expiring, unsure, unsureIfParallel, mixed, countable } = this
    const taken = order ?? orderOf(subject)
    return new Baseline({
      subject,
      order: taken,
      clockUsers,
      timed,
      expiring,
      outcome: await calmRun(subject, { order: taken }),
      entangled: this.#entangled,
      mixed,
      countable,
      unsure,
      unsureIfParallel,
    })
  }

  /**
   * Whether some of the differences are not a fault, as more runs without faults have shown: the sink or the state
   * depends on the order in which records of different keys meet after all.
   */
  async doubts({ findings, isParallel, isRestarted }: JudgedRun, plan: RunPlan): Promise<boolean> {
    const places = new Set(findings.map(({ kind, where }) => (kind === 'state' ? stateOf(where) : where)))
    const doubted = [...this.#entangled.keys()].filter((each) => places.has(each))
    const isUnsure = (sink: string): boolean =>
      this.unsure.has(sink) || (isParallel && this.unsureIfParallel.has(sink))
    if (isRestarted)
      for (const place of doubted) if (this.#isJoinedWithItself(place)) this.unsure.set(place, openWays)
    if (!doubted.every(isUnsure)) await this.#compare(plan)
    while (this.#nextProbe <= probes + closerProbes && !doubted.every(isUnsure))
      await this.#probe(this.#nextProbe)
    return doubted.some(isUnsure)
  }

  /** The batch boundaries then decide the order, and a restart moves them, which no probe can show. */
  #isJoinedWithItself(place: string): boolean {
    const graph = this.subject.graph()
    const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
    return [...this.#entangled.get(place)!].some(({ id }) => {
      const knot = nodes.get(id)!
      return [knot, ...ancestorsOf(knot, graph)].some((each) => joinsItself(each, graph))
    })
  }

  /** Runs without faults up to the given number of times, each with its own parallelism and pace. */
  async #probe(count: number): Promise<void> {
    for (; this.#nextProbe <= count && this.#entangled.size > 0; this.#nextProbe++) {
      const seed = this.#nextProbe
      const parallelism = 1 + (seed % 4)
      const { pieces: _pieces, ...paces } = drawPaces(seededRandom(seed).fork('probe'), this.items)
      // Every other time the outside takes its time.
      const faults = seed % 2 === 0 ? delays.map((kind) => ({ kind, life: 0, step: 0, salt: seed })) : []
      const plan = calmPlan(this.subject, { seed, parallelism, faults, ...paces })
      await this.#compare(plan)
    }
  }

  /** Runs a plan without failures, in one life, and determines which sinks it does not change. */
  async #compare(plan: RunPlan): Promise<void> {
    const slow = plan.faults
      .filter(({ kind }) => delays.includes(kind))
      .map((fault) => ({ ...fault, life: 0 }))
    const faults = slow.toSorted((a, b) => a.step - b.step)
    const other = await simulateRun(this.subject, { ...plan, faults, order: this.order }, noWatch)
    const differing = [...this.#entangled].filter(([sink]) => !this.#isAlike(sink, other))
    for (const [sink, knots] of this.#entangled) {
      // What is behind all that a sink is behind which differs may differ as well, though it did not this time.
      if (!differing.some(([, others]) => [...others].every((knot) => knots.has(knot)))) continue
      const why = 'it depends on the order in which records of different keys meet'
      if (plan.parallelism === 1) this.unsure.set(sink, why)
      else this.unsureIfParallel.set(sink, `${why}, which is open with a parallelism over 1`)
    }
  }

  #isAlike(place: string, other: RunOutcome): boolean {
    if (this.guarantees.has(place)) {
      const demand = { ...strict, mayMix: this.mixed.has(place) }
      return compareSink(place, this.expected(place), other.outputs.get(place) ?? [], demand).length === 0
    }
    const isHere = (operator: string): boolean => stateOf(operator) === place
    return compareState(this.state ?? new Map(), other.state ?? new Map(), isHere).length === 0
  }

  /** Returns what cannot be compared in a run, and why. */
  unsureIn({
    isParallel,
    isForked,
    isUpgraded,
    hasEndedEarly,
  }: {
    readonly isParallel: boolean
    readonly isForked: boolean
    readonly isUpgraded: boolean
    readonly hasEndedEarly: boolean
  }): ReadonlyMap<string, string> {
    // A version with other steps has other tasks, and its records meet after other delays.
    const why = isForked ? forked : isParallel && isUpgraded ? upgraded : undefined
    const forkedPlaces =
      why === undefined ? [] : Array.from(this.#entangled.keys(), (place) => [place, why] as const)
    const timedPlaces = hasEndedEarly ? Array.from(this.timed, (place) => [place, endedEarly] as const) : []
    // The splits of a part of the input end together: what a later run reads of one may be far behind another.
    const isApart = hasEndedEarly && this.#hasSeveralSplits
    const apart = isApart ? Array.from(this.expiring, (place) => [place, endedEarlyApart] as const) : []
    return new Map([
      ...apart,
      ...timedPlaces,
      ...forkedPlaces,
      ...(isParallel ? this.unsureIfParallel : []),
      ...this.unsure,
    ])
  }

  /** Whether records come from several splits, or may do so. */
  get #hasSeveralSplits(): boolean {
    const { inputs } = this.subject
    const sources = this.subject.graph().nodes.filter(({ kind }) => kind === 'source')
    return sources.length !== 1 || [...inputs.values()].reduce((sum, splits) => sum + splits.size, 0) !== 1
  }

  /** Whether the name is a sink, or denotes the state of an operator that has kept some. */
  has(place: string): boolean {
    return (
      this.guarantees.has(place) || [...(this.state?.keys() ?? [])].some((each) => stateOf(each) === place)
    )
  }

  /** Whether a sink is after operators whose results may depend on the order of records. */
  isEntangled(sink: string): boolean {
    return this.#entangled.has(sink)
  }

  get items(): number {
    return itemCount(this.subject.inputs)
  }

  expected(sink: string): readonly OutputRecord[] {
    return this.outputs.get(sink) ?? []
  }
}

/** All nodes at or after the given operators. */
function placesBehind(operators: ReadonlySet<string>, graph: Graph): ReadonlySet<string> {
  const places = new Set<string>()
  for (const node of graph.nodes) {
    const place = placeOf(node)
    if (place === undefined) continue
    if ([node, ...ancestorsOf(node, graph)].some(({ name }) => operators.has(name))) places.add(place)
  }
  return places
}

/** What results depend on besides the data: the clock, and the order in which records arrive. */
function dependencesOf(graph: Graph, clockUsers: ReadonlySet<string>): Dependences {
  const unsure = new Map<string, string>()
  const entangled = new Map<string, ReadonlySet<GraphNode>>()
  const mixed = new Set<string>()
  const countable = new Map<string, 'line' | 'sink'>()
  for (const node of graph.nodes) {
    const place = placeOf(node)
    if (place === undefined) continue
    const way = node.kind === 'sink' ? ancestorsOf(node, graph) : [node, ...ancestorsOf(node, graph)]
    const user = way.find(({ name }) => clockUsers.has(name))
    const knots = way.filter((each) => isEntangled(each, graph))
    if (user !== undefined)
      unsure.set(place, `'${user.name}' goes by the clock, so its results differ from run to run`)
    else if (knots.length > 0) entangled.set(place, new Set(knots))
    if (node.kind !== 'sink') continue
    if (way.some((each) => joinsItself(each, graph))) mixed.add(place)
    const countedIn = countableIn(node, graph)
    if (entangled.has(place) && countedIn !== undefined) countable.set(place, countedIn)
  }
  return { unsure, entangled, mixed, countable }
}
