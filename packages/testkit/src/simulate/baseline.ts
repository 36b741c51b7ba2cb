import type { Graph, GraphNode, Sink } from '@millrace/core'
import { ancestorsOf } from './ancestors.ts'
import type { CallWatch } from './call-watch.ts'
import { calmRun, noWatch } from './calm-run.ts'
import { compareSink, type SinkDemand } from './expectation.ts'
import type { Finding } from './finding.ts'
import { itemCount } from './inputs.ts'
import type { RunOutcome, Subject } from './run-plan.ts'
import type { OutputRecord } from './sim-sink.ts'

/** A sink whose contents are not compared, and why. */
export interface NotCompared {
  readonly sink: string
  readonly why: string
}

const strict: SinkDemand = { guarantee: 'exactly-once', mayMiss: false, mayRepeat: false, mayDiffer: false }

/** How many runs without faults show whether a result depends on who comes first. */
const probes = 6

/** What a run without faults puts out and keeps: what every other run of the same input is held against. */
export class Baseline {
  readonly subject: Subject
  readonly outputs: RunOutcome['outputs']
  readonly state: readonly string[] | undefined
  readonly guarantees: ReadonlyMap<string, Sink<unknown>['guarantee']>
  /** Sinks that are never compared, by name, and why. */
  readonly unsure: ReadonlyMap<string, string>
  /** Sinks that are compared only if everything ran with a parallelism of 1. */
  readonly unsureIfParallel: ReadonlyMap<string, string>
  /** Findings of the run itself. */
  readonly findings: readonly Finding[]
  readonly steps: number
  /** Operators that go by the clock. */
  readonly clockUsers: ReadonlySet<string>

  private constructor(parts: {
    readonly subject: Subject
    readonly clockUsers: ReadonlySet<string>
    readonly outcome: RunOutcome
    readonly unsure: ReadonlyMap<string, string>
    readonly unsureIfParallel: ReadonlyMap<string, string>
  }) {
    const { outcome } = parts
    this.subject = parts.subject
    this.outputs = outcome.outputs
    this.state = outcome.state
    this.unsure = parts.unsure
    this.unsureIfParallel = parts.unsureIfParallel
    this.findings = outcome.broken.map(({ kind, what }) => ({
      kind,
      where: '',
      what: `without any fault: ${what}`,
    }))
    this.steps = outcome.steps
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
        emitted: (operator, value) => watch.emitted(operator, value),
        usedClock: (operator) => clockUsers.add(operator),
      },
    )
    const graph = subject.graph()
    const unsure = new Map<string, string>()
    const entangled: string[] = []
    for (const node of graph.nodes) {
      if (node.kind !== 'sink') continue
      const before = ancestorsOf(node, graph)
      const user = before.find(({ name }) => clockUsers.has(name))
      if (user !== undefined)
        unsure.set(node.name, `'${user.name}' goes by the clock, so its results differ from run to run`)
      else if (before.some((each) => isEntangled(each, graph))) entangled.push(node.name)
    }
    const unsureIfParallel = new Map<string, string>()
    if (outcome.broken.length === 0) await probe(subject, outcome, entangled, unsure, unsureIfParallel)
    return new Baseline({ subject, clockUsers, outcome, unsure, unsureIfParallel })
  }

  /** Runs the same again, another `watch` looking on. */
  async replay(watch: CallWatch): Promise<void> {
    await calmRun(this.subject, {}, watch)
  }

  /** The same for other inputs of the same pipeline. */
  async withInputs(inputs: Subject['inputs']): Promise<Baseline> {
    const subject = { ...this.subject, inputs }
    const { clockUsers, unsure, unsureIfParallel } = this
    return new Baseline({ subject, clockUsers, outcome: await calmRun(subject), unsure, unsureIfParallel })
  }

  get items(): number {
    return itemCount(this.subject.inputs)
  }

  expected(sink: string): readonly OutputRecord[] {
    return this.outputs.get(sink) ?? []
  }
}

/**
 * Whether records of several lines meet at `node` in an order that nothing decides, and what it makes of them depends
 * on it: a keyed operator behind another one, or behind results of calls that come as they like.
 */
function isEntangled(node: GraphNode, graph: Graph): boolean {
  if (node.kind !== 'operator' || node.inputs[0].exchange.kind !== 'key') return false
  return ancestorsOf(node, graph).some(
    (each) =>
      (each.kind === 'operator' && each.inputs[0].exchange.kind === 'key') ||
      each.kind === 'async' ||
      (each.kind === 'step' && each.inputs.length > 1),
  )
}

async function probe(
  subject: Subject,
  outcome: RunOutcome,
  entangled: readonly string[],
  unsure: Map<string, string>,
  unsureIfParallel: Map<string, string>,
): Promise<void> {
  if (entangled.length === 0) return
  for (let seed = 1; seed <= probes; seed++) {
    const parallelism = 1 + (seed % 4)
    const other = await calmRun(subject, { seed, parallelism, waitMs: 5, itemsMax: 16 })
    for (const sink of entangled) {
      const found = compareSink(sink, outcome.outputs.get(sink) ?? [], other.outputs.get(sink) ?? [], strict)
      if (found.length === 0) continue
      const why = 'its records depend on the order in which those of different keys meet'
      if (parallelism === 1) unsure.set(sink, why)
      else unsureIfParallel.set(sink, `${why}, which is open with a parallelism over 1`)
    }
  }
}
