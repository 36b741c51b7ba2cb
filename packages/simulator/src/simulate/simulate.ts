import { seededRandom } from '@millrace/world'
import type { Random } from '@millrace/world'
import type { Source } from '@millrace/core/connector'
import type { Fs } from '@millrace/core/disk'
import type { StateStore } from '@millrace/core/store'
import { checkedGraph, type Graph } from '@millrace/core/graph'
import { memoryStore } from '@millrace/store-memory'
import type { DescribedPipeline } from '@millrace/testkit'
import { Additions } from './added-sinks.ts'
import { Baseline, type NotCompared } from './baseline.ts'
import { calmPlan, drawPaces, noWatch, orderOf } from './calm-run.ts'
import { compareWatches, OperatorWatch } from './determinism.ts'
import { drawFaults, type FaultKind, type Faults } from './fault.ts'
import type { Finding } from './finding.ts'
import { itemCount, recordInputs, type GivenInput, type Inputs, type SourceInput } from './inputs.ts'
import type { Invariant } from './invariant.ts'
import { shrink } from './shrink.ts'
import type { FaultEvent, RunPlan, SinkStandIn, Subject } from './run-plan.ts'
import { simulateRun } from './sim-run.ts'
import { SimulationFailure, type FailedRun } from './simulation-failure.ts'
import { requireKnownNames } from './stand-in-names.ts'
import { judge, valuesOf, type Demands } from './verdict.ts'

/** How a pipeline is simulated. Everything has a default. */
export interface SimulationOptions {
  /** Values of the pipeline's parameters. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>
  /**
   * The input by source: records, or records by split. A source that is not named is read once, from its beginning,
   * through `fs`.
   */
  readonly inputs?: Readonly<Record<string, GivenInput>>
  /** The maximum number of records read from each split. Default 1000. */
  readonly records?: number
  /** Where the pipeline's own sources find their files while they are read. Default: an empty simulated disk. */
  readonly fs?: Fs
  /** Subtasks of each task in every life. Default: 1 to 3, chosen by the seed again at each restart. */
  readonly parallelism?: number
  /**
   * Whether each subtask has a worker of its own, as with threads: what crosses between them is delivered when the seed
   * says. Default false.
   */
  readonly threads?: boolean
  /** The maximum number of faults of each kind, or `'none'`. Default: the seed chooses. */
  readonly faults?: Partial<Faults> | 'none'
  /** Stand-ins of your own for sources, by name; each run makes one for each life of the process. */
  readonly sources?: Readonly<Record<string, () => Source<unknown>>>
  /** Stand-ins of your own for sinks, by name; each run makes one, which survives the process. */
  readonly sinks?: Readonly<Record<string, () => SinkStandIn>>
  /**
   * Later versions of the pipeline, in order: other programs whose sinks get the same records as the first one's. After
   * a crash or a stop the job may be started again with a later version. A version may have more sinks. Sinks that only
   * its own sources feed, through steps, are compared with a run of that version without faults; others are not
   * compared.
   */
  readonly versions?: readonly DescribedPipeline[]
  /**
   * Whether a run may end before the input does, after which the job is started again: it was drained, or more input
   * appeared after its end. Windows and timers fire at such an end, so results after them are not compared then.
   * Default false.
   */
  readonly severalRuns?: boolean
  /** Functions to call in place of those of `mapAsync`, by the name of the operator. */
  readonly calls?: Readonly<Record<string, (value: unknown, signal: AbortSignal) => Promise<unknown>>>
  /** Makes the store of each life of the process. Default: `memoryStore()`. */
  readonly store?: () => StateStore
  /**
   * A run that takes more steps than this fails as endless. A step is what happens between two waits. Default 500,000,
   * and 5,000 more for each record.
   */
  readonly stepsMax?: number
  /** Conditions at the end of each run, besides the guarantees of the engine. Each throws if it does not hold. */
  readonly invariants?: readonly Invariant[]
}

/** The result of one seed. */
export interface SimulationReport {
  readonly seed: number
  /** Equal for two runs in which the same things happened in the same order with the same results. */
  readonly digest: string
  readonly records: number
  readonly steps: number
  /** The number of lives of the process. */
  readonly lives: number
  readonly simulatedMs: number
  /** The parallelism of the first life. */
  readonly parallelism: number
  /** The injected faults, in order. */
  readonly faults: readonly FaultEvent[]
  /** The values in each sink at the end. */
  readonly outputs: Readonly<Record<string, readonly unknown[]>>
  /** Sinks whose contents could not be compared, and why. */
  readonly notCompared: readonly NotCompared[]
  /** Why the job did not finish; undefined if it did. The only reason is damage. */
  readonly stopped: string | undefined
}

/** Options for a run over many seeds. */
export interface SeedsOptions extends SimulationOptions {
  /** How many seeds. Default 100. */
  readonly seeds?: number
  /** The first seed. Default 0. */
  readonly from?: number
  /** Continues after a failure. Default false: the first one is thrown. */
  readonly keepGoing?: boolean
  /** Called after each seed. */
  readonly onProgress?: (progress: SeedsReport) => void
}

/** The results of many seeds so far. */
export interface SeedsReport {
  /** How many seeds were run. */
  readonly seeds: number
  readonly steps: number
  readonly lives: number
  readonly simulatedMs: number
  /** How often each kind of fault came to pass. */
  readonly faults: Readonly<Record<string, number>>
  readonly failures: readonly SimulationFailure[]
  readonly notCompared: readonly NotCompared[]
  /** The contents of each sink in a run without faults at parallelism 1, with which other runs were compared. */
  readonly expected: Readonly<Record<string, readonly unknown[]>>
}

/**
 * Runs a pipeline in a simulated world with faults chosen by one seed, and compares its output with a run without
 * faults.
 *
 * The pipeline is the user's own, unchanged; its sources and sinks are replaced by simulated ones with the same splits
 * and guarantees. The same seed gives the same run. The idea is FoundationDB's.
 *
 * @throws SimulationFailure when a guarantee is broken, and MillraceError `OPTION_INVALID` for invalid options.
 *
 * @example
 * const report = await simulate(fraud, { seed: 7, inputs: { payments } })
 * report.faults.length // how much of the world broke
 */
export async function simulate(
  pipeline: DescribedPipeline,
  options: SimulationOptions & { readonly seed: number },
): Promise<SimulationReport> {
  return (await Simulation.of(pipeline, options)).run(options.seed)
}

/**
 * Runs a pipeline with many seeds, as `simulate` does with one. Shared work is done once.
 *
 * @throws SimulationFailure for the first broken guarantee, unless `keepGoing` is set.
 *
 * @example
 * const { faults } = await simulateSeeds(fraud, { seeds: 1_000, inputs: { payments } })
 */
export async function simulateSeeds(
  pipeline: DescribedPipeline,
  options: SeedsOptions = {},
): Promise<SeedsReport> {
  const { seeds = 100, from = 0, keepGoing = false, onProgress } = options
  const simulation = await Simulation.of(pipeline, options)
  const faults: Record<string, number> = {}
  const failures: SimulationFailure[] = []
  let report: SeedsReport = {
    seeds: 0,
    steps: 0,
    lives: 0,
    simulatedMs: 0,
    faults,
    failures,
    notCompared: [],
    expected: simulation.expected,
  }
  for (let seed = from; seed < from + seeds; seed++) {
    try {
      const run = await simulation.run(seed)
      for (const { kind } of run.faults) faults[kind] = (faults[kind] ?? 0) + 1
      report = {
        ...report,
        steps: report.steps + run.steps,
        lives: report.lives + run.lives,
        simulatedMs: report.simulatedMs + run.simulatedMs,
        notCompared: run.notCompared,
      }
    } catch (error) {
      if (!keepGoing || !(error instanceof SimulationFailure)) throw error
      failures.push(error)
    }
    report = { ...report, seeds: report.seeds + 1 }
    onProgress?.(report)
  }
  return report
}

/** Records the input of sources that only later versions have. */
async function recordAdded(
  graphs: readonly Graph[],
  {
    recorded,
    sources,
    records,
    fs,
  }: {
    readonly recorded: Inputs
    readonly sources: object
    readonly records: number
    readonly fs: Fs | undefined
  },
): Promise<Inputs> {
  const added = new Map<string, SourceInput>()
  for (const graph of graphs) {
    const nodes = graph.nodes.filter(
      ({ kind, name }) =>
        kind === 'source' && !recorded.has(name) && !added.has(name) && !Object.hasOwn(sources, name),
    )
    const more = await recordInputs({ ...graph, nodes }, { given: {}, itemsMax: records, fs })
    for (const [name, input] of more) added.set(name, input)
  }
  return added
}

/** The default maximum of steps of a run: many times what any run has taken. */
const fewestSteps = 500_000
const stepsPerRecord = 5_000

/** A shrunk run counts as endless after this share of the steps. */
const stuckShare = 1 / 8

/** A pipeline that is ready to be simulated with any seed. */
class Simulation {
  readonly #options: SimulationOptions
  readonly #baseline: Baseline
  readonly #findings: readonly Finding[]
  readonly #demands: Demands

  private constructor(
    options: SimulationOptions,
    baseline: Baseline,
    { findings, additions }: { readonly findings: readonly Finding[]; readonly additions: Additions },
  ) {
    this.#options = options
    this.#baseline = baseline
    this.#findings = findings
    this.#demands = { additions, invariants: options.invariants ?? [] }
  }

  /** Records the inputs and runs the pipeline without faults, twice. */
  static async of(pipeline: DescribedPipeline, options: SimulationOptions): Promise<Simulation> {
    const {
      parameters = {},
      inputs = {},
      records = 1_000,
      fs,
      sources = {},
      sinks = {},
      calls = {},
      versions = [],
    } = options
    const graphOf = (version: DescribedPipeline): Graph => checkedGraph(version.describe(parameters).graph)
    const graph = (): Graph => graphOf(pipeline)
    const toRecord = graph()
    requireKnownNames(toRecord, { inputs, sources, sinks, calls })
    const kept = { ...toRecord, nodes: toRecord.nodes.filter(({ name }) => !Object.hasOwn(sources, name)) }
    const recorded = await recordInputs(kept, { given: inputs, itemsMax: records, fs })
    const subject: Subject = {
      graph,
      versions: versions.map((version) => () => graphOf(version)),
      inputs: recorded,
      addedInputs: await recordAdded(versions.map(graphOf), { recorded, sources, records, fs }),
      sources,
      sinks,
      calls,
      store: options.store ?? memoryStore,
      stepsMax: options.stepsMax ?? fewestSteps + stepsPerRecord * itemCount(recorded),
    }
    const [first, second] = [new OperatorWatch(1, true), new OperatorWatch(2, false)]
    const baseline = await Baseline.of(subject, first)
    const additions = await Additions.of(subject)
    await baseline.replay(second)
    const names = toRecord.nodes.map(({ name }) => name)
    const findings = [
      ...first.findings,
      ...compareWatches(names, baseline.clockUsers, first, second),
      ...baseline.findings,
    ]
    return new Simulation(options, baseline, { findings, additions })
  }

  /** The values that a run without faults has put into each sink. */
  get expected(): Readonly<Record<string, readonly unknown[]>> {
    return valuesOf(this.#baseline)
  }

  async run(seed: number): Promise<SimulationReport> {
    const { records } = this.#baseline
    if (this.#findings.length > 0) {
      throw this.#failed(seed, { findings: this.#findings, events: [], records, parallelism: 1 })
    }
    const plan = this.#plan(seed)
    const outcome = await simulateRun(this.#baseline.subject, plan, noWatch)
    let verdict = await judge(outcome, plan, this.#baseline, this.#demands)
    if (await verdict.against.doubts(verdict, plan))
      verdict = await judge(outcome, plan, this.#baseline, this.#demands)
    const { findings, notCompared } = verdict
    if (findings.length > 0) throw await this.#failure(seed, plan, findings, outcome.events)
    return {
      seed,
      digest: outcome.digest.toString(16).padStart(8, '0'),
      records,
      steps: outcome.steps,
      lives: outcome.lives,
      simulatedMs: outcome.simulatedMs,
      parallelism: plan.parallelism,
      faults: outcome.events,
      outputs: valuesOf(outcome),
      notCompared,
      stopped: outcome.stopped,
    }
  }

  async #failure(
    seed: number,
    plan: RunPlan,
    findings: readonly Finding[],
    events: readonly FaultEvent[],
  ): Promise<SimulationFailure> {
    const attempt = async (shorter: RunPlan, baseline: Baseline): Promise<FailedRun | undefined> => {
      const outcome = await simulateRun(baseline.subject, shorter, noWatch)
      const found = await judge(outcome, shorter, baseline, this.#demands)
      const { parallelism } = shorter
      return found.findings.length === 0
        ? undefined
        : { findings: found.findings, events: outcome.events, records: baseline.records, parallelism }
    }
    const { parallelism } = plan
    const run: FailedRun = { findings, events, records: this.#baseline.records, parallelism }
    // A run that never ends would have each of many attempts take as long.
    const toShrink =
      findings[0]!.kind === 'stuck' ? { ...plan, stepsMax: Math.ceil(plan.stepsMax * stuckShare) } : plan
    return this.#failed(seed, run, await shrink(toShrink, this.#baseline, findings[0]!, attempt))
  }

  #failed(seed: number, run: FailedRun, shrunk?: FailedRun): SimulationFailure {
    const { sources = {}, sinks = {} } = this.#options
    return new SimulationFailure(seed, run, { shrunk, standIns: Object.keys({ ...sources, ...sinks }) })
  }

  /** Draws what the seed chooses. */
  #plan(seed: number): RunPlan {
    const random = seededRandom(seed).fork('plan')
    const { subject, items } = this.#baseline
    const parallelism = this.#options.parallelism ?? 1 + random.int(3)
    const { pieces, ...paces } = drawPaces(random, items)
    const order = orderOf(subject)
    const { faults } = this.#options
    const without = this.#impossible()
    const stepsPerLife = 200 + pieces * 12 * parallelism
    return {
      ...calmPlan(subject, { seed, parallelism, order, ...paces }),
      threads: this.#options.threads ?? false,
      resumes: faults !== 'none' && this.#mayResume(random.fork('resume')),
      growsFrom: this.#growsFrom(random.fork('growth')),
      faults:
        faults === 'none' ? [] : drawFaults(random.fork('faults'), { stepsPerLife, without, limits: faults }),
    }
  }

  /** Once in three runs, unless the options set a number. */
  #mayResume(random: Random): boolean {
    const { faults } = this.#options
    const isDrawn = random.int(3) === 0
    return typeof faults === 'object' ? (faults.resume ?? 0) > 0 : isDrawn
  }

  /** Once in four runs in which it is possible, unless the options set a number. */
  #growsFrom(random: Random): number | undefined {
    const { faults, severalRuns = false } = this.#options
    const isDrawn = random.int(4) === 0 && severalRuns
    const share = 0.1 + 0.8 * random.next()
    if (faults === 'none') return undefined
    return (faults === undefined ? isDrawn : (faults.grow ?? 0) > 0) ? share : undefined
  }

  #impossible(): ReadonlySet<FaultKind> {
    const without = new Set<FaultKind>()
    if (this.#options.severalRuns !== true && this.#options.faults === undefined) without.add('drain')
    if (this.#baseline.subject.versions.length === 0) without.add('upgrade')
    if (this.#options.parallelism !== undefined) without.add('rescale')
    const { nodes } = this.#baseline.subject.graph()
    if (!nodes.some(({ kind }) => kind === 'async')) without.add('slowCalls').add('callError')
    const { sources = {} } = this.#options
    // The order between splits of a stand-in and those of other sources is undefined.
    if (nodes.some(({ kind, name }) => kind === 'source' && Object.hasOwn(sources, name)))
      without.add('lateSplits')
    return without
  }
}
