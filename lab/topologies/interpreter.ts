import { seededRandom } from '@millrace/world'
import {
  count,
  deadLetter,
  fail,
  pipeline,
  skip,
  type OnError,
  type OperatorOptions,
  type Pipeline,
  type PipelineBuilder,
  type SourceStream,
  type TimedKeyedStream,
  type TimedStream,
  type Timing,
} from '@millrace/flow'
import { Dice } from './dice.ts'
import { drawnSink, drawnSource } from './drawn-connectors.ts'
import { lastStream } from './drawn-last.ts'
import { processSpecOf } from './drawn-process.ts'
import { watermarkOf } from './drawn-watermarks.ts'
import { aggregatesOf, assignerOf } from './drawn-windows.ts'
import {
  changed,
  checkPoison,
  figureOf,
  joined,
  keyOf,
  multiplied,
  passes,
  severalOf,
  type Grouping,
  type Item,
  type Reading,
} from './item.ts'
import { drawSource } from './source-drawing.ts'
import {
  inputsOf,
  isLast,
  lettersName,
  type Part,
  type PartOf,
  type Policy,
  type SourceSpec,
  type StreamRef,
  type Topology,
} from './topology.ts'

/** The pipeline that a topology describes. */
export function pipelineOf(topology: Topology): Pipeline {
  return pipeline(`drawn-${topology.seed}`, (p) => new Building(topology, p).build())
}

/**
 * Later versions of the pipeline, with the same records in its sinks: each has other unnamed steps without
 * effect before and after its operators, an additional aggregate in some windows or one less, and one more
 * operator with its own sink; some have one more source.
 */
export function versionsOf(topology: Topology): readonly Pipeline[] {
  return [1, 2, 3].map((version) =>
    pipeline(`drawn-${topology.seed}`, (p) => new Building(topology, p, version).build()),
  )
}

/** Streams without event time are cast: a topology uses only methods that they have. */
type Stream = TimedStream<Item>

class Building {
  readonly #topology: Topology
  readonly #p: PipelineBuilder
  /** 0 for the original pipeline. */
  readonly #version: number
  readonly #streams = new Map<string, Stream>()
  readonly #letters: OnError

  constructor(topology: Topology, p: PipelineBuilder, version = 0) {
    this.#topology = topology
    this.#p = p
    this.#version = version
    this.#letters = deadLetter(lettersName, drawnSink(topology.letters))
  }

  build(): void {
    const { sources, parts, sinks, policy } = this.#topology
    this.#p.onError(this.#policy(policy))
    for (const source of sources) this.#set(source.name, 'main', this.#source(source))
    for (const part of parts) this.#add(part)
    for (const { name, from, guarantee } of sinks) this.#stream(from).to(name, drawnSink(guarantee))
    for (let number = 1; number <= this.#version; number++) this.#addition(number)
  }

  #source(spec: SourceSpec): Stream {
    const { name, policy, disorderMs, idleAfterMs, untimely, untimelyPolicy } = spec
    const read = this.#p.from<Item>(name, drawnSource(spec), this.#onError(policy))
    const stream = stepIn(spec, read)
    if (disorderMs === undefined) return stream as unknown as Stream
    return stream.withTimestamps({
      timestamp: (item) =>
        untimely !== undefined && passes(untimely, item) ? noTimeOf(item) : (item as Reading).at,
      ...watermarkOf(spec),
      ...(idleAfterMs !== undefined && { idleAfter: idleAfterMs }),
      name: timesName(name),
      ...this.#onError(untimelyPolicy),
    })
  }

  #add(part: Part): void {
    const { name, poison } = part
    const input = this.#stream(part.from)
    const onError = this.#onError(part.policy)
    const checked: Checked = (of) => (item) => {
      checkPoison(poison, item)
      return of(item)
    }
    const main = (stream: Stream): void => this.#set(name, 'main', stream)
    if (isLast(part)) return main(lastStream(part, input, () => this.#stream(inputsOf(part)[1]!)))
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
        const windows = keyedBy(input, part.by, part).window(assignerOf(part.shape))
        const drawn = aggregatesOf(part.aggregates, checked(figureOf))
        const hasMore = this.#version > 0 && this.#dice(`aggregate of ${name}`).onceIn(2)
        const aggregates = hasMore ? { ...drawn, [addedAggregate]: count<Item>() } : drawn
        const results = windows.aggregate(name, aggregates, { allowedLateness: part.latenessMs, ...onError })
        // Its results have a key, and a field named value.
        const items = results as unknown as Stream
        main(hasMore ? items.map((result) => withoutAdded(part, result)) : items)
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
    part: PartOf<'mapAsync'>,
    input: Stream,
    onError: OperatorOptions,
    change: (item: Item) => Item,
  ): Stream {
    const call = async (item: Item): Promise<Item> => {
      for (let hop = figureOf(item) % 4; hop > 0; hop--) await Promise.resolve()
      return change(item)
    }
    const { name, by, order, concurrency, timeoutMs } = part
    const timeout = timeoutMs === undefined ? {} : { timeout: timeoutMs }
    const options = { concurrency, ...timeout, ...onError }
    if (by !== undefined) {
      const serial = concurrency === 4 ? 'none' : 'key'
      return keyedBy(input, by, part).mapAsync(name, call, { serial, order, ...options })
    }
    return input.mapAsync(name, call, { order: order === 'none' ? order : 'input', ...options })
  }

  #fold(part: PartOf<'reduce'> | PartOf<'scan'>, input: Stream, onError: OperatorOptions): Stream {
    const { kind, name, by, how, poison } = part
    const keyed = keyedBy(input, by, part)
    const next = (total: Item, item: Item): Item => {
      checkPoison(poison, item)
      return joined(how, total, item)
    }
    const results =
      kind === 'reduce' ? keyed.reduce(name, next, onError) : keyed.scan(name, () => scanStart, next, onError)
    return results.map(({ value }) => value)
  }

  #process(part: PartOf<'process'>, input: Stream, onError: OperatorOptions): void {
    const isTimed = (input.timing as Timing) === 'timed'
    const processed = keyedBy(input, part.by, part).process(part.name, processSpecOf(part, isTimed, onError))
    this.#set(part.name, 'main', processed)
    this.#set(part.name, 'side', processed.outputs.side)
  }

  #onError(policy: Policy | undefined): OperatorOptions {
    return policy === undefined ? {} : { onError: this.#policy(policy) }
  }

  #policy(policy: Policy): OnError {
    if (policy === 'deadLetter') return this.#letters
    return policy === 'skip' ? skip() : fail()
  }

  #stream({ node, output: of }: StreamRef): Stream {
    return this.#disguised(this.#streams.get(`${node} ${of}`)!, `${node} ${of}`)
  }

  #set(node: string, of: string, stream: Stream): void {
    this.#streams.set(`${node} ${of}`, stream)
  }

  /** The stream with a step after it that has no effect, or none: each version has others. */
  #disguised(stream: Stream, place: string): Stream {
    if (this.#version === 0) return stream
    switch (this.#dice(`step behind ${place}`).oneOf(['none', 'map', 'filter', 'tap', 'two'])) {
      case 'map':
        return stream.map((item) => item)
      case 'filter':
        return stream.filter(() => true)
      case 'tap':
        return stream.tap(() => {})
      case 'two':
        return stream.filter(() => true).map((item) => item)
      default:
        return stream
    }
  }

  /** The additions of version `number`, which later versions keep. */
  #addition(number: number): void {
    const dice = new Dice(seededRandom(this.#topology.seed).fork(`addition ${number}`))
    const stream = this.#stream(dice.oneOf(this.#topology.sinks).from)
    const counted = stream
      .keyBy((item) => figureOf(item) % 3)
      .scan(
        `added ${number}`,
        () => 0,
        (count) => count + 1,
      )
    counted.to(`to added ${number}`, drawnSink('exactly-once'))
    if (!dice.onceIn(2)) return
    const name = `added source ${number}`
    const spec = drawSource(dice, name, { records: 20, isTimed: false, mayFail: false })
    stepIn(spec, this.#p.from<Item>(name, drawnSource({ ...spec, durability: 'replayable' }))).to(
      `to ${name}`,
      drawnSink('exactly-once'),
    )
  }

  #dice(what: string): Dice {
    return new Dice(seededRandom(this.#topology.seed).fork(`version ${this.#version}: ${what}`))
  }
}

/** The field of an aggregate that a later version has added to windows. */
const addedAggregate = 'added'

/**
 * The result as the first version has it. An added aggregate counts from then on: in a window that was
 * already open, only some of its records.
 */
function withoutAdded({ aggregates }: PartOf<'window'>, result: Item): Item {
  const { [addedAggregate]: added, ...rest } = result as Item & { readonly [addedAggregate]: unknown }
  const whole = aggregates.find(({ kind }) => kind === 'countAll')
  const all = whole === undefined ? undefined : (rest as unknown as Record<string, number>)[whole.field]
  if (!Number.isInteger(added) || (added as number) < 0 || (added as number) > (all ?? Infinity))
    throw new Error(`an added aggregate has counted ${String(added)} of ${all ?? 'some'} records`)
  return rest
}

/** The name of the step that assigns event times to a source. */
export function timesName(source: string): string {
  return `${source} times`
}

/** The name of the step inside a source. */
export function stepName({ name, step }: Pick<SourceSpec, 'name' | 'step'>): string {
  return `${name} ${step?.kind}`
}

/** The stream after the step inside a source. */
function stepIn(spec: SourceSpec, stream: SourceStream<Item>): SourceStream<Item> {
  const { step, stepPoison } = spec
  const name = { name: stepName(spec) }
  const check = (item: Item): void => checkPoison(stepPoison, item)
  switch (step?.kind) {
    case 'map': {
      const { change } = step
      return stream.map((item) => (check(item), { ...item, ...changed(change, item) }), name)
    }
    case 'filter': {
      const { test } = step
      return stream.filter((item) => (check(item), passes(test, item)), name)
    }
    case 'flatMap': {
      const { times } = step
      return stream.flatMap((item) => (check(item), severalOf(times, item)), name)
    }
    case 'tap':
      return stream.tap(check, name)
    case undefined:
      return stream
  }
}

/** What `at` returns or throws for a reading without a time: alternating. */
function noTimeOf(item: Item): number {
  if (figureOf(item) % 2 === 0) return Number.NaN
  throw new Error(`${figureOf(item)} has no time`)
}

/** The keyed stream. */
function keyedBy(
  input: Stream,
  by: Grouping,
  { keyPoison }: Pick<Part, 'keyPoison'>,
): TimedKeyedStream<Item, Item['key']> {
  return input.keyBy((item) => {
    checkPoison(keyPoison, item)
    return keyOf(by, item)
  })
}

/** The output of a flatMap that throws in the middle. */
function* lazily(times: number, poison: Part['poison'], item: Item): Generator<Item> {
  const [first, ...others] = multiplied(times, item)
  if (first !== undefined) yield first
  checkPoison(poison, item)
  yield* others
}

/** A function that throws on poison, and otherwise calls the given one. */
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
      const { times, poison, isLazy } = part
      const expand =
        isLazy === true
          ? (item: Item) => lazily(times, poison, item)
          : checked((item) => multiplied(times, item))
      return input.flatMap(expand, options)
    }
    case 'tap':
      return input.tap(nothing, options)
  }
}

/** The initial value of a scan. */
export const scanStart: Item = { key: 'start', value: 1 }
