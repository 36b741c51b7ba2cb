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
}

/** The result of a build function, for one set of parameter values. */
export interface PipelineDescription {
  readonly graph: Graph
  /** Every parameter with its value, in order of declaration. */
  readonly parameters: readonly Parameter[]
  readonly settings: JobSettings
}

const brand = '@millrace/pipeline'

/** A program for the engine: the default export of a pipeline file. */
export interface Pipeline {
  readonly [brand]: true
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
 * effects.
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
export function pipeline(
  name: string,
  build: (p: PipelineBuilder) => void,
  settings: JobSettings = {},
): Pipeline {
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
