import { systemScheduler } from '@millrace/world'
import { durationMs, MillraceError, nearest, type Duration, type EventTime, type Key } from '@millrace/core'
import type { OperatorMetric } from '@millrace/core/operator'
import type { Graph } from '@millrace/core/graph'
import { startJob, type Job, type JobResult } from '@millrace/core/job'
import { memoryStore } from '@millrace/store-memory'
import type { Timed } from '../operator-harness.ts'
import { simPlatform, type SimPlatform } from '../sim-platform.ts'
import type { DescribedPipeline } from '../described-pipeline.ts'
import { LiveState } from './live-state.ts'
import { TestSink } from './test-sink.ts'
import { TestSource, type TestSplit } from './test-source.ts'

/** How `testPipeline` runs a pipeline. Everything has a default. */
export interface PipelineTestOptions {
  /** Values of the pipeline's parameters. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>
  /** Names of the splits of sources that have several. Default: one split, `main`. */
  readonly splits?: Readonly<Record<string, readonly string[]>>
  /** Functions to call in place of those of `mapAsync`, by operator name. */
  readonly calls?: Readonly<Record<string, (value: never, signal: AbortSignal) => Promise<unknown>>>
  /** The number of subtasks of each operator. Default 1. */
  readonly parallelism?: number
  /** Where the clock starts, in milliseconds since the epoch. Default: the beginning of 2026, UTC. */
  readonly now?: number
  /** The seed of all random choices. One seed gives one run. Default 1. */
  readonly seed?: number
}

/**
 * After this many turns of the event loop without due work, everything that needs no clock and no outside system has
 * settled.
 */
const quietTurns = 10

/** An upper bound on how far a test moves the clock: 139 years. */
const neverMs = 2 ** 42

/** An upper bound on the clock moves at the end of a pipeline. */
const waitsMax = 1_000

const directory = 'data'

/** A pipeline under test. Made by `testPipeline`. */
export class PipelineTest {
  readonly #graph: Graph
  readonly #sources = new Map<string, TestSource>()
  readonly #sinks = new Map<string, TestSink>()
  readonly #platform: SimPlatform
  readonly #state = new LiveState(memoryStore())
  readonly #parallelism: number
  #job: Job
  #result: JobResult | undefined

  constructor(pipeline: DescribedPipeline, options: PipelineTestOptions) {
    const { parameters, splits = {}, calls = {}, parallelism = 1, now, seed = 1 } = options
    const described = pipeline.describe(parameters).graph
    this.#graph = { ...described, nodes: described.nodes.map((node) => this.#standIn(node, splits, calls)) }
    this.#checkNames('source', Object.keys(splits), [...this.#sources.keys()])
    const async = described.nodes.filter(({ kind }) => kind === 'async').map(({ name }) => name)
    this.#checkNames('mapAsync', Object.keys(calls), async)
    this.#parallelism = parallelism
    const start = now === undefined ? {} : { startMs: now }
    this.#platform = simPlatform({ seed, workPerTurn: 1_000, ...start })
    this.#job = this.#start()
  }

  /** The time of the clock, in milliseconds since the epoch. Only `advance` moves it. */
  get now(): number {
    return this.#platform.clock.now()
  }

  /**
   * Sends records to a source, in this order, and waits until the pipeline has handled them. `source` is its name, or
   * `source/split` if it has several splits. Event time follows the records. Rejects with the error of a pipeline that
   * fails.
   *
   * @example
   * await test.send('payments', { card: 'a', amount: 5, at: 1_000 }, { card: 'b', amount: 7, at: 500 })
   */
  async send(source: string, ...values: readonly unknown[]): Promise<void> {
    const split = this.#split(source)
    if (split.hasEnded)
      throw new MillraceError('OPTION_INVALID', `'${source}' has ended; send records before end`)
    split.send(values)
    await this.#settle()
  }

  /**
   * Moves the clock: processing timers fire, calls time out, and splits without records become idle. It does not move
   * event time; send a later record for that.
   *
   * @example
   * await test.advance('24h')
   */
  async advance(duration: Duration): Promise<void> {
    const { clock } = this.#platform
    let left = durationMs(duration, 'duration')
    await this.#settle()
    for (let next = clock.nextDelay(); next !== undefined && next <= left; next = clock.nextDelay()) {
      left -= next
      await clock.advance(next)
      await this.#settle()
    }
    await clock.advance(left)
    await this.#settle()
  }

  /** Ends one source, one split of it, or, without a name, all: then windows and timers fire, and the pipeline finishes. */
  async end(source?: string): Promise<void> {
    for (const split of this.#splits(source)) split.end()
    await this.#settle()
    const all = [...this.#sources.values()].flatMap(({ splits }) => [...splits.values()])
    if (all.some((split) => !split.hasEnded)) return
    // What still runs waits for the clock: a pause, a timeout.
    for (let waits = 0; this.#result === undefined; waits++) {
      const next = this.#platform.clock.nextDelay()
      if (next === undefined || next > neverMs / 2 || waits > waitsMax) throw stuck()
      await this.#platform.clock.advance(next)
      await this.#settle()
    }
  }

  /** All records that a sink has received, in order of arrival. */
  output<T = unknown>(sink: string): readonly T[] {
    return this.records<T>(sink).map(({ value }) => value)
  }

  /** All records that a sink has received, with event times (`NaN` on a stream without timestamps). */
  records<T = unknown>(sink: string): readonly Timed<T>[] {
    return this.#known('sink', this.#sinks, sink).records as readonly Timed<T>[]
  }

  /**
   * Returns the state of an operator for a key: a field for each piece of state of `process`, with maps as a `Map`; for
   * `scan` and `reduce` a `value`. Without state, an empty object. The result is the state itself: do not change it.
   *
   * @example
   * test.state('velocity', 'card-7') // => { last: { amount: 5 }, seen: Map { 'NL' => 2 } }
   */
  state(operator: string, key: Key): Readonly<Record<string, unknown>> {
    const operators = new Map(
      this.#graph.nodes.flatMap((node) => (node.kind === 'operator' ? [[node.name, node] as const] : [])),
    )
    return this.#state.of(this.#known('operator', operators, operator), key)
  }

  /** The number of values, lists, map entries, parts of windows and timers of an operator, over all keys. */
  stateSize(operator: string): number {
    this.#node(operator)
    return this.#state.sizeOf(operator)
  }

  /** The watermark of a source: `-Infinity` before its first record. */
  watermark(source: string): EventTime {
    this.#known('source', this.#sources, source)
    const tasks = this.#job.status().tasks.filter(({ kind, task }) => kind === 'source' && task === source)
    return Math.min(...tasks.map(({ watermark }) => watermark))
  }

  /** The number of records that an operator has counted as late, skipped or sent to the dead letters. */
  count(operator: string, metric: OperatorMetric): number {
    this.#node(operator)
    const counts = this.#job.status().tasks.map((task) => task.counts.get(`${operator}/${metric}`) ?? 0)
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** Stops the pipeline and starts it again from its checkpoint, as a deploy does. State, timers and positions stay. */
  async restart(): Promise<void> {
    await this.#settle()
    void this.#job.stop()
    await this.#settle()
    if (this.#result === undefined) throw stuck()
    this.#job = this.#start()
    await this.#settle()
  }

  #start(): Job {
    this.#result = undefined
    const job = startJob({
      graph: this.#graph,
      platform: this.#platform,
      store: this.#state,
      directory,
      parallelism: this.#parallelism,
      // Nothing but what the pipeline does is to move with the clock.
      checkpoints: { everyMs: neverMs, timeoutMs: neverMs },
      ownership: { leaseMs: 4 * neverMs, heartbeatMs: neverMs },
      stalledAfterMs: neverMs,
      restart: { kind: 'none' },
      checkImmutability: true,
    })
    void job.ended.then((result) => {
      if (this.#job === job) this.#result = result
    })
    return job
  }

  /** Waits until the pipeline has no work left at the current time. Throws its error if it has failed. */
  async #settle(): Promise<void> {
    const { clock } = this.#platform
    for (let quiet = 0; quiet < quietTurns; quiet++) {
      await systemScheduler.turn()
      if (clock.nextDelay() === 0) {
        await clock.advance(0)
        quiet = 0
      }
    }
    if (this.#result?.outcome === 'failed') throw this.#result.error
  }

  #standIn(
    node: Graph['nodes'][number],
    splits: NonNullable<PipelineTestOptions['splits']>,
    calls: NonNullable<PipelineTestOptions['calls']>,
  ): Graph['nodes'][number] {
    const { name } = node
    if (node.kind === 'source') {
      const source = new TestSource(name, node.source.kind, splits[name] ?? ['main'])
      this.#sources.set(name, source)
      return { ...node, source }
    }
    if (node.kind === 'sink') {
      const sink = new TestSink(node.sink.kind)
      this.#sinks.set(name, sink)
      return { ...node, sink }
    }
    const call = calls[name]
    return node.kind === 'async' && call !== undefined
      ? { ...node, apply: call as unknown as typeof node.apply }
      : node
  }

  #splits(source: string | undefined): readonly TestSplit[] {
    if (source === undefined) {
      return [...this.#sources.values()].flatMap(({ splits }) => [...splits.values()])
    }
    if (source.includes('/')) return [this.#split(source)]
    return [...this.#known('source', this.#sources, source).splits.values()]
  }

  #split(source: string): TestSplit {
    const [name, split] = source.split('/') as [string, string | undefined]
    const { splits } = this.#known('source', this.#sources, name)
    if (split === undefined && splits.size === 1) return [...splits.values()][0]!
    return this.#known(`split of '${name}'`, splits, split ?? '')
  }

  #node(name: string): void {
    this.#known('operator', new Map(this.#graph.nodes.map((node) => [node.name, node])), name)
  }

  #known<T>(what: string, all: ReadonlyMap<string, T>, name: string): T {
    this.#checkNames(what, [name], [...all.keys()])
    return all.get(name)!
  }

  #checkNames(what: string, names: readonly string[], known: readonly string[]): void {
    for (const name of names) {
      if (known.includes(name)) continue
      const near = nearest(name, known)
      const list = known.map((each) => `'${each}'`).join(', ')
      const hint = near === undefined ? `there is ${list === '' ? 'none' : list}` : `did you mean '${near}'?`
      throw new MillraceError('OPTION_INVALID', `no ${what} is called '${name}'; ${hint}`)
    }
  }
}

function stuck(): Error {
  return new Error(
    'the pipeline waits for something that no clock brings, such as a call of mapAsync to the outside world; replace it by the option calls',
  )
}

/**
 * Starts a pipeline under test: its sources deliver what the test sends, its sinks become arrays, and the clock moves
 * only when the test moves it. Everything else is the engine that runs in production. Nothing is read, written or
 * waited for, so a window of 24 hours takes milliseconds. Works with any test runner.
 *
 * Records are frozen, and a pipeline that changes one fails. `calls` replaces the functions of `mapAsync` that call
 * outside systems.
 *
 * @example
 * const test = await testPipeline(fraud, { parameters: { limit: 100 } })
 * await test.send('payments', { card: 'a', amount: 120, at: 0 })
 * await test.end()
 * test.output('alerts') // => [{ key: 'a', window: { start: 0, end: 60000 }, total: 120 }]
 */
export async function testPipeline(
  pipeline: DescribedPipeline,
  options: PipelineTestOptions = {},
): Promise<PipelineTest> {
  const test = new PipelineTest(pipeline, options)
  // Opens sources and sinks; a pipeline that cannot start fails here.
  await test.advance(0)
  return test
}
