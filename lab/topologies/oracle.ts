/**
 * The expected output of a topology, computed from its description without an engine: over arrays, one part
 * after the other.
 *
 * It knows the sinks whose contents depend on the data alone. For a stream it knows the records, the order
 * within each line of records and, where one split decides it, the watermark at each record; results that
 * depend on more are omitted.
 */
import { scanStart } from './interpreter.ts'
import { changed, joined, multiplied, passes, type Item } from './item.ts'
import { figuresOf, gatheringSideOf, type KnownFigures } from './known-gathering.ts'
import { lastOf } from './known-last.ts'
import { processOf } from './known-process.ts'
import { sourceRecordsOf } from './known-source.ts'
import {
  groupsOf,
  mixed,
  type Group,
  type KnownOutputs,
  type KnownRecord,
  type KnownStream,
} from './known-stream.ts'
import { watermarkAfter } from './known-watermarks.ts'
import { windowsOf } from './known-windows.ts'
import {
  hasOneSplit,
  inputsOf,
  isLast,
  lettersName,
  outputsOf,
  policyOf,
  type LastKind,
  type LastPart,
  type Part,
  type PartOf,
  type Policy,
  type StreamRef,
  type Topology,
} from './topology.ts'

/** A dead letter: which operator could not process which item. */
export interface KnownLetter {
  readonly operator: string
  /** Undefined for input that was not an item. */
  readonly item: Item | undefined
}

/** The expectation for a topology, by sink; sinks that the data do not determine are omitted. */
export interface Prediction {
  /** The expected records of a sink, in any order. */
  readonly records: ReadonlyMap<string, readonly unknown[]>
  /** The expected figures of a sink, in records of any size. */
  readonly figures: ReadonlyMap<string, KnownFigures>
}

/** Computes the expected output. */
export function predict(topology: Topology): Prediction {
  const evaluation = new Evaluation(topology)
  const records = new Map<string, readonly unknown[]>()
  const figures = new Map<string, KnownFigures>()
  for (const { name, from } of topology.sinks) {
    const stream = evaluation.stream(from)
    const gathered = evaluation.figures.get(from.node)
    if (stream !== undefined)
      records.set(
        name,
        stream.map(({ value }) => value),
      )
    else if (gathered !== undefined && from.output === 'main') figures.set(name, gathered)
  }
  const { letters } = evaluation
  if (letters !== undefined) records.set(lettersName, letters)
  return { records, figures }
}

class Evaluation {
  /** The content of the dead-letter sink; undefined once that is unknown. */
  letters: KnownLetter[] | undefined = []
  /** The figures of operators that depend on the clock, by name. */
  readonly figures: Map<string, KnownFigures> = new Map()
  readonly #topology: Topology
  readonly #streams = new Map<string, KnownStream | undefined>()
  /** The last watermark before the end of the input; undefined: it depends on which split is read first. */
  readonly #watermark: number | undefined

  constructor(topology: Topology) {
    this.#topology = topology
    for (const source of topology.sources) {
      const records = sourceRecordsOf(source, (operator, policy, item) =>
        this.#setAside(operator, policy ?? topology.policy, [item]),
      )
      this.#set(source.name, 'main', records)
    }
    const [source] = topology.sources
    if (hasOneSplit(topology) && source?.disorderMs !== undefined) {
      const { most, isExact } = watermarkAfter(source, this.stream({ node: source.name, output: 'main' })!)
      this.#watermark = isExact ? most : undefined
    }
    for (const part of topology.parts) this.#add(part)
  }

  stream({ node, output }: StreamRef): KnownStream | undefined {
    return this.#streams.get(`${node} ${output}`)
  }

  #set(node: string, output: string, stream: KnownStream | undefined): void {
    this.#streams.set(`${node} ${output}`, stream)
  }

  #add(part: Part): void {
    const input = this.stream(part.from)
    const results = input === undefined ? undefined : this.#results(part, input)
    const mayThrow = part.poison !== undefined || part.keyPoison !== undefined
    if (results === undefined && mayThrow && policyOf(this.#topology, part) === 'deadLetter')
      this.letters = undefined
    for (const output of outputsOf(part)) this.#set(part.name, output, results?.[output])
  }

  /** The output of a part; undefined if the data do not determine it. */
  #results(part: Part, all: KnownStream): Readonly<Record<string, KnownStream>> | undefined {
    const input = this.#without(part, part.keyPoison, all)
    if (isLast(part)) return this.#last(part, input)
    switch (part.kind) {
      case 'union':
        return this.#union(part, input)
      case 'reduce':
      case 'scan':
        return this.#keyed(part, input, (group, isPoison) => foldedOf(part, group, isPoison))
      case 'process':
        if (part.program.timers === 'clock') return this.#gathering(part, input)
        return this.#keyed(part, input, (group, isPoison) => processOf(part, group, isPoison))
      case 'window':
        return this.#keyed(part, input, (group, isPoison) => windowsOf(part, group, isPoison))
      default:
        return this.#stateless(part, this.#without(part, part.poison, input))
    }
  }

  /** The output of a part that computes the results of each key separately. */
  #keyed(
    part: PartOf<'reduce' | 'scan' | 'process' | 'window'>,
    input: KnownStream,
    of: (group: Group, isPoison: (record: KnownRecord) => boolean) => KnownOutputs | undefined,
  ): Readonly<Record<string, KnownStream>> | undefined {
    const { poison } = part
    const isPoison = ({ value }: KnownRecord): boolean => poison !== undefined && passes(poison, value)
    const known = groupsOf(input, part.by).map((group) => of(group, isPoison))
    if (!known.every((each) => each !== undefined)) return undefined
    const all = (output: string): KnownStream => known.flatMap((outputs) => outputs[output] ?? [])
    this.#bury(part, all('poisoned'))
    return Object.fromEntries(outputsOf(part).map((output) => [output, all(output)]))
  }

  /** The time of its output depends on the clock; its figures do not. */
  #gathering(part: PartOf<'process'>, input: KnownStream): Readonly<Record<string, KnownStream>> {
    const groups = groupsOf(this.#without(part, part.poison, input), part.by)
    const isTimed = input.some(({ time }) => !Number.isNaN(time))
    this.figures.set(part.name, figuresOf(groups, isTimed))
    return { side: gatheringSideOf(part, groups) }
  }

  #stateless(
    part: Exclude<Part, PartOf<LastKind | 'union' | 'reduce' | 'scan' | 'process' | 'window'>>,
    input: KnownStream,
  ): Readonly<Record<string, KnownStream>> {
    switch (part.kind) {
      case 'map':
        return { main: input.map((record) => ({ ...record, value: changed(part.change, record.value) })) }
      case 'filter':
        return { main: input.filter(({ value }) => passes(part.test, value)) }
      case 'flatMap':
        return {
          main: input.flatMap((record) =>
            multiplied(part.times, record.value).map((value) => ({ ...record, value })),
          ),
        }
      case 'tap':
        return { main: input }
      case 'split': {
        const branchOf = ({ value }: KnownRecord): number =>
          part.branches.findIndex((test) => passes(test, value))
        const branches = part.branches.map((_, index) => [
          `branch${index}`,
          input.filter((record) => branchOf(record) === index),
        ])
        return {
          ...(Object.fromEntries(branches) as Record<string, KnownStream>),
          main: input.filter((record) => branchOf(record) === -1),
        }
      }
      case 'mapAsync': {
        const { name, change, order, by } = part
        const called = input.map((record) => ({ ...record, value: changed(change, record.value) }))
        if (order === 'none') return { main: mixed(called, (_, index) => `${name} ${index}`) }
        if (order === 'input' && by === undefined) return { main: called }
        const groups = by === undefined ? [] : groupsOf(input, by)
        const tokens = new Map(
          groups.flatMap(({ token, records }) => records.map((record) => [record, token])),
        )
        return {
          main: mixed(called, ({ line }, index) => `${line} ${name} ${tokens.get(input[index]!) ?? ''}`),
        }
      }
    }
  }

  #last(part: LastPart, input: KnownStream): Readonly<Record<string, KnownStream>> | undefined {
    const [, second] = inputsOf(part)
    const other = second === undefined ? [] : this.stream(second)
    return other === undefined ? undefined : this.#known(part, lastOf(part, input, other, this.#watermark))
  }

  /** Results that no other part reads, so that nothing else has to be known of them. */
  #known(
    { name }: Part,
    values: readonly unknown[] | undefined,
  ): Readonly<Record<string, KnownStream>> | undefined {
    if (values === undefined) return undefined
    const main = (values as readonly Item[]).map((value, index) => ({
      value,
      time: Number.NaN,
      line: `${name} ${index}`,
      under: undefined,
      isOnTime: false,
    }))
    return { main }
  }

  #union(
    { name, others }: PartOf<'union'>,
    input: KnownStream,
  ): Readonly<Record<string, KnownStream>> | undefined {
    const inputs = [input, ...others.map((other) => this.stream(other))]
    if (!inputs.every((each) => each !== undefined)) return undefined
    return { main: inputs.flatMap((each, index) => mixed(each, ({ line }) => `${name} ${index} ${line}`)) }
  }

  /** The records that are not poison; poison becomes dead letters. */
  #without(part: Part, poison: Part['poison'], input: KnownStream): KnownStream {
    if (poison === undefined) return input
    this.#bury(
      part,
      input.filter(({ value }) => passes(poison, value)),
    )
    return input.filter(({ value }) => !passes(poison, value))
  }

  #bury({ name, ...part }: Part, poisoned: KnownStream): void {
    const items = poisoned.map(({ value }) => value)
    this.#setAside(name, part.policy ?? this.#topology.policy, items)
  }

  #setAside(operator: string, policy: Policy, items: readonly KnownLetter['item'][]): void {
    if (policy === 'deadLetter') this.letters?.push(...items.map((item) => ({ operator, item })))
  }
}

/** The results of `reduce` or `scan` for one key. The first record of a key is not combined. */
function foldedOf(
  { kind, name, how }: PartOf<'reduce'> | PartOf<'scan'>,
  { token, records, isOrdered }: Group,
  isPoison: (record: KnownRecord) => boolean,
): KnownOutputs | undefined {
  if (!isOrdered) return undefined
  let total = kind === 'scan' ? scanStart : undefined
  const main: KnownRecord[] = []
  const poisoned: KnownRecord[] = []
  for (const record of records) {
    if (total !== undefined && isPoison(record)) {
      poisoned.push(record)
      continue
    }
    total = total === undefined ? record.value : joined(how, total, record.value)
    main.push({ ...record, value: total, line: `${name} ${token}` })
  }
  return { main, poisoned }
}
