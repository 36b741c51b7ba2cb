/**
 * What a topology must put out, worked out from its description without an engine: over arrays, each part after the
 * other.
 *
 * It knows the sinks whose contents depend on the data alone. Of a stream it knows the records, the order within each
 * line of records and, where one split decides it, the watermark that each record meets; what follows from more than
 * that is left out.
 */
import { scanStart } from './interpreter.ts'
import { changed, joined, multiplied, passes, type Item } from './item.ts'
import { processOf } from './known-process.ts'
import { groupsOf, mixed, type Group, type KnownRecord, type KnownStream } from './known-stream.ts'
import { windowsOf } from './known-windows.ts'
import {
  lettersName,
  outputsOf,
  policyOf,
  type Part,
  type PartOf,
  type SourceSpec,
  type StreamRef,
  type Topology,
} from './topology.ts'

/** A dead letter: which operator could not take which item. */
export interface KnownLetter {
  readonly operator: string
  /** Undefined for what was no item. */
  readonly item: Item | undefined
}

/** What each sink must hold, in any order, by its name; sinks that the data do not decide are left out. */
export function expectedOf(topology: Topology): ReadonlyMap<string, readonly unknown[]> {
  const evaluation = new Evaluation(topology)
  const expected = new Map<string, readonly unknown[]>()
  for (const { name, from } of topology.sinks) {
    const stream = evaluation.stream(from)
    if (stream !== undefined)
      expected.set(
        name,
        stream.map(({ value }) => value),
      )
  }
  const { letters } = evaluation
  if (letters !== undefined) expected.set(lettersName, letters)
  return expected
}

class Evaluation {
  /** What went to the sink of dead letters; undefined once that is not known. */
  letters: KnownLetter[] | undefined = []
  readonly #topology: Topology
  readonly #streams = new Map<string, KnownStream | undefined>()

  constructor(topology: Topology) {
    this.#topology = topology
    for (const source of topology.sources) this.#set(source.name, 'main', this.#source(source))
    for (const part of topology.parts) this.#add(part)
  }

  stream({ node, output }: StreamRef): KnownStream | undefined {
    return this.#streams.get(`${node} ${output}`)
  }

  #set(node: string, output: string, stream: KnownStream | undefined): void {
    this.#streams.set(`${node} ${output}`, stream)
  }

  #source({ name, splits, disorderMs, step }: SourceSpec): KnownStream {
    const isAlone = splits.length === 1
    const records: KnownRecord[] = []
    for (const { name: split, readings, spoiled } of splits) {
      if (this.#topology.policy === 'deadLetter')
        for (const _ of spoiled) this.letters?.push({ operator: name, item: undefined })
      let newest = Number.NEGATIVE_INFINITY
      for (const reading of readings) {
        if (step?.kind === 'filter' && !passes(step.test, reading)) continue
        const value = step?.kind === 'map' ? { ...reading, ...changed(step.change, reading) } : reading
        const time = disorderMs === undefined ? Number.NaN : reading.at
        const under = newest - (disorderMs ?? 0)
        // The watermark of several splits is that of the slowest, so it is at most what this split alone would make it.
        records.push({
          value,
          time,
          line: `${name} ${split}`,
          under: isAlone ? under : undefined,
          isOnTime: under <= time,
        })
        newest = Math.max(newest, reading.at)
      }
    }
    return records
  }

  #add(part: Part): void {
    const input = this.stream(part.from)
    const results = input === undefined ? undefined : this.#results(part, input)
    if (results === undefined && part.poison !== undefined && policyOf(this.#topology, part) === 'deadLetter')
      this.letters = undefined
    for (const output of outputsOf(part)) this.#set(part.name, output, results?.[output])
  }

  /** What comes out, by output; undefined if the data do not decide it. */
  #results(part: Part, input: KnownStream): Readonly<Record<string, KnownStream>> | undefined {
    switch (part.kind) {
      case 'union':
        return this.#union(part, input)
      case 'reduce':
      case 'scan': {
        const isPoison = this.#poisonOf(part)
        const known = knownOf(groupsOf(input, part.by), (group) => foldedOf(part, group, isPoison))
        if (known === undefined) return undefined
        this.#bury(
          part,
          known.flatMap(({ poisoned }) => poisoned),
        )
        return { main: known.flatMap(({ main }) => main) }
      }
      case 'process': {
        const isPoison = this.#poisonOf(part)
        const known = knownOf(groupsOf(input, part.by), (group) => processOf(part, group, isPoison))
        if (known === undefined) return undefined
        this.#bury(
          part,
          known.flatMap(({ poisoned }) => poisoned),
        )
        return { main: known.flatMap(({ main }) => main), side: known.flatMap(({ side }) => side) }
      }
      case 'window': {
        const isPoison = this.#poisonOf(part)
        const known = knownOf(groupsOf(input, part.by), (group) => windowsOf(part, group, isPoison))
        if (known === undefined) return undefined
        this.#bury(
          part,
          known.flatMap(({ poisoned }) => poisoned),
        )
        return { main: known.flatMap(({ results }) => results), late: known.flatMap(({ late }) => late) }
      }
      default:
        return this.#stateless(part, this.#sound(part, input))
    }
  }

  #stateless(
    part: Exclude<Part, PartOf<'union' | 'reduce' | 'scan' | 'process' | 'window'>>,
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

  #union(
    { name, others }: PartOf<'union'>,
    input: KnownStream,
  ): Readonly<Record<string, KnownStream>> | undefined {
    const inputs = [input, ...others.map((other) => this.stream(other))]
    if (!inputs.every((each) => each !== undefined)) return undefined
    return { main: inputs.flatMap((each, index) => mixed(each, ({ line }) => `${name} ${index} ${line}`)) }
  }

  #poisonOf({ poison }: Part): (record: KnownRecord) => boolean {
    return ({ value }) => poison !== undefined && passes(poison, value)
  }

  /** The records on which the part's function does not throw. */
  #sound(part: Part, input: KnownStream): KnownStream {
    const isPoison = this.#poisonOf(part)
    this.#bury(part, input.filter(isPoison))
    return input.filter((record) => !isPoison(record))
  }

  #bury(part: Part, poisoned: KnownStream): void {
    if (policyOf(this.#topology, part) !== 'deadLetter') return
    for (const { value } of poisoned) this.letters?.push({ operator: part.name, item: value })
  }
}

function knownOf<T>(groups: readonly Group[], of: (group: Group) => T | undefined): readonly T[] | undefined {
  const known = groups.map(of)
  return known.every((each) => each !== undefined) ? known : undefined
}

/** The results of `reduce` or `scan` for one key. The first record of a key is not combined with anything. */
function foldedOf(
  { kind, name, how }: PartOf<'reduce'> | PartOf<'scan'>,
  { token, records, isOrdered }: Group,
  isPoison: (record: KnownRecord) => boolean,
): { readonly main: KnownStream; readonly poisoned: KnownStream } | undefined {
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
