import {
  collect,
  count,
  deadLetter,
  fail,
  max,
  mean,
  min,
  output,
  pipeline,
  skip,
  sliding,
  state,
  sum,
  sumBigint,
  tumbling,
  type Aggregates,
  type OnError,
  type OperatorOptions,
  type Pipeline,
  type PipelineBuilder,
  type SourceStream,
  type TimedStream,
  type WindowAssigner,
} from '@millrace/flow'
import { drawnSink, drawnSource } from './drawn-connectors.ts'
import {
  changed,
  checkPoison,
  figureOf,
  joined,
  keyOf,
  multiplied,
  passes,
  type Item,
  type Reading,
} from './item.ts'
import { onRecord, onTimer, type Hands } from './program.ts'
import {
  lettersName,
  type AggregateSpec,
  type Part,
  type PartOf,
  type Policy,
  type SourceSpec,
  type StreamRef,
  type Topology,
  type WindowShape,
} from './topology.ts'

/** The pipeline that a topology describes. */
export function pipelineOf(topology: Topology): Pipeline {
  return pipeline(`drawn-${topology.seed}`, (p) => new Building(topology, p).build())
}

/** Streams without event time are taken for others: a topology asks nothing of them that they cannot do. */
type Stream = TimedStream<Item>

class Building {
  readonly #topology: Topology
  readonly #p: PipelineBuilder
  readonly #streams = new Map<string, Stream>()
  readonly #letters: OnError

  constructor(topology: Topology, p: PipelineBuilder) {
    this.#topology = topology
    this.#p = p
    this.#letters = deadLetter(lettersName, drawnSink(topology.letters))
  }

  build(): void {
    const { sources, parts, sinks, policy } = this.#topology
    this.#p.onError(this.#policy(policy))
    for (const source of sources) this.#set(source.name, 'main', this.#source(source))
    for (const part of parts) this.#add(part)
    for (const { name, from, guarantee } of sinks) this.#stream(from).to(name, drawnSink(guarantee))
  }

  #source(spec: SourceSpec): Stream {
    const { name, disorderMs, step } = spec
    let stream: SourceStream<Item> = this.#p.from<Item>(name, drawnSource(spec))
    if (step?.kind === 'map')
      stream = stream.map((item) => ({ ...item, ...changed(step.change, item) }), { name: `${name} map` })
    else if (step?.kind === 'filter')
      stream = stream.filter((item) => passes(step.test, item), { name: `${name} filter` })
    if (disorderMs === undefined) return stream as unknown as Stream
    return stream.withTimestamps({ at: (item) => (item as Reading).at, disorder: disorderMs })
  }

  #add(part: Part): void {
    const { name, poison } = part
    const input = this.#stream(part.from)
    const onError = part.policy === undefined ? {} : { onError: this.#policy(part.policy) }
    const checked: Checked = (of) => (item) => {
      checkPoison(poison, item)
      return of(item)
    }
    const main = (stream: Stream): void => this.#set(name, 'main', stream)
    switch (part.kind) {
      case 'map':
      case 'filter':
      case 'flatMap':
      case 'tap':
        return main(stepOf(part, input, checked, onError))
      case 'union':
        return main(input.union(...part.others.map((other) => this.#stream(other))))
      case 'split':
        return this.#split(part, input, checked, onError)
      case 'mapAsync': {
        const change = checked((item) => changed(part.change, item))
        return main(this.#mapAsync(part, input, onError, change))
      }
      case 'reduce':
      case 'scan':
        return main(this.#fold(part, input, onError))
      case 'process':
        return this.#process(part, input, onError)
      case 'window': {
        const windows = input.keyBy((item) => keyOf(part.by, item)).window(assignerOf(part.shape))
        const results = windows.aggregate(name, aggregatesOf(part.aggregates, checked(figureOf)), {
          allowedLateness: part.latenessMs,
          ...onError,
        })
        // Its results have a key, and a field named value.
        main(results as unknown as Stream)
        this.#set(name, 'late', results.late)
      }
    }
  }

  #split(
    { name, branches }: PartOf<'split'>,
    input: Stream,
    checked: Checked,
    onError: OperatorOptions,
  ): void {
    const tests = branches.map((test, index) => [`branch${index}`, checked((item) => passes(test, item))])
    const { rest, ...others } = input.split(
      name,
      Object.fromEntries(tests) as Record<string, (item: Item) => boolean>,
      onError,
    )
    this.#set(name, 'main', rest)
    for (const [branch, stream] of Object.entries(others)) this.#set(name, branch, stream)
  }

  #mapAsync(
    { name, by, order, concurrency }: PartOf<'mapAsync'>,
    input: Stream,
    onError: OperatorOptions,
    change: (item: Item) => Item,
  ): Stream {
    const call = async (item: Item): Promise<Item> => {
      for (let hop = figureOf(item) % 4; hop > 0; hop--) await Promise.resolve()
      return change(item)
    }
    if (by !== undefined)
      return input.keyBy((item) => keyOf(by, item)).mapAsync(name, call, { order, concurrency, ...onError })
    return input.mapAsync(name, call, { order: order === 'none' ? order : 'input', concurrency, ...onError })
  }

  #fold(
    { kind, name, by, how, poison }: PartOf<'reduce'> | PartOf<'scan'>,
    input: Stream,
    onError: OperatorOptions,
  ): Stream {
    const keyed = input.keyBy((item) => keyOf(by, item))
    const next = (total: Item, item: Item): Item => {
      checkPoison(poison, item)
      return joined(how, total, item)
    }
    return kind === 'reduce'
      ? keyed.reduce(name, next, onError)
      : keyed.scan(name, () => scanStart, next, onError)
  }

  #process(part: PartOf<'process'>, input: Stream, onError: OperatorOptions): void {
    const { name, by, program, poison } = part
    const processed = input
      .keyBy((item) => keyOf(by, item))
      .process(name, {
        emits: output<Item>(),
        outputs: { side: output<Item>() },
        state: {
          value: state.value<number>(),
          list: state.list<number>(),
          map: state.map<number, number>(),
          due: state.value<number>(),
        },
        ...onError,
        onRecord({ value: item, time }, context) {
          checkPoison(poison, item)
          onRecord(program, item, time, handsOf(context))
        },
        onTimer(timer, context) {
          onTimer(program, timer, handsOf(context))
        },
      })
    this.#set(name, 'main', processed)
    this.#set(name, 'side', processed.outputs.side)
  }

  #policy(policy: Policy): OnError {
    if (policy === 'deadLetter') return this.#letters
    return policy === 'skip' ? skip() : fail()
  }

  #stream({ node, output: of }: StreamRef): Stream {
    return this.#streams.get(`${node} ${of}`)!
  }

  #set(node: string, of: string, stream: Stream): void {
    this.#streams.set(`${node} ${of}`, stream)
  }
}

/** A function that throws on poison, and else is the one given. */
type Checked = <T>(of: (item: Item) => T) => (item: Item) => T

/** A step without state. */
function stepOf(
  part: PartOf<'map' | 'filter' | 'flatMap' | 'tap'>,
  input: Stream,
  checked: Checked,
  onError: OperatorOptions,
): Stream {
  const options = { name: part.name, ...onError }
  const nothing = checked(() => {})
  switch (part.kind) {
    case 'map': {
      const change = checked((item) => changed(part.change, item))
      return input.map(change, options)
    }
    case 'filter': {
      const keep = checked((item) => passes(part.test, item))
      return input.filter(keep, options)
    }
    case 'flatMap': {
      const expand = checked((item) => multiplied(part.times, item))
      return input.flatMap(expand, options)
    }
    case 'tap':
      return input.tap(nothing, options)
  }
}

/** What a scan begins with. */
export const scanStart: Item = { key: 'start', value: 1 }

/** What the engine hands to `process`, as programs take it. */
function handsOf(context: {
  readonly state: Pick<Hands, 'value' | 'list' | 'map' | 'due'>
  readonly timers: {
    setEvent(time: number, name: string): void
    deleteEvent(time: number, name: string): void
  }
  readonly outputs: { readonly side: { readonly emit: (item: Item) => void } }
  readonly emit: (item: Item) => void
  readonly emitAt: (time: number, item: Item) => void
}): Hands {
  const { timers, outputs, emit, emitAt } = context
  const { value, list, map, due } = context.state
  return {
    value,
    list,
    map,
    due,
    setTimer: (time, name) => timers.setEvent(time, name),
    deleteTimer: (time, name) => timers.deleteEvent(time, name),
    emit,
    emitAt,
    side: (item) => outputs.side.emit(item),
  }
}

function assignerOf({ sizeMs, slideMs, offsetMs }: WindowShape): WindowAssigner {
  const offset = offsetMs < 0 ? (`-${-offsetMs}ms` as const) : offsetMs
  return slideMs === undefined
    ? tumbling(sizeMs, { offset })
    : sliding({ size: sizeMs, slide: slideMs, offset })
}

function aggregatesOf(specs: readonly AggregateSpec[], figure: (item: Item) => number): Aggregates<Item> {
  return Object.fromEntries(
    specs.map(({ field, kind, only }) => {
      switch (kind) {
        case 'count':
          return [
            field,
            count((item: Item) => {
              const counted = figure(item)
              return only === undefined || passes(only, item) ? counted : undefined
            }),
          ]
        case 'sum':
          return [field, sum(figure)]
        case 'sumBigint':
          return [field, sumBigint((item: Item) => BigInt(figure(item)))]
        case 'min':
          return [field, min(figure)]
        case 'max':
          return [field, max(figure)]
        case 'mean':
          return [field, mean(figure)]
        case 'collect':
          return [field, collect(figure)]
      }
    }),
  )
}
