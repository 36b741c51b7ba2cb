import {
  hasOneSplit,
  inputsOf,
  lastKinds,
  partKinds,
  policyOf,
  type Meeting,
  type Pacing,
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
  'connect',
  'window join',
  'interval join',
  'inner join',
  'left join',
  'right join',
  'full join',
  'session windows',
  'keepFirst',
  'Top-N of a stream',
  'Top-N of a table',
  'aggregates of groups',
  'join of tables',
  'pattern',
  'pattern without overlaps',
  'join by foreign key',
  'stream with a table',
  'panes of tumbling windows',
  'panes of cumulative windows',
  'panes of paused windows',
  'as-of join',
  'versions that expire',
  'cogroup',
  'semi join',
  'anti join',
  'aggregates of keys',
  'batch',
  'timed batch by event time',
  'timed batch by the clock',
  'throttle that waits',
  'throttle that drops',
  'delay by event time',
  'delay by the clock',
  'debounce by event time',
  'debounce by the clock',
  'sample',
  'state that expires after its creation',
  'state that expires after a write',
  'state that expires after a read',
  'scan that expires',
  'broadcast state',
  'trailing windows',
  'calendar windows',
  'windows without a key',
  'count windows',
  'count windows that slide',
  'global windows',
  'evictor before a result',
  'evictor after a result',
  'windows by the clock',
  'lookup',
  'lookup with a cache',
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
  const { durability, splits, disorderMs, step, stepPoison, policy, untimely } = source
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
}

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
  } else if (part.kind === 'session') {
    yield 'session windows'
  } else if (part.kind === 'pattern') {
    yield part.shape.isApart ? 'pattern without overlaps' : 'pattern'
  } else if (part.kind === 'table') {
    yield tableFeatures[part.how.kind]
  } else if (part.kind === 'panes') {
    yield `panes of ${part.windows} windows`
  } else if (part.kind === 'meeting') {
    yield* meetingFeatures(part.how)
  } else if (part.kind === 'pacing') {
    yield pacingFeature(part.how)
  } else if (part.kind === 'expiry') {
    const { of, refresh } = part.how
    yield of === 'scan' ? 'scan that expires' : expiryFeatures[refresh]
  } else if (part.kind === 'broadcast') {
    yield 'broadcast state'
  } else if (part.kind === 'lookup') {
    yield part.kept > 0 ? 'lookup with a cache' : 'lookup'
  } else if (part.kind === 'spans') {
    const { how } = part
    if (how.kind === 'evicting') yield `evictor ${how.evicts.when} a result`
    else if (how.kind === 'count' && how.slide !== undefined) yield 'count windows that slide'
    else yield spansFeatures[how.kind]
  } else {
    yield part.kind
    if (part.kind === 'flatMap' && part.isLazy === true) yield 'flatMap, one by one'
    if (part.kind === 'union' && part.others.length === 2) yield 'union of three'
  }
}

const tableFeatures = {
  first: 'keepFirst',
  topOfStream: 'Top-N of a stream',
  topOfTable: 'Top-N of a table',
  aggregate: 'aggregates of groups',
  byKey: 'join of tables',
  byForeignKey: 'join by foreign key',
  enrich: 'stream with a table',
  running: 'aggregates of keys',
} as const

const expiryFeatures = {
  create: 'state that expires after its creation',
  write: 'state that expires after a write',
  read: 'state that expires after a read',
} as const

const spansFeatures = {
  trailing: 'trailing windows',
  calendar: 'calendar windows',
  whole: 'windows without a key',
  count: 'count windows',
  global: 'global windows',
  byClock: 'windows by the clock',
} as const

function* meetingFeatures(how: Meeting): Generator<Feature> {
  switch (how.kind) {
    case 'rounds':
      yield 'connect'
      return
    case 'window':
    case 'between':
      yield how.kind === 'window' ? 'window join' : 'interval join'
      yield `${how.join} join`
      return
    case 'asOf':
      yield 'as-of join'
      if (how.validForMs !== undefined) yield 'versions that expire'
      return
    case 'group':
      yield how.use === 'cogroup' ? how.use : `${how.use} join`
  }
}

function pacingFeature(how: Pacing): Feature {
  switch (how.kind) {
    case 'timedBatch':
      return how.clock === 'event' ? 'timed batch by event time' : 'timed batch by the clock'
    case 'throttle':
      return how.drops ? 'throttle that drops' : 'throttle that waits'
    case 'delay':
    case 'debounce':
      return how.clock === 'event' ? `${how.kind} by event time` : `${how.kind} by the clock`
    default:
      return how.kind
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
