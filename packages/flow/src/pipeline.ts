import { describeError, isMillraceError, MillraceError, requireKnown, type Duration } from '@millrace/core'
import type { Source } from '@millrace/core/connector'
import type { Graph } from '@millrace/core/graph'
import type { OnError } from './error-policy.ts'
import { GraphBuilder } from './graph-builder.ts'
import { StreamHandle } from './handles.ts'
import {
  ParameterList,
  type Parameter,
  type ParameterDeclaration,
  type ParameterValue,
  type ParameterValues,
} from './parameter.ts'
import type { SourceStream } from './stream.ts'
import type { OperatorOptions } from './stream-options.ts'

/** The settings of a pipeline; options of `run` and `start` override them. */
export interface JobSettings {
  /** The interval between the starts of two checkpoints; each makes results visible. Default 1 s. */
  readonly checkpointEvery?: Duration
  /** Number of subtasks of each task; each subtask of a sink has its own output. Default 1. */
  readonly parallelism?: number
  /**
   * Where state is while the job runs: `'memory'`, all of it, or `'disk'`, for state larger than memory: values in files, and
   * those in use in memory. A checkpoint of one can be restored into the other. Default `'memory'`.
   */
  readonly state?: StateKind
  /** How long each phase of a stop may take. Default: as long as it takes. */
  readonly stop?: StopBudgets
}

/**
 * How long each phase of a stop may take, from the request on. A phase that overruns ends the job with `STOP_TIMEOUT`, which names
 * the phase and what it waited for. Nothing is lost: the next start resumes from the last checkpoint. Default of each: as long
 * as it takes; the command also has `--stop-timeout` for all of them together.
 *
 * @example
 * pipeline('orders', build, { stop: { drain: '20s', commit: '30s', close: '5s' } })
 */
export interface StopBudgets {
  /** The sources stop reading. */
  readonly intake?: Duration
  /** What was read passes all operators and reaches the sinks; with `drain` windows and timers fire too. */
  readonly drain?: Duration
  /** The last checkpoint becomes durable. */
  readonly checkpoint?: Duration
  /** The sinks commit it, and sources acknowledge. */
  readonly commit?: Duration
  /** Sources and sinks are closed. After another phase has overrun, they have 2 s at most. */
  readonly close?: Duration
}

/** The kinds of state store that can be named. */
export type StateKind = 'memory' | 'disk'

/** The result of a build function, for one set of parameter values. */
export interface PipelineDescription {
  readonly graph: Graph
  /** Every parameter with its value, in order of declaration. */
  readonly parameters: readonly Parameter[]
  readonly settings: JobSettings
}

const brand = '@millrace/pipeline'

declare const declares: unique symbol

/** A program for the engine: the default export of a pipeline file. `Declared` is what its build function returns. */
export interface Pipeline<Declared = unknown> {
  readonly [brand]: true
  /** Phantom type; never present at run time. */
  readonly [declares]?: Declared
  readonly name: string
  readonly settings: JobSettings
  /**
   * Runs the build function, whose only effect is its result. Called for each start, so that every start has
   * its own sources, sinks and parameters.
   *
   * Throws `GRAPH_INVALID`, `NAME_TAKEN` or `OPTION_INVALID` with advice, and `GRAPH_INVALID` with the cause
   * for any other error of the build function.
   *
   * @example
   * fraud.describe({ year: 2016 }).graph.nodes.map((node) => node.name)
   */
  describe(parameters?: ParameterValues): PipelineDescription
}

/** Creates streams; passed to the build function. */
export interface PipelineBuilder {
  /**
   * Creates a stream. Its positions are stored in checkpoints under `name`.
   *
   * @example
   * const payments = p.from('payments', http.receive<Payment>({ port: 8080 }))
   */
  from<T>(name: string, source: Source<T>, options?: OperatorOptions): SourceStream<T>

  /**
   * Declares a value that can be set when the pipeline is started (`--parameter year=2016`), by its default
   * or by the type of a required value.
   *
   * @example
   * const year = p.parameter('year', 2015) // a number
   * const path = p.parameter('path', { required: 'string' })
   */
  parameter<const D extends ParameterDeclaration>(name: string, declaration: D): ParameterValue<D>

  /**
   * Sets the default policy for records on which user code throws or that a sink cannot write.
   *
   * @example
   * p.onError(skip())
   */
  onError(policy: OnError): void
}

/**
 * A pipeline: sources, operators and sinks, as one value.
 *
 * `build` runs once for each start and only describes the pipeline; importing a pipeline file has no side
 * effects. What it returns is not used, except for its type: views that it returns are typed in `job.view`.
 *
 * @example
 * export default pipeline('word-count', (p) => {
 *   p.from('lines', files.readLines('*.txt'))
 *     .flatMap((line) => line.split(' '))
 *     .keyBy((word) => word)
 *     .scan('count', () => 0, (count) => count + 1)
 *     .to('counts', files.writeNdjson('counts.ndjson')) // {"key":"a","value":1}
 * })
 */
export function pipeline<Declared>(
  name: string,
  build: (p: PipelineBuilder) => Declared,
  settings: JobSettings = {},
): Pipeline<Declared> {
  return {
    [brand]: true,
    name,
    settings,
    describe: (values = {}) => {
      const graph = new GraphBuilder(name)
      const parameters = new ParameterList(name, values)
      checkReturn(
        name,
        called(name, () => build(builder(graph, parameters))),
      )
      return { parameters: parameters.finish(), graph: graph.build(), settings }
    },
  }
}

/** Whether a value is a pipeline, also one made by another copy of this package. */
export function isPipeline(value: unknown): value is Pipeline {
  return typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true
}

function builder(graph: GraphBuilder, parameters: ParameterList): PipelineBuilder {
  return {
    from: <T>(name: string, source: Source<T>, options: OperatorOptions = {}) => {
      requireKnown(`from '${name}'`, options, ['onError'])
      if (typeof (source as Partial<Source<unknown>> | undefined)?.open !== 'function') {
        throw new MillraceError(
          'GRAPH_INVALID',
          `from '${String(name)}' needs a source, such as files.readNdjson(path)`,
        )
      }
      const id = graph.add({ kind: 'source', source }, 'from', { name, onError: options.onError })
      // Casts once here; from here on the interfaces carry the type.
      return new StreamHandle(graph, 'untimed', id) as unknown as SourceStream<T>
    },
    parameter: <const D extends ParameterDeclaration>(name: string, declaration: D) =>
      parameters.declare(name, declaration) as ParameterValue<D>,
    onError: (policy) => {
      graph.defaultOnError = policy
    },
  }
}

/** Calls the build function, and adds the pipeline's name to its errors. */
function called(name: string, build: () => unknown): unknown {
  try {
    return build()
  } catch (error) {
    if (isMillraceError(error)) throw error
    throw new MillraceError(
      'GRAPH_INVALID',
      `the build function of pipeline '${name}' failed: ${describeError(error)}`,
      { cause: error },
    )
  }
}

function checkReturn(name: string, returned: unknown): void {
  if (typeof (returned as { then?: unknown } | undefined)?.then !== 'function') return
  throw new MillraceError(
    'GRAPH_INVALID',
    `the build function of pipeline '${name}' is asynchronous; fetch what it needs before, or pass it as a parameter`,
  )
}
