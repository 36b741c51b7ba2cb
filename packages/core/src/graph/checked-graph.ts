import type { Sink, SinkWriter } from '../connect/sink.ts'
import { ImmutableValues } from '../record/immutable-values.ts'
import type { Step } from '../operator/fuse.ts'
import type { Operator } from '../operator/operator.ts'
import { CheckedOperator } from './checked-operator.ts'
import { ImmutabilityCheck } from './immutability-check.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Graph, GraphNode, Input } from './node.ts'

/**
 * The same graph with its user code watched, for development and tests: an operator or sink that changes a record
 * which it was given, or a value which it has emitted, fails with `RECORD_MUTATED`, whatever its error policy.
 *
 * Records are frozen when user code is handed them and when they are emitted. Records that a source hands out are
 * frozen as well, so its objects must be its own.
 */
export function checkedGraph(graph: Graph): Graph {
  const values = new ImmutableValues()
  return {
    ...graph,
    nodes: graph.nodes.map((node) => checkedNode(node, () => new ImmutabilityCheck(values))),
  }
}

/** One operator, watched in the same way. */
export function checkedOperator(operator: Operator<unknown, unknown>): Operator<unknown, unknown> {
  return new CheckedOperator(operator, new ImmutabilityCheck(new ImmutableValues()))
}

function checkedNode(node: GraphNode, newCheck: () => ImmutabilityCheck): GraphNode {
  const check = newCheck()
  const checkedInput = (input: Input): Input => ({
    ...input,
    exchange: checkedExchange(input.exchange, check),
  })
  switch (node.kind) {
    case 'source':
      return node
    case 'step':
      return { ...node, inputs: node.inputs.map(checkedInput), step: checkedStep(node.step, check) }
    case 'timestamps': {
      const { at } = node.timestamps
      return {
        ...node,
        timestamps: { ...node.timestamps, at: (value) => check.call(value, () => at(value)) },
      }
    }
    case 'operator':
      return {
        ...node,
        inputs: [checkedInput(node.inputs[0])],
        create: () => new CheckedOperator(node.create(), newCheck()),
      }
    case 'async':
      return {
        ...node,
        inputs: [checkedInput(node.inputs[0])],
        apply: (value, signal) => checkedCall(value, check, () => node.apply(value, signal)),
      }
    case 'sink':
      return { ...node, inputs: node.inputs.map(checkedInput), sink: checkedSink(node.sink, check) }
  }
}

function checkedExchange(exchange: Exchange, check: ImmutabilityCheck): Exchange {
  if (exchange.kind !== 'key') return exchange
  return { ...exchange, by: (value) => check.call(value, () => exchange.by(value)) }
}

function checkedStep(step: Step, check: ImmutabilityCheck): Step {
  switch (step.kind) {
    case 'pass':
      return step
    case 'map':
      return { kind: 'map', apply: (value) => check.emitted(check.call(value, () => step.apply(value))) }
    case 'filter':
      return { kind: 'filter', apply: (value) => check.call(value, () => step.apply(value)) }
    case 'tap':
      return { kind: 'tap', apply: (value) => check.call(value, () => step.apply(value)) }
    case 'flatMap':
      return {
        kind: 'flatMap',
        apply: (value) => {
          const results = check.call(value, () => step.apply(value))
          // What is no iterable is for the step to refuse.
          return typeof results?.[Symbol.iterator] === 'function'
            ? checkedEach(value, results, check)
            : results
        },
      }
  }
}

/** Pulls one element at a time, as the step itself does. */
function* checkedEach(
  value: unknown,
  results: Iterable<unknown>,
  check: ImmutabilityCheck,
): Iterable<unknown> {
  const elements = results[Symbol.iterator]()
  let isOpen = false
  try {
    for (;;) {
      const next = check.call(value, () => elements.next())
      if (next.done === true) return
      isOpen = true
      yield check.emitted(next.value)
      isOpen = false
    }
  } finally {
    if (isOpen) elements.return?.()
  }
}

async function checkedCall(
  value: unknown,
  check: ImmutabilityCheck,
  call: () => Promise<unknown>,
): Promise<unknown> {
  let result: unknown
  try {
    result = await check.call(value, call)
  } catch (thrown) {
    throw check.judged(thrown)
  }
  check.check(value)
  return check.emitted(result)
}

function checkedSink(sink: Sink<unknown>, check: ImmutabilityCheck): Sink<unknown> {
  return new Proxy(sink, {
    get: (target, name) => {
      if (name !== 'open') return bound(target, name)
      const open: Sink<unknown>['open'] = async (...parts) =>
        checkedWriter(await target.open(...parts), check)
      return open
    },
  })
}

function checkedWriter(writer: SinkWriter<unknown>, check: ImmutabilityCheck): SinkWriter<unknown> {
  const write: SinkWriter<unknown>['write'] = async (batch, reject) => {
    const values = batch.values.slice(0, batch.length)
    const checkAll = (): void => {
      for (const value of values) check.check(value)
    }
    for (const value of values) check.call(value, () => {})
    try {
      const written = writer.write(batch, (index, error) => reject(index, check.judged(error)))
      // At once, before other tasks run: what has changed by now was changed here.
      checkAll()
      await written
    } catch (thrown) {
      throw check.judged(thrown)
    }
    checkAll()
  }
  return new Proxy(writer, { get: (target, name) => (name === 'write' ? write : bound(target, name)) })
}

/** A member of `target`, whose methods still find its private fields. */
function bound<T extends object>(target: T, name: string | symbol): unknown {
  const member: unknown = target[name as keyof T]
  return typeof member === 'function' ? (member.bind(target) as unknown) : member
}
