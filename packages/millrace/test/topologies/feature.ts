import { policyOf, type Part, type SourceSpec, type StreamRef, type Topology } from './topology.ts'

/** Everything that a topology may have, and that has to meet every kind of fault. */
export const features = [
  'source of one split',
  'source of several splits',
  'volatile source',
  'bytes that cannot be decoded',
  'no event time',
  'late records',
  'map',
  'filter',
  'flatMap',
  'tap',
  'union',
  'split',
  'mapAsync, order of input',
  'mapAsync, order of each key',
  'mapAsync, no order',
  'reduce',
  'scan',
  'process with a value',
  'process with a list',
  'process with a map',
  'process with timers of silence',
  'process with timers of rounds',
  'side output of process',
  'tumbling windows',
  'sliding windows',
  'allowed lateness',
  'late output',
  'count',
  'sum',
  'sumBigint',
  'min',
  'max',
  'mean',
  'collect',
  'poison that is skipped',
  'poison that is a dead letter',
  'exactly-once sink',
  'at-least-once sink',
  'at-most-once sink',
] as const

/** One thing that a topology may have. */
export type Feature = (typeof features)[number]

/** What a topology has. */
export function featuresOf(topology: Topology): ReadonlySet<Feature> {
  const found = new Set<Feature>()
  for (const source of topology.sources) for (const feature of sourceFeatures(source)) found.add(feature)
  for (const part of topology.parts) {
    for (const feature of partFeatures(part)) found.add(feature)
    const policy = part.poison === undefined ? 'fail' : policyOf(topology, part)
    if (policy === 'skip') found.add('poison that is skipped')
    else if (policy === 'deadLetter') found.add('poison that is a dead letter')
  }
  for (const { from, guarantee } of topology.sinks) {
    found.add(`${guarantee} sink`)
    if (from.output === 'late') found.add('late output')
    if (from.output === 'side') found.add('side output of process')
  }
  for (const { from } of topology.parts) {
    if (from.output === 'late') found.add('late output')
    if (from.output === 'side') found.add('side output of process')
  }
  return found
}

function* sourceFeatures({ durability, splits, disorderMs }: SourceSpec): Generator<Feature> {
  yield splits.length === 1 ? 'source of one split' : 'source of several splits'
  if (durability === 'volatile') yield 'volatile source'
  if (splits.some(({ spoiled }) => spoiled.length > 0)) yield 'bytes that cannot be decoded'
  if (disorderMs === undefined) yield 'no event time'
  else if (splits.some(({ readings }) => hasLate(readings, disorderMs))) yield 'late records'
}

function hasLate(readings: SourceSpec['splits'][number]['readings'], disorderMs: number): boolean {
  let newest = Number.NEGATIVE_INFINITY
  return readings.some(({ at }) => {
    newest = Math.max(newest, at)
    return at < newest - disorderMs
  })
}

function* partFeatures(part: Part): Generator<Feature> {
  if (part.kind === 'mapAsync') {
    const order = part.by === undefined && part.order === 'key' ? 'input' : part.order
    yield (
      {
        input: 'mapAsync, order of input',
        key: 'mapAsync, order of each key',
        none: 'mapAsync, no order',
      } as const
    )[order]
  } else if (part.kind === 'process') {
    yield `process with a ${part.program.keeps}`
    if (part.program.timers !== 'none') yield `process with timers of ${part.program.timers}`
  } else if (part.kind === 'window') {
    yield part.shape.slideMs === undefined ? 'tumbling windows' : 'sliding windows'
    if (part.latenessMs > 0) yield 'allowed lateness'
    for (const { kind } of part.aggregates) yield kind
  } else {
    yield part.kind
  }
}

/** Where a stream can come from, and where it can go. */
const givers = [
  'source',
  'map',
  'filter',
  'flatMap',
  'tap',
  'union',
  'split',
  'split branch',
  'mapAsync',
  'reduce',
  'scan',
  'process',
  'process side',
  'window',
  'window late',
] as const
const takers = [
  'map',
  'filter',
  'flatMap',
  'tap',
  'union',
  'split',
  'mapAsync',
  'reduce',
  'scan',
  'process',
  'window',
  'sink',
] as const

/** Every way in which one part can feed another. */
export const pairs: readonly string[] = givers.flatMap((giver) =>
  takers.map((taker) => `${giver} > ${taker}`),
)

/** Who feeds whom in a topology. */
export function pairsOf({ parts, sinks }: Topology): ReadonlySet<string> {
  const kinds = new Map<string, string>(parts.map(({ name, kind }) => [name, kind]))
  const giverOf = ({ node, output }: StreamRef): string => {
    const kind = kinds.get(node) ?? 'source'
    if (output === 'main') return kind
    return `${kind} ${kind === 'split' ? 'branch' : output}`
  }
  const found = new Set<string>()
  for (const part of parts) {
    for (const from of [part.from, ...(part.kind === 'union' ? part.others : [])])
      found.add(`${giverOf(from)} > ${part.kind}`)
  }
  for (const { from } of sinks) found.add(`${giverOf(from)} > sink`)
  return found
}
