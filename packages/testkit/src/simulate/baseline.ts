import { seededRandom } from '@millrace/channels'
import type { GraphNode, Sink } from '@millrace/core'
import type { CallWatch } from './call-watch.ts'
import { calmPlan, calmRun, drawPaces, noWatch, orderOf } from './calm-run.ts'
import { ancestorsOf } from './ancestors.ts'
import { isEntangled, joinsItself } from './entanglement.ts'
import { compareSink, compareState, type SinkDemand } from './expectation.ts'
import { delays } from './fault.ts'
import type { Finding } from './finding.ts'
import { itemCount } from './inputs.ts'
import type { PieceOrder } from './pace.ts'
import type { RunOutcome, RunPlan, Subject } from './run-plan.ts'
import { simulateRun } from './sim-run.ts'
import type { OutputRecord } from './sim-sink.ts'
import type { Verdict } from './verdict.ts'

/** A sink, or the state at the end, that is not compared, and why. */
export interface NotCompared {
  readonly sink: string
  readonly why: string
}

const strict: SinkDemand = {
  guarantee: 'exactly-once',
  mayMiss: false,
  mayRepeat: false,
  mayDiffer: false,
  mayMix: false,
}

/** How many runs without faults show whether a result depends on who comes first. */
const probes = 6
/** How many more there are before anybody is blamed for such a result. */
const closerProbes = 60
const openWays =
  'a stream is joined with itself before an operator with a key, and nothing decides which way is shorter'
/** Stands for the state at the end in lists of sinks; no sink can have this name. */
const state = '(state)'

/** What a run without faults puts out and keeps: what every other run of the same input is held against. */
export class Baseline {
  readonly subject: Subject
  /** In which order several splits take turns. */
  readonly order: PieceOrder | undefined
  readonly outputs: RunOutcome['outputs']
  readonly state: readonly string[] | undefined
  readonly guarantees: ReadonlyMap<string, Sink<unknown>['guarantee']>
  /** Sinks that are never compared, by name, and why. */
  readonly unsure: Map<string, string>
  /** Sinks that are compared only if everything ran with a parallelism of 1. */
  readonly unsureIfParallel: Map<string, string>
  /** Sinks in which records of one line may come in any order. */
  readonly mixed: ReadonlySet<string>
  /** Findings of the run itself. */
  readonly findings: readonly Finding[]
  readonly steps: number
  /** How many records there are: items of the inputs, and what the user's own sources bring. */
  readonly records: number
  /** Operators that go by the clock. */
  readonly clockUsers: ReadonlySet<string>
  /** Sinks and state that may depend on the order in which records of different lines meet, and where they do. */
  readonly #entangled: ReadonlyMap<string, ReadonlySet<GraphNode>>
  /** The seed of the next run that looks for such dependence. */
  #nextProbe = 1

  private constructor(parts: {
    readonly subject: Subject
    readonly order: PieceOrder | undefined
    readonly clockUsers: ReadonlySet<string>
    readonly outcome: RunOutcome
    readonly entangled: ReadonlyMap<string, ReadonlySet<GraphNode>>
    readonly mixed: ReadonlySet<string>
    readonly unsure: Map<string, string>
    readonly unsureIfParallel: Map<string, string>
  }) {
    const { outcome } = parts
    this.subject = parts.subject
    this.order = parts.order
    this.outputs = outcome.outputs
    this.state = outcome.state
    this.unsure = parts.unsure
    this.unsureIfParallel = parts.unsureIfParallel
    this.mixed = parts.mixed
    this.#entangled = parts.entangled
    this.findings = outcome.broken.map(({ kind, what }) => ({
      kind,
      where: '',
      what: `without any fault: ${what}`,
    }))
    this.steps = outcome.steps
    this.records = itemCount(parts.subject.inputs) + outcome.brought
    this.clockUsers = parts.clockUsers
    this.guarantees = new Map(
      parts.subject
        .graph()
        .nodes.flatMap((node) => (node.kind === 'sink' ? [[node.name, node.sink.guarantee]] : [])),
    )
  }

  /** Runs `subject` without faults, `watch` looking on. */
  static async of(subject: Subject, watch: CallWatch = noWatch): Promise<Baseline> {
    const clockUsers = new Set<string>()
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
      },
    )
    const graph = subject.graph()
    const unsure = new Map<string, string>()
    const entangled = new Map<string, ReadonlySet<GraphNode>>()
    const mixed = new Set<string>()
    for (const node of graph.nodes) {
      if (node.kind !== 'sink') continue
      const before = ancestorsOf(node, graph)
      const user = before.find(({ name }) => clockUsers.has(name))
      if (user !== undefined)
        unsure.set(node.name, `'${user.name}' goes by the clock, so its results differ from run to run`)
      else {
        const knots = before.filter((each) => isEntangled(each, graph))
        if (knots.length > 0) entangled.set(node.name, new Set(knots))
      }
      if (before.some((each) => joinsItself(each, graph))) mixed.add(node.name)
    }
    if (entangled.size > 0)
      entangled.set(state, new Set([...entangled.values()].flatMap((knots) => [...knots])))
    const unsureIfParallel = new Map<string, string>()
    const baseline = new Baseline({
      subject,
      order: orderOf(subject),
      clockUsers,
      outcome,
      entangled,
      mixed,
      unsure,
      unsureIfParallel,
    })
    if (outcome.broken.length === 0) await baseline.#probe(probes)
    return baseline
  }

  /** Runs the same again, another `watch` looking on. */
  async replay(watch: CallWatch): Promise<void> {
    await calmRun(this.subject, {}, watch)
  }

  /** The same for other inputs of the same pipeline, whose splits take turns in an order of their own if need be. */
  async withInputs(inputs: Subject['inputs'], order?: PieceOrder): Promise<Baseline> {
    const subject = { ...this.subject, inputs }
    const { clockUsers, unsure, unsureIfParallel, mixed } = this
    const taken = order ?? orderOf(subject)
    return new Baseline({
      subject,
      order: taken,
      clockUsers,
      outcome: await calmRun(subject, { order: taken }),
      entangled: this.#entangled,
      mixed,
      unsure,
      unsureIfParallel,
    })
  }

  /**
   * Whether some of what was found is nobody's fault, as more runs without faults have shown: the sink or the state
   * depends on the order in which records of different keys meet after all.
   */
  async doubts({ findings, isParallel }: Verdict, plan: RunPlan): Promise<boolean> {
    const places = new Set(findings.map(({ kind, where }) => (kind === 'state' ? state : where)))
    const doubted = [...this.#entangled.keys()].filter((each) => places.has(each))
    const isUnsure = (sink: string): boolean =>
      this.unsure.has(sink) || (isParallel && this.unsureIfParallel.has(sink))
    for (const place of doubted) if (this.#isJoinedWithItself(place)) this.unsure.set(place, openWays)
    if (!doubted.every(isUnsure)) await this.#compare(plan)
    while (this.#nextProbe <= probes + closerProbes && !doubted.every(isUnsure))
      await this.#probe(this.#nextProbe)
    return doubted.some(isUnsure)
  }

  /** Where batches are cut then decides what comes first, and a restart cuts them elsewhere: no probe shows that. */
  #isJoinedWithItself(place: string): boolean {
    const graph = this.subject.graph()
    const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
    return [...this.#entangled.get(place)!].some((knot) =>
      ancestorsOf(nodes.get(knot.id)!, graph).some((each) => joinsItself(each, graph)),
    )
  }

  /** Runs without faults until there were so many of them, each at a parallelism and at paces of its own. */
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

  /** Runs a plan without anything that fails, in one life, and finds out which sinks it leaves as they are. */
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

  #isAlike(sink: string, other: RunOutcome): boolean {
    if (sink === state) return compareState(this.state ?? [], other.state ?? []).length === 0
    const demand = { ...strict, mayMix: this.mixed.has(sink) }
    return compareSink(sink, this.expected(sink), other.outputs.get(sink) ?? [], demand).length === 0
  }

  /** Whether a sink is behind operators whose results may depend on the order in which records meet. */
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
