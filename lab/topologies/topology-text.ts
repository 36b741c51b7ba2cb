import { stagesText } from './stage-text.ts'
import type { Change, Grouping, Test } from './item.ts'
import type {
  CallLimit,
  Calls,
  Kept,
  Meeting,
  Pacing,
  PatternShape,
  Spans,
  TableUse,
  Living,
  RowTtl,
  Summary,
  SlidingSpans,
  Sketches,
} from './last-shapes.ts'
import {
  inputsOf,
  type Part,
  type Program,
  type SourceSpec,
  type StreamRef,
  type Topology,
  type WatermarkSpec,
  type WindowShape,
} from './topology.ts'

/** Describes a topology in words: a paragraph with a sentence for each source, part and sink. */
export function topologyText(topology: Topology): string {
  const { seed, sources, parts, sinks, policy, letters } = topology
  const sentences = [
    `Topology ${seed}, which by default ${policyWords[policy]}${policy === 'deadLetter' ? ` (${letters})` : ''}.`,
    ...sources.map(sourceText),
    ...parts.map((part) => {
      const words = [`${part.name} = ${partText(part)} of ${streamsText(part)}`]
      if (part.policy !== undefined) words.push(policyWords[part.policy])
      if (part.poison !== undefined) words.push(poisonText(part.poison))
      if (part.keyPoison !== undefined) words.push(`no key where ${testText(part.keyPoison)}`)
      return `${words.join(', ')}.`
    }),
    `Sinks: ${sinks.map(({ from, guarantee }) => `${refText(from)} (${guarantee})`).join(', ')}.`,
  ]
  return sentences.join(' ')
}

const policyWords = {
  fail: 'stops at what throws',
  skip: 'skips what throws',
  deadLetter: 'sends what throws to the dead letters',
} as const

function sourceText(source: SourceSpec): string {
  const { name, durability, splits, disorderMs, step, stepPoison, untimely, untimelyPolicy } = source
  const sizes = splits.map(
    ({ readings, spoiled }) =>
      `${readings.length}${spoiled.length > 0 ? ` and ${spoiled.length} spoiled` : ''}`,
  )
  const words = [
    `${name} is ${durability}`,
    `splits of ${sizes.join(' + ')} readings`,
    disorderMs === undefined ? 'no event time' : `disorder ${disorderMs} ms`,
  ]
  if (source.policy !== undefined) words.push(policyWords[source.policy])
  if (source.idleAfterMs !== undefined) words.push(`idle after ${source.idleAfterMs} ms`)
  if (source.watermark !== undefined) words.push(watermarkText(source.watermark))
  if (step !== undefined) words.push(`behind a ${stepText(step)}`)
  if (step !== undefined && stepPoison !== undefined) words.push(poisonText(stepPoison))
  if (untimely !== undefined) words.push(`no time where ${testText(untimely)}`)
  if (untimelyPolicy !== undefined) words.push(`which ${policyWords[untimelyPolicy]}`)
  return `${words.join(', ')}.`
}

function watermarkText(watermark: WatermarkSpec): string {
  switch (watermark.kind) {
    case 'adaptive':
      return `a watermark that learns, for a share of ${watermark.share}`
    case 'punctuated':
      return `a watermark where ${testText(watermark.marks)}`
    case 'behind':
      return `a watermark ${watermark.records} records behind`
  }
}

function stepText(step: NonNullable<SourceSpec['step']>): string {
  switch (step.kind) {
    case 'map':
      return `map: ${changeText(step.change)}`
    case 'filter':
      return `filter: ${testText(step.test)}`
    case 'flatMap':
      return `flatMap: up to ${step.times}`
    case 'tap':
      return step.kind
  }
}

function partText(part: Part): string {
  switch (part.kind) {
    case 'map':
      return `map(${changeText(part.change)})`
    case 'filter':
      return `filter(${testText(part.test)})`
    case 'flatMap':
      return `flatMap(up to ${part.times}${part.isLazy === true ? ', one by one' : ''})`
    case 'tap':
    case 'union':
      return part.kind
    case 'split':
      return `split(${part.branches.map(testText).join('; ')})`
    case 'mapAsync':
      return `mapAsync(${changeText(part.change)}, order ${part.order}, ${part.concurrency} at once${part.timeoutMs === undefined ? '' : `, timeout ${part.timeoutMs} ms`})${byText(part.by)}`
    case 'reduce':
    case 'scan':
      return `${part.kind}(${part.how})${byText(part.by)}`
    case 'process':
      return `process(${programText(part.program)})${byText(part.by)}`
    case 'window': {
      const figures = part.aggregates.map(
        ({ kind, only }) => `${kind}${only === undefined ? '' : ` where ${testText(only)}`}`,
      )
      return `window(${shapeText(part.shape)}, lateness ${part.latenessMs}: ${figures.join(', ')})${byText(part.by)}`
    }
    case 'meeting':
      return `${meetingText(part.how)}${byText(part.by)}`
    case 'session':
      return `sessions(gap ${part.gapMs} ms)${byText(part.by)}`
    case 'pattern':
      return `${patternText(part.shape)}${byText(part.by)}`
    case 'stages':
      return `${stagesText(part.how)}${byText(part.by)}`
    case 'table':
      return `${tableText(part.how)}${byText(part.by)}`
    case 'panes':
      return `panes(${part.windows} windows of ${part.stepMs} ms, early after ${part.early})${byText(part.by)}`
    case 'pacing':
      return `${pacingText(part.how)}${byText(part.by)}`
    case 'expiry': {
      const { of, afterMs, refresh } = part.how
      return `${of} that expires ${afterMs} ms after ${refresh}${byText(part.by)}`
    }
    case 'broadcast':
      return `connectBroadcast(rounds of ${part.everyMs} ms)${byText(part.by)}`
    case 'spans':
      return `${spansText(part.how)}${byText(part.by)}`
    case 'lookup':
      return `lookup(of ${part.rows} rows, ${part.batch} in a call, ${part.kept} kept)`
    case 'states':
      return `${keptText(part.how)}${byText(part.by)}`
    case 'summary':
      return `${summaryText(part.how)}${byText(part.by)}`
    case 'living':
      return `${livingText(part.how)}${byText(part.by)}`
    case 'headers':
      return `headers through ${part.how.through}${byText(part.by)}`
    case 'calls':
      return `${callsText(part.how)}${byText(part.by)}`
  }
}

function keptText(how: Kept): string {
  switch (how.kind) {
    case 'orderedMap':
      return 'process(keeps an ordered map)'
    case 'reducing':
    case 'aggregating':
      return `process(keeps ${how.kind} state)`
    case 'versioned':
      return `process(keeps versions for ${how.backMs} ms)`
    case 'seeded':
      return `${how.of}(begins with ${how.rows} rows of a ${how.from})`
    case 'watermark':
      return 'process(shows the watermark)'
    case 'timers':
      return `process(lists timers${how.usesClock ? ' of both clocks' : ''})`
    case 'lives': {
      const { of, afterMs, refresh, ownMs } = how
      const others = afterMs === undefined ? 'forever' : `${afterMs} ms after ${refresh}`
      return `process(keeps a ${of} ${others}, or ${ownMs} ms after some writes)`
    }
  }
}

function callsText({ order, concurrency, limit }: Calls): string {
  return `mapAsync(order ${order}, ${concurrency} at once, ${limitText(limit)})`
}

function limitText(limit: CallLimit): string {
  switch (limit.kind) {
    case 'bulkhead': {
      const { groups, concurrency, calls } = limit
      return `${groups} groups of ${concurrency ?? 'any number'} at once, ${calls ?? 'any number'} in 5 ms`
    }
    case 'rate':
      return `${limit.calls} in 5 ms`
    case 'hedge':
      return `again after ${limit.afterMs} ms`
    case 'retry':
      return `repeated${limit.breaks ? ' with a breaker' : ''}`
    case 'fallback':
      return 'some replaced'
  }
}

function livingText(how: Living): string {
  switch (how.kind) {
    case 'expireAfter':
      return `toTable(rows expire after ${how.afterMs} ms)`
    case 'byKey':
      return `join of tables(required: ${how.required.join(', ')}, ${ttlText(how.ttl)})`
    case 'byForeignKey':
      return `${how.join} join by foreign key(${ttlText(how.ttl)})`
    case 'enrich':
      return `${how.join} join with a table(rows live long after ${how.refresh})`
  }
}

function ttlText({ after, refresh }: RowTtl): string {
  return `rows expire ${after} ms after ${refresh}`
}

function summaryText(how: Summary): string {
  switch (how.kind) {
    case 'final':
      return `one result for each window${slidingText(how.spans)}`
    case 'updates':
      return `a table of windows${slidingText(how.spans)}${earlyText(how.early)}`
    case 'filter':
      return 'toTable and filter'
    case 'upserts':
      return 'toTable as upserts'
    case 'topRows':
      return 'toTable and topN without ranks'
    case 'topRecords':
      return `topN(${how.n} from ${how.offset}, without ranks)`
    case 'sessionRows':
      return `a table of sessions(gap ${how.gapMs} ms)${earlyText(how.early)}`
    case 'sketches':
      return `sketches(${how.counters} counters, error ${how.error}, ${sketchWindowsText(how.windows)})`
  }
}

function sketchWindowsText(windows: Sketches['windows']): string {
  return 'gapMs' in windows
    ? `sessions, gap ${windows.gapMs} ms`
    : `${windows.overlap} windows by ${windows.slideMs} ms`
}

function slidingText({ slideMs, overlap, latenessMs }: SlidingSpans): string {
  return ` of ${slideMs * overlap} ms by ${slideMs} ms, lateness ${latenessMs}`
}

function earlyText(early: number | undefined): string {
  return early === undefined ? '' : `, updated after every ${early} records`
}

function pacingText(how: Pacing): string {
  switch (how.kind) {
    case 'batch':
      return `batch(${how.size})`
    case 'timedBatch':
      return `batch(${how.size}, ${how.timeMs} ms of ${how.clock} time)`
    case 'throttle':
      return `throttle(${how.records} in ${how.perMs} ms, the others ${how.drops ? 'are dropped' : 'wait'})`
    case 'delay':
      return `delay(${how.byMs} ms of ${how.clock} time)`
    case 'debounce':
      return `debounce(${how.quietMs} ms of ${how.clock} time)`
    case 'sample':
      return `sample(one of ${how.every})`
  }
}

function spansText(how: Spans): string {
  switch (how.kind) {
    case 'trailing':
      return `trailing windows of ${how.sizeMs} ms`
    case 'calendar':
      return `days of ${how.zone} from ${how.offsetMs} ms after midnight`
    case 'custom':
      return `windows of ${how.lengthsMs.join(', ')} ms in turn from ${how.offsetMs} ms`
    case 'whole':
      return `windows of ${how.sizeMs} ms over all keys, not`
    case 'count':
      return `windows of ${how.size} records${how.slide === undefined ? '' : `, every ${how.slide}`}`
    case 'evicting': {
      const { kind, keeps, when } = how.evicts
      const leave = kind === 'count' ? `all but ${keeps}` : 'even numbers'
      return `a global window with a pane for each ${how.every} records, which ${leave} leave ${when} it`
    }
    case 'global':
      return `a global window, ${how.panes}, with a pane for each ${how.every} records`
    case 'byClock':
      return `windows of ${how.sizeMs} ms by the clock`
  }
}

function meetingText(how: Meeting): string {
  if (how.kind === 'rounds') return `connect(rounds of ${how.everyMs} ms)`
  if (how.kind === 'asOf')
    return `${how.join} join(as of, ${how.validForMs === undefined ? 'valid until the next' : `valid for ${how.validForMs} ms`})`
  if (how.kind === 'group') return `${how.use}(windows of ${how.sizeMs} ms)`
  const where =
    how.kind === 'window' ? `windows of ${how.sizeMs} ms` : `from ${how.lowerMs} to ${how.upperMs} ms`
  return `${how.join} join(${where})`
}

function patternText({ first, second, not, withinMs, isApart }: PatternShape): string {
  const stages = [first, not, second].map(testText)
  return `match(${stages.join(', ')} within ${withinMs} ms${isApart ? ', apart' : ''})`
}

function tableText(how: TableUse): string {
  switch (how.kind) {
    case 'first':
      return `keepFirst(${how.withinMs} ms)`
    case 'view':
      return 'toTable and toView'
    case 'topOfStream':
      return `topN(${how.n})`
    case 'topOfTable':
      return `toTable and topN(${how.n} from ${how.offset})`
    case 'aggregate':
      return 'toTable and aggregates of groups'
    case 'byKey':
      return `join of tables(required: ${how.required.join(', ')})`
    case 'byForeignKey':
      return `${how.join} join by foreign key`
    case 'enrich':
      return `${how.join} join with a table`
    case 'running':
      return 'aggregates without a window'
  }
}

function shapeText({ sizeMs, slideMs, offsetMs, otherMs }: WindowShape): string {
  const kind =
    slideMs === undefined
      ? `tumbling ${sizeMs} ms${otherMs === undefined ? '' : ` and ${otherMs} ms in turn`}`
      : `sliding ${sizeMs} ms by ${slideMs} ms`
  return `${kind}, offset ${offsetMs}`
}

function programText(program: Program): string {
  const { keeps, timers, emitsAtOnce, keepsMax, side, sideAheadMs, delayMs, aheadMs } = program
  const sideText = side === undefined ? [] : [`side output where ${testText(side)}`]
  if (timers === 'clock') return [`hands figures on ${delayMs} ms later by the clock`, ...sideText].join(', ')
  const words = [`keeps a ${keeps} up to ${keepsMax}`]
  if (program.hasCodecs === true) words.push('by codecs of its own')
  if (timers !== 'none')
    words.push(`timers of ${timers} after ${delayMs} ms${aheadMs > 0 ? `, results ${aheadMs} ms ahead` : ''}`)
  if (emitsAtOnce)
    words.push(program.tellsWatermark === true ? 'emits at once with the watermark' : 'emits at once')
  words.push(...sideText)
  if (sideAheadMs !== undefined) words.push(`${sideAheadMs} ms ahead`)
  return words.join(', ')
}

function streamsText(part: Part): string {
  return inputsOf(part).map(refText).join(' and ')
}

function refText({ node, output }: StreamRef): string {
  return output === 'main' ? node : `${node}.${output}`
}

function changeText(change: Change): string {
  return change.kind === 'rekey' ? `key = figure mod ${change.mod}` : `times ${change.by} plus ${change.plus}`
}

function poisonText(poison: Test): string {
  return `poisoned by figures ${testText(poison)}`
}

function testText({ mod, below }: Test): string {
  return `mod ${mod} < ${below}`
}

function byText(by: Grouping | undefined): string {
  if (by === undefined) return ''
  return ` by ${by.kind === 'figure' || by.kind === 'mixed' ? `${by.kind} mod ${by.mod}` : by.kind}`
}
