/** The features of the parts that end in sinks of their own. */
import { stageFeatures, stagesFeatures } from './stage-features.ts'
import type { Calls, Kept, Meeting, Pacing, Spans, Summary } from './last-shapes.ts'
import type { LastPart } from './topology.ts'

/** Every such feature. */
export const lastFeatures = [
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
  'view of a table',
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
  'ordered map',
  'reducing state',
  'aggregating state',
  'versioned state',
  'values with a life of their own',
  'list elements with a life of their own',
  'map entries with a life of their own',
  'totals with a life of their own',
  'headers through steps',
  'headers through calls',
  'headers of delayed records',
  'headers of process',
  'bulkhead of calls',
  'bulkhead with a rate',
  'bulkhead on a stream with keys',
  'rate of calls',
  'hedged calls',
  'calls that are repeated',
  'calls behind a breaker',
  'calls that are replaced',
  'toTable with rows that expire',
  'join of tables with rows that expire',
  'join by foreign key with rows that expire',
  'stream with a table of rows that live long',
  'windows with one final result',
  'windows as a table',
  'windows as a table with early rows',
  'countDistinct',
  'top',
  'filter of a table',
  'table as upserts',
  'Top-N without ranks',
  'Top-N of a stream without ranks',
  'sessions as a table',
  'sessions as a table with early rows',
  'sketches of sliding windows',
  'sketches of sessions',
  'windows of customWindows',
  'process that begins with rows',
  'reduce that begins with rows',
  'scan that begins with rows',
  'rows of a function',
  'rows of a source',
  'list of timers',
  'list of timers of both clocks',
  'watermark at each record',
  ...stageFeatures,
] as const

/** One of them. */
export type LastFeature = (typeof lastFeatures)[number]

/** The features of a part. */
export function* lastFeaturesOf(part: LastPart): Generator<LastFeature> {
  switch (part.kind) {
    case 'session':
      yield 'session windows'
      return
    case 'pattern':
      yield part.shape.isApart ? 'pattern without overlaps' : 'pattern'
      return
    case 'table':
      yield tableFeatures[part.how.kind]
      return
    case 'panes':
      yield `panes of ${part.windows} windows`
      return
    case 'meeting':
      yield* meetingFeatures(part.how)
      return
    case 'pacing':
      yield pacingFeature(part.how)
      return
    case 'expiry':
      yield part.how.of === 'scan' ? 'scan that expires' : expiryFeatures[part.how.refresh]
      return
    case 'broadcast':
      yield 'broadcast state'
      return
    case 'lookup':
      yield part.kept > 0 ? 'lookup with a cache' : 'lookup'
      return
    case 'spans':
      yield spansFeature(part.how)
      return
    case 'states':
      yield* statesFeatures(part.how)
      return
    case 'headers':
      yield headerFeatures[part.how.through]
      return
    case 'calls':
      yield* callFeatures(part.how)
      return
    case 'living':
      yield livingFeatures[part.how.kind]
      return
    case 'summary':
      yield* summaryFeatures(part.how)
      return
    case 'stages':
      yield* stagesFeatures(part.how)
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
  view: 'view of a table',
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
  custom: 'windows of customWindows',
  byClock: 'windows by the clock',
} as const

const livingFeatures = {
  expireAfter: 'toTable with rows that expire',
  byKey: 'join of tables with rows that expire',
  byForeignKey: 'join by foreign key with rows that expire',
  enrich: 'stream with a table of rows that live long',
} as const

function summaryFeatures(how: Summary): readonly LastFeature[] {
  switch (how.kind) {
    case 'final':
      return ['windows with one final result', 'countDistinct', 'top']
    case 'updates':
      return [
        how.early === undefined ? 'windows as a table' : 'windows as a table with early rows',
        'countDistinct',
        'top',
      ]
    case 'filter':
      return ['filter of a table']
    case 'upserts':
      return ['table as upserts']
    case 'topRows':
      return ['Top-N without ranks']
    case 'topRecords':
      return ['Top-N of a stream without ranks']
    case 'sessionRows':
      return [how.early === undefined ? 'sessions as a table' : 'sessions as a table with early rows']
    case 'sketches':
      return ['gapMs' in how.windows ? 'sketches of sessions' : 'sketches of sliding windows']
  }
}

const headerFeatures = {
  steps: 'headers through steps',
  calls: 'headers through calls',
  delay: 'headers of delayed records',
  process: 'headers of process',
} as const

function* callFeatures({ order, limit }: Calls): Generator<LastFeature> {
  switch (limit.kind) {
    case 'bulkhead':
      yield limit.calls === undefined ? 'bulkhead of calls' : 'bulkhead with a rate'
      if (order === 'key') yield 'bulkhead on a stream with keys'
      return
    case 'rate':
      yield 'rate of calls'
      return
    case 'hedge':
      yield 'hedged calls'
      return
    case 'retry':
      yield limit.breaks ? 'calls behind a breaker' : 'calls that are repeated'
      return
    case 'fallback':
      yield 'calls that are replaced'
  }
}

const keptFeatures = {
  orderedMap: 'ordered map',
  reducing: 'reducing state',
  aggregating: 'aggregating state',
  versioned: 'versioned state',
} as const

function* statesFeatures(how: Kept): Generator<LastFeature> {
  switch (how.kind) {
    case 'lives':
      yield livesFeatures[how.of]
      return
    case 'watermark':
      yield 'watermark at each record'
      return
    case 'timers':
      yield how.usesClock ? 'list of timers of both clocks' : 'list of timers'
      return
    case 'seeded':
      yield `${how.of} that begins with rows`
      if (how.from === 'source') yield 'rows of a source'
      else if (how.from !== 'array') yield 'rows of a function'
      return
    default:
      yield keptFeatures[how.kind]
  }
}

const livesFeatures = {
  value: 'values with a life of their own',
  list: 'list elements with a life of their own',
  map: 'map entries with a life of their own',
  reducing: 'totals with a life of their own',
} as const

function* meetingFeatures(how: Meeting): Generator<LastFeature> {
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

function pacingFeature(how: Pacing): LastFeature {
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

function spansFeature(how: Spans): LastFeature {
  if (how.kind === 'evicting') return `evictor ${how.evicts.when} a result`
  if (how.kind === 'count' && how.slide !== undefined) return 'count windows that slide'
  return spansFeatures[how.kind]
}
