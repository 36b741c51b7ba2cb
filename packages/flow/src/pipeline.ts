import {
  describeError,
  isMillraceError,
  MillraceError,
  type Duration,
  type Graph,
  type Source,
} from '@millrace/core'
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

/** How a job runs, unless it is started with other options. */
export interface JobSettings {
  /** From the start of one checkpoint to the start of the next; each makes results visible. Default 1 s. */
  readonly checkpointEvery?: Duration
  /** How many subtasks each task runs as; each subtask of a sink has output of its own. Default 1. */
  readonly parallelism?: number
}

/** What a build function says, for one set of parameter values. */
export interface PipelineDescription {
  readonly graph: Graph
  /** Every parameter with its value, in order of declaration. */
  readonly parameters: readonly Parameter[]
  readonly settings: JobSettings
}

const brand = '@millrace/pipeline'

/** A program for the engine: what a pipeline file exports. */
export interface Pipeline {
  readonly [brand]: true
  readonly name: string
  readonly settings: JobSettings
  /**
   * Runs the build function, which has no effect but its result. Called for each start, so that every start
   * has its own sources, sinks and parameters.
   *
   * Throws `GRAPH_INVALID`, `NAME_TAKEN` or `OPTION_INVALID` with a sentence that says what to change, and
   * `GRAPH_INVALID` with the error as its cause for anything else that the build function throws.
   *
   * @example
   * fraud.describe({ year: 2016 }).graph.nodes.map((node) => node.name)
   */
  describe(parameters?: ParameterValues): PipelineDescription
}

/** Where a pipeline begins: handed to the build function. */
export interface PipelineBuilder {
  /**
   * Begins a stream. `name` is what the positions in a checkpoint are filed under.
   *
   * @example
   * const payments = p.from('payments', http.receive<Payment>({ port: 8080 }))
   */
  from<T>(name: string, source: Source<T>, options?: OperatorOptions): SourceStream<T>

  /**
   * Declares a value that whoever starts the pipeline may choose (`--parameter year=2016`), by its default or by the type
   * that must be given.
   *
   * @example
   * const year = p.parameter('year', 2015) // a number
   * const path = p.parameter('path', { required: 'string' })
   */
  parameter<const D extends ParameterDeclaration>(name: string, declaration: D): ParameterValue<D>

  /**
   * Decides what happens to records on which user code throws or that a sink cannot write, wherever the part does not
   * say so itself.
   *
   * @example
   * p.onError(skip())
   */
  onError(policy: OnError): void
}

/**
 * A pipeline: sources, operators and sinks, as one value.
 *
 * `build` runs once for each start. It says what is to be done and does nothing itself; a pipeline file may be
 * imported without anything happening.
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
      const id = graph.add({ kind: 'source', source }, 'from', { name, onError: options.onError })
      // The one place where a stream gets its type: from here on the interfaces carry it.
      return new StreamHandle(graph, 'untimed', id) as unknown as SourceStream<T>
    },
    parameter: <const D extends ParameterDeclaration>(name: string, declaration: D) =>
      parameters.declare(name, declaration) as ParameterValue<D>,
    onError: (policy) => {
      graph.defaultOnError = policy
    },
  }
}

/** Calls the build function. Its own errors say which pipeline they are from. */
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
