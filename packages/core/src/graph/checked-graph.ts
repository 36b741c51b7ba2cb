import type { Sink, SinkWriter } from '../connect/sink.ts'
import { MillraceError } from '../errors/errors.ts'
import type { NotAPromise } from '../errors/synchronous.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { mapInputs, type Graph, type GraphNode, type Input } from './node.ts'
import type { Step } from '../operator/fuse.ts'
import type {
  Operator,
  Collector,
  OperatorContext,
  StreamRecord,
  Timer,
  TimersAtEnd,
} from '../operator/operator.ts'
import type { Key } from '../record/key.ts'
import { ImmutableValues } from '../record/immutable-values.ts'
import type { ListState } from '../state/handles.ts'

/**
 * Returns the same graph with checks of user code, for development and tests: an operator or sink that
 * changes a record passed to it, or a value it has emitted, fails with `RECORD_MUTATED` under any error
 * policy.
 *
 * Records are frozen before user code receives them and when they are emitted. Records of a source are frozen
 * as well, so it must not reuse its objects.
 */
export function checkedGraph(graph: Graph): Graph {
  const values = new ImmutableValues()
  return {
    ...graph,
    nodes: graph.nodes.map((node) => checkedNode(node, () => new ImmutabilityCheck(values))),
  }
}

/** One operator, checked in the same way. */
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
        timestamps: { ...node.timestamps, at: (value, now) => check.call(value, () => at(value, now)) },
      }
    }
    case 'operator':
      return {
        ...node,
        inputs: mapInputs(node.inputs, checkedInput),
        create: () => new CheckedOperator(node.create(), newCheck()),
      }
    case 'async':
      return {
        ...node,
        inputs: [checkedInput(node.inputs[0])],
        apply: (value, ...rest) => checkedCall(value, check, () => node.apply(value, ...rest)),
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
    case 'mapWithHeaders':
      return {
        kind: 'mapWithHeaders',
        apply: (value, headers) => check.emitted(check.call(value, () => step.apply(value, headers))),
      }
    case 'withHeaders':
      return {
        kind: 'withHeaders',
        apply: (value, headers) => check.call(value, () => step.apply(value, headers)),
      }
    case 'filter':
      return { kind: 'filter', apply: (value) => check.call(value, () => step.apply(value)) }
    case 'tap':
      return { kind: 'tap', apply: (value) => check.call(value, () => step.apply(value)) }
    case 'flatMap':
      return {
        kind: 'flatMap',
        apply: (value) => {
          const results = check.call(value, () => step.apply(value))
          // The step itself rejects a value that is not iterable.
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
      // Immediately, before other tasks run: a change found now was made here.
      checkAll()
      await written
    } catch (thrown) {
      throw check.judged(thrown)
    }
    checkAll()
  }
  return new Proxy(writer, { get: (target, name) => (name === 'write' ? write : bound(target, name)) })
}

/** Binds a member of `target`, so that its methods can use private fields. */
function bound<T extends object>(target: T, name: string | symbol): unknown {
  const member: unknown = target[name as keyof T]
  return typeof member === 'function' ? (member.bind(target) as unknown) : member
}

/** An operator whose records, results and lists must not change. */
class CheckedOperator implements Operator<unknown, unknown> {
  readonly #inner: Operator<unknown, unknown>
  readonly #check: ImmutabilityCheck

  readonly timersAtEnd: TimersAtEnd
  /** Defined only if the operator has it: the engine iterates over all keys to call it. */
  readonly onEnd?: (key: Key, out: Collector<unknown>) => NotAPromise

  constructor(inner: Operator<unknown, unknown>, check: ImmutabilityCheck) {
    this.#inner = inner
    this.#check = check
    this.timersAtEnd = inner.timersAtEnd ?? 'fire'
    if (inner.onEnd !== undefined) {
      this.onEnd = (key, out) => check.call(undefined, () => inner.onEnd!(key, checkedCollector(out, check)))
    }
  }

  open(context: OperatorContext): void {
    this.#inner.open?.(checkedContext(context, this.#check))
  }

  restored(): Iterable<undefined> | void {
    return this.#inner.restored?.()
  }

  seeded(row: StreamRecord<unknown>): NotAPromise {
    return this.#check.call(row.value, () => this.#inner.seeded?.(row))
  }

  process(record: StreamRecord<unknown>, out: Collector<unknown>, input: number): NotAPromise {
    return this.#check.call(record.value, () =>
      this.#inner.process(record, checkedCollector(out, this.#check), input),
    )
  }

  onTimer(timer: Timer, out: Collector<unknown>): NotAPromise {
    return this.#check.call(undefined, () => this.#inner.onTimer?.(timer, checkedCollector(out, this.#check)))
  }

  finish(out: Collector<unknown>): NotAPromise {
    return this.#check.call(undefined, () => this.#inner.finish?.(checkedCollector(out, this.#check)))
  }

  close(): void {
    this.#inner.close?.()
  }
}

function checkedCollector<T>(out: Collector<T>, check: ImmutabilityCheck): Collector<T> {
  return {
    emit: (value) => out.emit(check.emitted(value)),
    emitAt: (time, value) => out.emitAt(time, check.emitted(value)),
  }
}

/** The same context, with checked side outputs and lists. */
function checkedContext(context: OperatorContext, check: ImmutabilityCheck): OperatorContext {
  const changes: Partial<OperatorContext> = {
    output: (name) => checkedCollector(context.output(name), check),
    list: (descriptor) => checkedList(context.list(descriptor), check),
  }
  return new Proxy(context, {
    get: (target, name) => {
      const change = changes[name as keyof OperatorContext]
      const member: unknown = change ?? target[name as keyof OperatorContext]
      return change === undefined && typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function checkedList<T>(list: ListState<T>, check: ImmutabilityCheck): ListState<T> {
  return {
    get: () => check.emitted(list.get()),
    add: (value, options) => list.add(value, options),
    set: (values, options) => list.set(values, options),
    clear: () => list.clear(),
  }
}

/** How many values that cannot be frozen are compared after each call of the operator that emitted them. */
const recentMax = 16

/** V8's message when a frozen object is written to. */
const frozenWrite =
  /^Cannot (assign to read only property|add property|delete property|redefine property|define property)/

/** Runs the user code of one operator, and throws `RECORD_MUTATED` when it changes an immutable value. */
class ImmutabilityCheck {
  readonly #values: ImmutableValues
  /** Emitted values of this operator that could not be frozen. */
  readonly #recent: unknown[] = []

  constructor(values: ImmutableValues) {
    this.#values = values
  }

  /** Runs `code`, which is given `input`. */
  call<T>(input: unknown, code: () => T): T {
    this.#values.keep(input)
    let result: T
    try {
      result = code()
    } catch (thrown) {
      throw this.judged(thrown)
    }
    this.check(input)
    return result
  }

  /** Marks `value` as emitted, or returned from state: it must not change from now on. */
  emitted<T>(value: T): T {
    if (this.#values.keep(value)) return value
    this.#recent.push(value)
    if (this.#recent.length > recentMax) this.#recent.shift()
    return value
  }

  /** Throws if `input`, or a recently emitted value, has changed. */
  check(input: unknown): void {
    const changed = this.#values.changeIn(input)
    if (changed !== undefined) throw mutated(`it changes ${changed} in a record that it was given`)
    for (const value of this.#recent) {
      const emitted = this.#values.changeIn(value)
      if (emitted !== undefined) throw mutated(`it changes ${emitted} in a record that it has emitted`)
    }
  }

  /** `thrown`, or a `RECORD_MUTATED` error if it comes from writing to a frozen value. */
  judged(thrown: unknown): unknown {
    if (!(thrown instanceof TypeError) || !frozenWrite.test(thrown.message)) return thrown
    return mutated(
      `it changes a record that it was given or a value that it has emitted (${thrown.message})`,
      thrown,
    )
  }
}

function mutated(what: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'RECORD_MUTATED',
    `${what}; records are immutable, so create a new object instead: ({ ...record, total: 1 })`,
    cause === undefined ? {} : { cause },
  )
}
