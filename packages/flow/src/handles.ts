/**
 * The implementations of the stream interfaces: positions in the graph under construction.
 *
 * Values are `unknown` here; the interfaces type them once, where `from` creates a stream.
 */
import { MillraceError, type Key, type RecordHeaders, requireKnown } from '@millrace/core'
import type { Step } from '@millrace/core/operator'
import type { Sink } from '@millrace/core/connector'
import type { Exchange, Input, NodeId, OperatorNode } from '@millrace/core/graph'
import { timestampSpec } from './event-time/timestamp-spec.ts'
import type { GraphBuilder, NodeOptions } from './graph-builder.ts'
import type { OutputTests } from './stream.ts'
import type {
  KeepFirstOptions,
  KeyedAsyncOptions,
  OperatorOptions,
  SinkOptions,
  StepOptions,
  TableOptions,
  TopNOptions,
  TimestampOptions,
  Timing,
} from './stream-options.ts'
import type { OperatorParts } from './operators/operator-parts.ts'
import { keepFirstParts } from './operators/keep-first.ts'
import { processParts, type AnyProcessSpec } from './operators/process.ts'
import { reduceParts } from './operators/reduce.ts'
import { scanParts } from './operators/scan.ts'
import { splitParts } from './operators/split.ts'
import type { AnyStatefulOptions } from './operators/stateful-options.ts'
import { matchParts, type MatchOptions } from './pattern/match-parts.ts'
import { runningAggregateParts } from './table/running-aggregate-operator.ts'
import { toTableParts } from './table/to-table-operator.ts'
import { topNParts } from './table/top-n.ts'
import { TableHandle } from './table/table-handle.ts'
import { batchParts, type BatchOptions } from './pacing/batch.ts'
import { delayParts, type DelayOptions } from './pacing/delay.ts'
import { debounceParts, sampleParts, type DebounceOptions, type SampleOptions } from './pacing/sample.ts'
import { throttleParts, type ThrottleOptions } from './pacing/throttle.ts'
import { requireMethod, requireSynchronous, requireSynchronousMethods } from './synchronous.ts'
import { checkOutputs } from './taken-names.ts'
import type { Aggregates } from './window/aggregate.ts'
import type { ClockWindows } from './window/clock.ts'
import type { AnyWindows } from './window/layout.ts'
import type { TrailingWindows } from './window/trailing.ts'
import { windowParts, type AnyAggregateOptions } from './window/window-parts.ts'
import { lookupNode, type LookupSpec } from './calls/lookup.ts'
import type { LookupKey } from './calls/loader.ts'
import { mapAsyncNode } from './calls/map-async.ts'
import { sinkRulesOf } from './sink-rules.ts'

const statefulOptions = ['onError', 'ttl', 'seed']

/** One output of a node. */
export class StreamHandle {
  readonly timing: Timing
  readonly #builder: GraphBuilder
  readonly #from: NodeId
  readonly #output: string

  constructor(builder: GraphBuilder, timing: Timing, from: NodeId, output = 'main') {
    this.#builder = builder
    this.timing = timing
    this.#from = from
    this.#output = output
  }

  map(transform: (value: unknown) => unknown, options?: StepOptions): StreamHandle {
    return this.#step({ kind: 'map', apply: transform }, options)
  }

  filter(keep: (value: unknown) => boolean, options?: StepOptions): StreamHandle {
    return this.#step({ kind: 'filter', apply: keep }, options)
  }

  flatMap(expand: (value: unknown) => Iterable<unknown>, options?: StepOptions): StreamHandle {
    return this.#step({ kind: 'flatMap', apply: expand }, options)
  }

  tap(look: (value: unknown) => void, options?: StepOptions): StreamHandle {
    return this.#step({ kind: 'tap', apply: look }, options)
  }

  mapWithHeaders(
    transform: (value: unknown, headers: RecordHeaders) => unknown,
    options?: StepOptions,
  ): StreamHandle {
    return this.#step({ kind: 'mapWithHeaders', apply: transform }, options)
  }

  withHeaders(
    headers: (value: unknown, headers: RecordHeaders) => RecordHeaders | undefined,
    options?: StepOptions,
  ): StreamHandle {
    return this.#step({ kind: 'withHeaders', apply: headers }, options)
  }

  union(...others: readonly StreamHandle[]): StreamHandle {
    this.requireSamePipeline('union', others)
    const inputs = [this, ...others].map((stream) => stream.input())
    return this.#next(this.#builder.add({ kind: 'step', inputs, step: { kind: 'pass' } }, 'union'))
  }

  split(name: string, outputs: OutputTests<unknown>, options?: OperatorOptions): object {
    const parts = splitParts(name, outputs)
    const id = this.operator(name, options, parts)
    return { ...this.sides(id, parts.outputs), rest: this.#next(id) }
  }

  keyBy(select: (value: unknown) => Key): KeyedHandle {
    requireSynchronous(select, 'keyBy', undefined)
    return new KeyedHandle(this, { kind: 'key', by: select })
  }

  window(windows: AnyWindows | TrailingWindows | ClockWindows): object {
    return this.keyBy(() => 'all').window(windows, false)
  }

  /** Operators without a key handle all records in one subtask. */
  batch(name: string, options: BatchOptions<unknown>): StreamHandle {
    return this.keyBy(() => null).batch(name, options, false)
  }

  throttle(name: string, options: ThrottleOptions): StreamHandle {
    return this.keyBy(() => null).throttle(name, options)
  }

  delay(name: string, options: DelayOptions): StreamHandle {
    return this.keyBy(() => null).delay(name, options)
  }

  sample(name: string, options: SampleOptions): StreamHandle {
    return this.keyBy(() => null).sample(name, options)
  }

  debounce(name: string, options: DebounceOptions): StreamHandle {
    return this.keyBy(() => null).debounce(name, options)
  }

  mapAsync(
    name: string,
    call: (value: unknown, signal: AbortSignal, headers: RecordHeaders) => Promise<unknown>,
    options: KeyedAsyncOptions<never, unknown> = {},
    exchange: Exchange = { kind: 'forward' },
  ): StreamHandle {
    const node = mapAsyncNode(nameOf('mapAsync', name), this.input(exchange), call, options)
    return this.#next(this.#builder.add(node, 'mapAsync', { name, onError: options.onError }))
  }

  lookup(name: string, spec: LookupSpec<unknown, LookupKey, unknown, unknown>): StreamHandle {
    const node = lookupNode(nameOf('lookup', name), this.input(), spec)
    return this.#next(this.#builder.add(node, 'lookup', { name, onError: spec.onError }))
  }

  withTimestamps(given: TimestampOptions<unknown>): StreamHandle {
    const node = { kind: 'timestamps', inputs: [this.input()], timestamps: timestampSpec(given) } as const
    const id = this.#builder.add(node, 'withTimestamps', given)
    return new StreamHandle(this.#builder, 'timed', id)
  }

  to(name: string, sink: Sink<unknown>, options: SinkOptions = {}): void {
    const named: NodeOptions = { name: nameOf('to', name), onError: options.onError }
    if (typeof (sink as Partial<Sink<unknown>> | undefined)?.open !== 'function') {
      throw new MillraceError('GRAPH_INVALID', `to '${name}' needs a sink, such as files.writeNdjson(path)`)
    }
    const rules = sinkRulesOf(name, sink, options)
    this.#builder.add({ kind: 'sink', inputs: [this.input()], sink, ...rules }, 'to', named)
  }

  input(exchange: Exchange = { kind: 'forward' }): Input {
    return { from: this.#from, output: this.#output, exchange }
  }

  /** Throws `GRAPH_INVALID` if the streams belong to different pipelines. */
  requireSamePipeline(method: string, others: readonly StreamHandle[]): void {
    const foreign = others.find((other) => other.#builder !== this.#builder)
    if (foreign === undefined) return
    throw new MillraceError(
      'GRAPH_INVALID',
      `${method} joins streams of pipelines '${this.#builder.name}' and '${foreign.#builder.name}'; join streams of one pipeline`,
    )
  }

  /** Adds an operator that reads this stream, or other inputs. */
  operator(
    name: string,
    options: OperatorOptions | undefined,
    {
      inputs = [this.input()],
      clock,
      ...parts
    }: OperatorParts & { readonly inputs?: OperatorNode['inputs'] },
  ): NodeId {
    if (clock === 'event' && this.timing === 'untimed') throw noEventTime(parts.type, name)
    checkOutputs(name, parts.type, parts.outputs)
    const { keeps, seed } = parts
    const begins = seed && {
      keeps: `${keeps === undefined ? '' : `${keeps}; `}begins with seed '${seed.id}'`,
    }
    const node = { kind: 'operator', inputs, ...parts, ...begins } as const
    const named: NodeOptions = { name: nameOf(parts.type, name), onError: options?.onError }
    return this.#builder.add(node, parts.type, named)
  }

  main(id: NodeId): StreamHandle {
    return this.#next(id)
  }

  sides(id: NodeId, outputs: readonly string[]): Record<string, StreamHandle> {
    return Object.fromEntries(outputs.map((output) => [output, this.#next(id, output)]))
  }

  #step(step: Exclude<Step, { kind: 'pass' }>, options?: StepOptions): StreamHandle {
    requireKnown(step.kind, options, ['name', 'onError'])
    requireSynchronous(step.apply, step.kind, options?.name)
    return this.#next(this.#builder.add({ kind: 'step', inputs: [this.input()], step }, step.kind, options))
  }

  #next(id: NodeId, output?: string): StreamHandle {
    return new StreamHandle(this.#builder, this.timing, id, output)
  }
}

/** A stream and how its records are partitioned. */
export class KeyedHandle {
  readonly timing: Timing
  readonly stream: StreamHandle
  readonly #exchange: Exchange

  constructor(stream: StreamHandle, exchange: Exchange) {
    this.stream = stream
    this.timing = stream.timing
    this.#exchange = exchange
  }

  /** The input of a node that reads this stream, with a name if the node has several inputs. */
  input(name?: string): Input {
    const input = this.stream.input(this.#exchange)
    return name === undefined ? input : { ...input, name }
  }

  process(name: string, spec: AnyProcessSpec): StreamHandle {
    requireMethod(spec, 'onRecord', `process '${name}'`)
    requireSynchronousMethods(spec, ['onRecord', 'onTimer', 'onEnd'], 'process', name)
    const parts = processParts(name, 'process', spec, (record, context) => spec.onRecord(record, context))
    const { main, sides } = this.#operator(name, spec, parts)
    return Object.assign(main, { outputs: sides })
  }

  reduce(
    name: string,
    combine: (total: unknown, value: unknown) => unknown,
    options: AnyStatefulOptions = {},
  ): StreamHandle {
    requireKnown(`reduce '${name}'`, options, statefulOptions)
    return this.#operator(name, options, reduceParts(name, combine, options)).main
  }

  scan(
    name: string,
    initial: () => unknown,
    next: (accumulated: unknown, value: unknown) => unknown,
    options: AnyStatefulOptions = {},
  ): StreamHandle {
    requireKnown(`scan '${name}'`, options, statefulOptions)
    return this.#operator(name, options, scanParts(name, initial, next, options)).main
  }

  batch(name: string, options: BatchOptions<unknown>, hasKey = true): StreamHandle {
    return this.#operator(name, options, batchParts(name, options, hasKey)).main
  }

  throttle(name: string, options: ThrottleOptions): StreamHandle {
    return this.#operator(name, options, throttleParts(name, options)).main
  }

  delay(name: string, options: DelayOptions): StreamHandle {
    return this.#operator(name, options, delayParts(name, options)).main
  }

  sample(name: string, options: SampleOptions): StreamHandle {
    return this.#operator(name, options, sampleParts(name, options)).main
  }

  debounce(name: string, options: DebounceOptions): StreamHandle {
    return this.#operator(name, options, debounceParts(name, options)).main
  }

  toTable(name: string, options: TableOptions<unknown, 'timed'> = {}): TableHandle {
    const { main, sides } = this.#operator(name, options, toTableParts(name, this.timing, options))
    return Object.assign(new TableHandle(main), sides)
  }

  keepFirst(name: string, options: KeepFirstOptions): StreamHandle {
    const { main, sides } = this.#operator(name, options, keepFirstParts(name, options))
    return Object.assign(main, sides)
  }

  aggregate(name: string, aggregates: Aggregates<unknown>, options?: OperatorOptions): TableHandle {
    requireKnown(`aggregate '${name}'`, options, ['onError'])
    return new TableHandle(this.#operator(name, options, runningAggregateParts(name, aggregates)).main)
  }

  topN(name: string, options: TopNOptions<unknown, Key>): TableHandle {
    return new TableHandle(this.#operator(name, options, topNParts(name, false, options)).main)
  }

  mapAsync(
    name: string,
    call: (value: unknown, signal: AbortSignal, headers: RecordHeaders) => Promise<unknown>,
    options?: KeyedAsyncOptions<never, unknown>,
  ): StreamHandle {
    return this.stream.mapAsync(name, call, options, this.#exchange)
  }

  window(windows: AnyWindows | TrailingWindows | ClockWindows, hasKey = true): object {
    return {
      aggregate: (name: string, aggregates: Aggregates<unknown>, options: AnyAggregateOptions = {}) => {
        if (!('isByClock' in windows)) requireTimed(this.timing, name)
        const parts = windowParts({ name, windows, aggregates, hasKey }, options)
        const { main, sides } = this.#operator(name, options, parts)
        return Object.assign(options.emit === 'updates' ? new TableHandle(main) : main, sides)
      },
    }
  }

  match(name: string, pattern: unknown, options?: MatchOptions): StreamHandle {
    const { main, sides } = this.#operator(name, options, matchParts(name, pattern, options))
    return Object.assign(main, sides)
  }

  #operator(
    name: string,
    options: OperatorOptions | undefined,
    parts: OperatorParts,
  ): { readonly main: StreamHandle; readonly sides: Record<string, StreamHandle> } {
    const id = this.stream.operator(name, options, { ...parts, inputs: [this.input()] })
    return { main: this.stream.main(id), sides: this.stream.sides(id, parts.outputs) }
  }
}

/** For untyped callers: a window on a stream without event time is a type error. */
function requireTimed(timing: Timing, name: string): void {
  if (timing === 'timed') return
  throw new MillraceError(
    'GRAPH_INVALID',
    `the windows of '${name}' need event time, and the stream has none; call withTimestamps before keyBy`,
  )
}

/** For untyped callers: a stateful operator without a name is a type error. */
function nameOf(method: string, name: string): string {
  if (typeof name === 'string') return name
  throw new MillraceError(
    'OPTION_INVALID',
    `${method} needs a name as its first argument; its state is stored under it`,
  )
}

function noEventTime(type: string, name: string): MillraceError {
  return new MillraceError(
    'OPTION_INVALID',
    `${type} '${name}' counts by event time, which its stream does not have; call withTimestamps before it, or write clock: 'processing'`,
  )
}
