import { lastFeatures, lastFeaturesOf } from './last-features.ts'
import {
  hasOneSplit,
  inputsOf,
  isLast,
  lastKinds,
  partKinds,
  policyOf,
  type Part,
  type PartOf,
  type Program,
  type SourceSpec,
  type StreamRef,
  type Topology,
} from './topology.ts'

/** Every feature that a topology may have, each of which must be combined with every kind of fault. */
export const features = [
  'source of one split',
  'source of several splits',
  'source of many splits',
  'volatile source',
  'bytes that cannot be decoded',
  'no event time',
  'late records',
  'source that may be idle',
  'source with a policy of its own',
  'poison in a step of a source',
  'records without a time',
  'adaptive watermark',
  'punctuated watermark',
  'watermark of an own generator',
  'map',
  'filter',
  'flatMap',
  'flatMap, one by one',
  'tap',
  'tap in a source',
  'flatMap in a source',
  'union',
  'union of three',
  'split',
  'mapAsync, order of input',
  'mapAsync, order of each key',
  'mapAsync, no order',
  'mapAsync with a timeout',
  'reduce',
  'scan',
  'process with a value',
  'process with a list',
  'process with a map',
  'process with timers of silence',
  'process with timers of rounds',
  'process with timers by the clock',
  'process with codecs of its own',
  'process that tells the watermark',
  'side output of process',
  'side output ahead of time',
  'tumbling windows',
  'sliding windows',
  'windows of an own assigner',
  'allowed lateness',
  'late output',
  'count',
  'sum',
  'sumBigint',
  'min',
  'max',
  'mean',
  'collect',
  'trail',
  'distinct',
  'countAll',
  'collectAll',
  'sum of some',
  ...lastFeatures,
  'keys of all sorts',
  'poison in a key',
  'poison that is skipped',
  'poison that is a dead letter',
  'exactly-once sink',
  'at-least-once sink',
  'at-most-once sink',
] as const

/** A feature of a topology. */
export type Feature = (typeof features)[number]

/** The features of a topology. */
export function featuresOf(topology: Topology): ReadonlySet<Feature> {
  const found = new Set<Feature>()
  for (const source of topology.sources) for (const feature of sourceFeatures(source)) found.add(feature)
  // With several splits late records would depend on the clock, so the simulator lets no split be idle.
  if (hasOneSplit(topology) && topology.sources[0]!.idleAfterMs !== undefined)
    found.add('source that may be idle')
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

function* sourceFeatures(source: SourceSpec): Generator<Feature> {
  const { durability, splits, disorderMs, step, stepPoison, policy, untimely, watermark } = source
  yield splits.length === 1 ? 'source of one split' : 'source of several splits'
  if (splits.length > 20) yield 'source of many splits'
  if (durability === 'volatile') yield 'volatile source'
  if (splits.some(({ spoiled }) => spoiled.length > 0)) yield 'bytes that cannot be decoded'
  if (disorderMs === undefined) yield 'no event time'
  else if (splits.some(({ readings }) => hasLate(readings, disorderMs))) yield 'late records'
  if (policy !== undefined) yield 'source with a policy of its own'
  if (step?.kind === 'tap' || step?.kind === 'flatMap') yield `${step.kind} in a source`
  if (step !== undefined && stepPoison !== undefined) yield 'poison in a step of a source'
  if (untimely !== undefined) yield 'records without a time'
  if (watermark !== undefined) yield watermarkFeatures[watermark.kind]
}

const watermarkFeatures = {
  adaptive: 'adaptive watermark',
  punctuated: 'punctuated watermark',
  behind: 'watermark of an own generator',
} as const

function hasLate(readings: SourceSpec['splits'][number]['readings'], disorderMs: number): boolean {
  let newest = Number.NEGATIVE_INFINITY
  return readings.some(({ at }) => {
    newest = Math.max(newest, at)
    return at < newest - disorderMs
  })
}

function* partFeatures(part: Part): Generator<Feature> {
  if (part.keyPoison !== undefined) yield 'poison in a key'
  if ('by' in part && part.by?.kind === 'mixed') yield 'keys of all sorts'
  if (part.kind === 'mapAsync') {
    const order = part.by === undefined && part.order === 'key' ? 'input' : part.order
    yield (
      {
        input: 'mapAsync, order of input',
        key: 'mapAsync, order of each key',
        none: 'mapAsync, no order',
      } as const
    )[order]
    if (part.timeoutMs !== undefined) yield 'mapAsync with a timeout'
  } else if (part.kind === 'process') {
    yield* programFeatures(part.program)
  } else if (part.kind === 'window') {
    yield* windowFeatures(part)
  } else if (isLast(part)) {
    yield* lastFeaturesOf(part)
  } else {
    yield part.kind
    if (part.kind === 'flatMap' && part.isLazy === true) yield 'flatMap, one by one'
    if (part.kind === 'union' && part.others.length === 2) yield 'union of three'
  }
}

function* programFeatures(program: Program): Generator<Feature> {
  const { keeps, timers, side, sideAheadMs, hasCodecs, tellsWatermark } = program
  if (timers === 'clock') {
    yield 'process with timers by the clock'
    return
  }
  yield `process with a ${keeps}`
  if (timers !== 'none') yield `process with timers of ${timers}`
  if (hasCodecs === true && keeps !== 'list') yield 'process with codecs of its own'
  if (tellsWatermark === true) yield 'process that tells the watermark'
  if (side !== undefined && sideAheadMs !== undefined) yield 'side output ahead of time'
}

function* windowFeatures({ shape, latenessMs, aggregates }: PartOf<'window'>): Generator<Feature> {
  if (shape.otherMs !== undefined) yield 'windows of an own assigner'
  else yield shape.slideMs === undefined ? 'tumbling windows' : 'sliding windows'
  if (latenessMs > 0) yield 'allowed lateness'
  for (const { kind, only } of aggregates) {
    yield kind
    if (only !== undefined && kind !== 'count') yield 'sum of some'
  }
}

/** The outputs of a part besides its main stream. */
const sides: Partial<Record<Part['kind'], string>> = { split: 'branch', process: 'side', window: 'late' }
/** The possible beginnings and ends of a stream. */
const givers = ['source', ...partKinds, ...Object.entries(sides).map(([kind, side]) => `${kind} ${side}`)]
const takers = [...partKinds, ...lastKinds, 'sink']

/** Every way in which one part can feed another. */
export const pairs: readonly string[] = givers.flatMap((giver) =>
  takers.map((taker) => `${giver} > ${taker}`),
)

/** The connections between parts in a topology. */
export function pairsOf({ parts, sinks }: Topology): ReadonlySet<string> {
  const kinds = new Map<string, string>(parts.map(({ name, kind }) => [name, kind]))
  const giverOf = ({ node, output }: StreamRef): string => {
    const kind = kinds.get(node) ?? 'source'
    if (output === 'main') return kind
    return `${kind} ${kind === 'split' ? 'branch' : output}`
  }
  const found = new Set<string>()
  for (const part of parts) {
    for (const from of inputsOf(part)) found.add(`${giverOf(from)} > ${part.kind}`)
  }
  for (const { from } of sinks) found.add(`${giverOf(from)} > sink`)
  return found
}
