import { describeError } from '@millrace/core'
import type { Sink, Source } from '@millrace/core/connector'
import type { Graph, SinkNode, SourceNode } from '@millrace/core/graph'
import type { SimProcess } from '../world/sim-process.ts'
import type { SimWorld } from '../world/sim-world.ts'
import { boxedSource } from './boxed-source.ts'
import type { CallWatch } from './call-watch.ts'
import { Growth } from './growth.ts'
import type { LateSplits } from './late-splits.ts'
import { everythingAtOnce, type Pace } from './pace.ts'
import type { SinkStandIn, Subject } from './run-plan.ts'
import { outputRecord, SimSystem, type OutputRecord } from './sim-sink.ts'
import { SinkCalls } from './sink-calls.ts'
import { SimSource, Spent } from './sim-source.ts'
import { simulatedGraph } from './simulated-graph.ts'
import { standInSink } from './stand-in-sink.ts'
import type { Trouble } from './trouble.ts'
import type { WorkWatch } from './work-watch.ts'

/** The systems around a pipeline during one run: what it reads, writes and calls. They survive its processes. */
export class Outside {
  /** The progress of each source through its records. */
  readonly spent: ReadonlyMap<string, Spent>
  readonly #subject: Subject
  readonly #world: SimWorld
  readonly #trouble: Trouble
  readonly #systems = new Map<string, SimSystem>()
  readonly #standIns = new Map<string, SinkStandIn>()
  /** The calls to each sink, by its name. */
  readonly #sinkCalls = new Map<string, SinkCalls>()
  /** By operator: how many calls have failed since the last success, and the last error. */
  readonly #failures = new Map<string, { readonly count: number; readonly last: unknown }>()
  /** Every process so far, with its number of running `mapAsync` calls. Calls of a killed process never end. */
  readonly #callsUnderWay = new Map<SimProcess, number>()
  #brought = 0

  constructor(subject: Subject, world: SimWorld, trouble: Trouble) {
    this.#subject = subject
    this.#world = world
    this.#trouble = trouble
    const names = [...subject.inputs.keys(), ...subject.addedInputs.keys()]
    this.spent = new Map(names.map((name) => [name, new Spent()]))
  }

  /** The graph for one life of the process, with everything outside replaced. */
  graph(
    {
      version,
      pace,
      late,
      growth,
      process,
      work,
    }: {
      /** Which version of the program, from 0. */
      readonly version: number
      readonly pace: Pace
      readonly late: LateSplits
      readonly growth: Growth
      readonly process: SimProcess
      readonly work: WorkWatch
    },
    watch: CallWatch,
  ): Graph {
    const { graph, versions, sources, sinks, calls } = this.#subject
    const program = version === 0 ? graph : versions[version - 1]!
    this.#callsUnderWay.set(process, 0)
    return simulatedGraph(program(), {
      watch,
      work,
      source: (node) => {
        const own = Object.hasOwn(sources, node.name) ? sources[node.name] : undefined
        return own === undefined
          ? this.#source(node, pace, late, growth)
          : boxedSource(own(), node.name, {
              brought: (records) => (this.#brought += records),
              steps: () => this.#world.steps,
            })
      },
      sink: (node) => {
        const own = Object.hasOwn(sinks, node.name) ? sinks[node.name] : undefined
        return own === undefined ? this.#system(node, process) : this.#standIn(node, own, process)
      },
      callAsync: async (node, ...parts) => {
        const own = Object.hasOwn(calls, node.name) ? calls[node.name] : undefined
        const call = own ?? node.apply
        this.#count(process, 1)
        try {
          await this.#trouble.atCall(node, process.clock)
          const result = await this.#world.foreign(process, node.name, () => call(...parts))
          this.#failures.delete(node.name)
          return result
        } catch (last) {
          this.#failures.set(node.name, { count: (this.#failures.get(node.name)?.count ?? 0) + 1, last })
          throw last
        } finally {
          this.#count(process, -1)
        }
      },
    })
  }

  /** The number of records that the user's own sources have delivered, including repeated ones. */
  get brought(): number {
    return this.#brought
  }

  /** Operators of `mapAsync` whose calls have failed since their last success, as text. */
  failingCalls(): readonly string[] {
    return [...this.#failures].map(
      ([operator, { count, last }]) =>
        `the last ${count} ${count === 1 ? 'call' : 'calls'} of '${operator}' failed: ${describeError(last)}`,
    )
  }

  /** Whether no call of `process` to anything outside is in progress. */
  isQuiet(process: SimProcess): boolean {
    return (
      this.#callsUnderWay.get(process) === 0 &&
      [...this.#sinkCalls.values()].every((calls) => calls.isQuiet(process))
    )
  }

  /** Makes all pending second deliveries. */
  async settle(): Promise<void> {
    for (const calls of this.#sinkCalls.values()) await calls.settle()
  }

  /** All visible output, by sink. */
  outputs(): ReadonlyMap<string, readonly OutputRecord[]> {
    const outputs = new Map<string, readonly OutputRecord[]>()
    for (const [name, { visible }] of this.#systems) outputs.set(name, visible)
    // Which process has written the output of a user's own sink is unknown.
    const wasPaused = [...this.#callsUnderWay.keys()].some((process) => process.wasPaused)
    for (const [name, { visible }] of this.#standIns) {
      outputs.set(
        name,
        visible().map((each) => outputRecord(each, wasPaused)),
      )
    }
    return outputs
  }

  /** Contract violations that an outside system would reject. */
  violations(): readonly string[] {
    return [...this.#systems.values()].flatMap((system) => system.violations)
  }

  /**
   * With one split, idleness changes nothing. With several, the watermark would no longer wait for an idle split, so
   * the clock would decide which records are late.
   */
  get #hasOneSplit(): boolean {
    const { inputs, sources } = this.#subject
    return inputs.size === 1 && [...inputs.values()][0]!.size === 1 && Object.keys(sources).length === 0
  }

  #source({ name, source }: SourceNode, pace: Pace, late: LateSplits, growth: Growth): Source<unknown> {
    const { inputs, addedInputs } = this.#subject
    const added = addedInputs.get(name)
    return new SimSource({
      kind: source.kind,
      durability: source.durability,
      name,
      input: added ?? inputs.get(name)!,
      // What a later version brings meets nothing of the first one, so it may come at any time.
      pace: added === undefined ? pace : everythingAtOnce,
      late,
      growth: added === undefined ? growth : new Growth(addedInputs, undefined, undefined),
      trouble: this.#trouble,
      spent: this.spent.get(name)!,
      mayBeIdle: this.#hasOneSplit,
    })
  }

  #count(process: SimProcess, change: 1 | -1): void {
    this.#callsUnderWay.set(process, this.#callsUnderWay.get(process)! + change)
  }

  #system({ name, sink }: SinkNode, process: SimProcess): Sink<unknown> {
    const system = this.#systems.get(name) ?? new SimSystem(name)
    this.#systems.set(name, system)
    return system.sink(sink.kind, sink.guarantee, this.#callsTo(name), process)
  }

  #standIn({ name, sink }: SinkNode, make: () => SinkStandIn, process: SimProcess): Sink<unknown> {
    const standIn = this.#standIns.get(name) ?? make()
    this.#standIns.set(name, standIn)
    return standInSink(standIn.sink, sink.guarantee, this.#callsTo(name), process)
  }

  #callsTo(sink: string): SinkCalls {
    const calls = this.#sinkCalls.get(sink) ?? new SinkCalls(sink, this.#world, this.#trouble)
    this.#sinkCalls.set(sink, calls)
    return calls
  }
}
