import { keyToken } from '@millrace/core/store'
import { mapInputs } from '@millrace/core/graph'
import type { Key, WatermarkGenerator } from '@millrace/core'
import type { Step } from '@millrace/core/operator'
import type { Sink, Source } from '@millrace/core/connector'
import type {
  AsyncFunction,
  AsyncNode,
  Exchange,
  Graph,
  GraphNode,
  Input,
  OperatorNode,
  SinkNode,
  SourceNode,
} from '@millrace/core/graph'
import { boxed, lineOf, unboxed } from './box.ts'
import { BoxedOperator } from './boxed-operator.ts'
import type { CallWatch } from './call-watch.ts'
import type { WorkWatch } from './work-watch.ts'

/** The simulated outside world of a pipeline. */
export interface StandIns {
  source(node: SourceNode): Source<unknown>
  sink(node: SinkNode): Sink<unknown>
  /** Makes an asynchronous call of user code. */
  callAsync(node: AsyncNode, ...call: Parameters<AsyncFunction>): Promise<unknown>
  readonly watch: CallWatch
  readonly work: WorkWatch
}

/**
 * Returns the user's graph with a simulated outside world, and with boxes around its values.
 *
 * Nodes, names, keys and order policies do not change, and user code is called as often and with the same values as in
 * the original.
 */
export function simulatedGraph(graph: Graph, standIns: StandIns): Graph {
  return { name: graph.name, nodes: graph.nodes.map((node) => simulatedNode(node, standIns)) }
}

function simulatedNode(node: GraphNode, standIns: StandIns): GraphNode {
  const { watch } = standIns
  const { name } = node
  switch (node.kind) {
    case 'source':
      return { ...node, source: standIns.source(node) }
    case 'sink':
      return {
        ...node,
        inputs: node.inputs.map((input) => boxedInput(input, name, watch)),
        sink: standIns.sink(node),
      }
    case 'step':
      return {
        ...node,
        inputs: node.inputs.map((input) => boxedInput(input, name, watch)),
        step: boxedStep(node.step, name, watch),
      }
    case 'timestamps': {
      const { at, generator } = node.timestamps
      const boxedAt = (box: unknown, now: () => number): number => {
        const time = watch.call(name, () => at(unboxed(box), now))
        watch.emitted(name, time)
        return time
      }
      const boxed = generator === undefined ? {} : { generator: boxedGenerator(generator) }
      return { ...node, timestamps: { ...node.timestamps, ...boxed, at: boxedAt } }
    }
    case 'operator':
      return boxedOperatorNode(node, standIns)
    case 'async':
      return simulatedAsyncNode(node, standIns)
  }
}

function simulatedAsyncNode(node: AsyncNode, standIns: StandIns): AsyncNode {
  const { watch } = standIns
  const { name, bulkhead, fallback } = node
  const by = bulkhead?.by
  return {
    ...node,
    inputs: [boxedInput(node.inputs[0], name, watch)],
    apply: async (box, signal, ...rest) => {
      const value = unboxed(box)
      const call = (): Promise<unknown> => standIns.callAsync(node, value, signal, ...rest)
      return boxed(lineOfResult(node, box), await watch.callAsync(name, value, signal, call))
    },
    bulkhead:
      by === undefined ? bulkhead : { ...bulkhead!, by: (box) => watch.call(name, () => by(unboxed(box))) },
    fallback:
      fallback &&
      ((box, error) => {
        const result = watch.call(name, () => fallback(unboxed(box), error))
        watch.emitted(name, result)
        return boxed(lineOfResult(node, box), result)
      }),
  }
}

/**
 * Returns the line of the result of a call for `box`: results that keep the order of each key have one line per key.
 */
function lineOfResult({ order, inputs: [{ exchange }] }: AsyncNode, box: unknown): string | null {
  const line = lineOf(box)
  if (order === 'none' || line === null) return null
  return exchange.kind === 'key' ? `${line}, key ${String(keyToken(exchange.by(unboxed(box))))}` : line
}

function boxedOperatorNode(node: OperatorNode, { watch, work }: StandIns): OperatorNode {
  return {
    ...node,
    inputs: mapInputs(node.inputs, (input) => boxedInput(input, node.name, watch)),
    create: () => new BoxedOperator(node.name, node.create(), watch, work),
  }
}

function boxedInput(input: Input, reader: string, watch: CallWatch): Input {
  return { ...input, exchange: boxedExchange(input.exchange, reader, watch) }
}

function boxedExchange(exchange: Exchange, reader: string, watch: CallWatch): Exchange {
  if (exchange.kind !== 'key') return exchange
  const { by } = exchange
  return { kind: 'key', by: (box): Key => watch.call(reader, () => by(unboxed(box))) }
}

function boxedStep(step: Step, name: string, watch: CallWatch): Step {
  switch (step.kind) {
    case 'pass':
      return step
    case 'map': {
      const { apply } = step
      return {
        kind: 'map',
        apply: (box) => {
          const result = watch.call(name, () => apply(unboxed(box)))
          watch.emitted(name, result)
          return boxed(lineOf(box), result)
        },
      }
    }
    case 'mapWithHeaders': {
      const { apply } = step
      return {
        kind: 'mapWithHeaders',
        apply: (box, headers) => {
          const result = watch.call(name, () => apply(unboxed(box), headers))
          watch.emitted(name, result)
          return boxed(lineOf(box), result)
        },
      }
    }
    case 'withHeaders': {
      const { apply } = step
      return {
        kind: 'withHeaders',
        apply: (box, headers) => watch.call(name, () => apply(unboxed(box), headers)),
      }
    }
    case 'filter': {
      const { apply } = step
      return {
        kind: 'filter',
        apply: (box) => {
          const keeps = watch.call(name, () => apply(unboxed(box)))
          watch.emitted(name, keeps)
          return keeps
        },
      }
    }
    case 'tap': {
      const { apply } = step
      return { kind: 'tap', apply: (box) => watch.call(name, () => apply(unboxed(box))) }
    }
    case 'flatMap': {
      const { apply } = step
      return { kind: 'flatMap', apply: (box) => expanded(box, apply, name, watch) }
    }
  }
}

/** Pulls one element at a time, as the original does, so that an error of the iterator occurs at the same moment. */
function* expanded(
  box: unknown,
  apply: (value: unknown) => Iterable<unknown>,
  name: string,
  watch: CallWatch,
): Generator<unknown> {
  const elements = watch.call(name, () => apply(unboxed(box))[Symbol.iterator]())
  for (;;) {
    const next = watch.call(name, () => elements.next())
    if (next.done === true) return
    watch.emitted(name, next.value)
    yield boxed(lineOf(box), next.value)
  }
}

function boxedGenerator(generator: WatermarkGenerator): WatermarkGenerator {
  return {
    name: generator.name,
    create: (saved) => {
      const split = generator.create(saved)
      const state = split.state === undefined ? {} : { state: () => split.state!() }
      return { ...state, onRecord: (box, time) => split.onRecord(unboxed(box), time) }
    },
  }
}
