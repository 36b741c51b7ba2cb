import { seededRandom } from '@millrace/world'
import { partWithMore, sourceWithManySplits, sourceWithMore, sourceWithWatermark } from './additions.ts'
import { Dice } from './dice.ts'
import { drawCalls, drawHeaders, drawLiving, drawStates, drawSummary } from './further-parts.ts'
import {
  drawBroadcast,
  drawExpiry,
  drawLaterMeeting,
  drawLookup,
  drawPacing,
  drawSpans,
} from './later-parts.ts'
import {
  drawLaterSpans,
  drawLaterStates,
  drawLaterSummary,
  drawStages,
  drawView,
  drawWatermarks,
} from './latest-parts.ts'
import { drawLast, drawPattern, drawTable } from './last-parts.ts'
import { drawPart, recordsAfter, type OpenStream } from './part-drawing.ts'
import { drawSource } from './source-drawing.ts'
import {
  goesByClock,
  hasOneSplit,
  inputsOf,
  outputsOf,
  type Guarantee,
  type Part,
  type SinkSpec,
  type SourceSpec,
  type StreamRef,
  type Topology,
} from './topology.ts'

const guarantees: readonly Guarantee[] = ['exactly-once', 'exactly-once', 'at-least-once', 'at-most-once']

/** Draws a pipeline: the same one for the same seed. */
export function drawTopology(seed: number): Topology {
  const dice = new Dice(seededRandom(seed).fork('topology'))
  const more = new Dice(seededRandom(seed).fork('additions'))
  const policy = dice.oneOf(['fail', 'skip', 'deadLetter'])
  const splitting = new Dice(seededRandom(seed).fork('many splits'))
  const watermarks = new Dice(seededRandom(seed).fork('watermarks'))
  const sources = drawSources(dice, policy !== 'fail')
    .map((source) => sourceWithMore(more, source, policy))
    .map((source) => (splitting.onceIn(12) ? sourceWithManySplits(splitting, source) : source))
    .map((source) => sourceWithWatermark(watermarks, source))
  const isAlone = hasOneSplit({ sources })
  const open = sources.map(({ name, splits, disorderMs }): OpenStream => ({
    ref: { node: name, output: 'main' },
    isTimed: disorderMs !== undefined,
    records: splits.reduce((sum, { readings }) => sum + readings.length, 0),
  }))
  const parts: Part[] = []
  const read = new Set<string>()
  for (let number = 1, count = dice.between(1, 10); number <= count; number++) {
    // Usually the newest stream is extended, so that graphs grow deep as well as wide.
    const input = dice.onceIn(2) ? open.at(-1)! : dice.oneOf(open)
    const peers = open.filter((each) => each !== input && each.isTimed === input.isTimed)
    const drawn = drawPart(dice, number, input, peers, policy)
    const part = partWithMore(more, drawn, { input, peers, policy, isAlone })
    parts.push(part)
    for (const ref of inputsOf(part)) read.add(textOf(ref))
    const records = recordsAfter(part, input.records)
    // The main output last: it is the likeliest to be extended.
    for (const output of outputsOf(part).toReversed()) {
      open.push({ ref: { node: part.name, output }, isTimed: input.isTimed, records })
    }
  }
  const byClock = new Set(parts.filter(goesByClock).map(({ name }) => name))
  const isWanted = ({ node, output }: StreamRef): boolean => byClock.has(node) && output === 'main'
  const sinks = drawSinks(dice, open, { read, isWanted })
  const letters = dice.oneOf(guarantees)
  const last = [
    ...drawLast(new Dice(seededRandom(seed).fork('last')), open),
    ...drawTable(new Dice(seededRandom(seed).fork('tables')), open),
    ...drawPattern(new Dice(seededRandom(seed).fork('patterns')), open),
    ...drawPacing(new Dice(seededRandom(seed).fork('pacing')), open),
    ...drawExpiry(new Dice(seededRandom(seed).fork('expiry')), open),
    ...drawBroadcast(new Dice(seededRandom(seed).fork('broadcast')), open),
    ...drawLaterMeeting(new Dice(seededRandom(seed).fork('later meetings')), open),
    ...drawSpans(new Dice(seededRandom(seed).fork('spans')), open, sources),
    ...drawLookup(new Dice(seededRandom(seed).fork('lookup')), open),
    ...drawStates(new Dice(seededRandom(seed).fork('states')), open),
    ...drawHeaders(new Dice(seededRandom(seed).fork('headers')), open),
    ...drawCalls(new Dice(seededRandom(seed).fork('calls')), open),
    ...drawLiving(new Dice(seededRandom(seed).fork('living')), open, isAlone),
    ...drawSummary(new Dice(seededRandom(seed).fork('summary')), open, isAlone),
    ...drawLaterStates(new Dice(seededRandom(seed).fork('later states')), open),
    ...drawLaterSummary(new Dice(seededRandom(seed).fork('later summary')), open),
    ...drawLaterSpans(new Dice(seededRandom(seed).fork('later spans')), open),
    ...drawStages(new Dice(seededRandom(seed).fork('stages')), open, sources),
    ...drawWatermarks(sources),
    ...drawView(new Dice(seededRandom(seed).fork('view')), open),
  ]
  return {
    seed,
    sources,
    parts: [...parts, ...last],
    sinks: [...sinks, ...last.map(sinkOfLast)],
    policy,
    letters,
  }
}

function sinkOfLast({ name }: Part): SinkSpec {
  return { name: `to ${name}`, from: { node: name, output: 'main' }, guarantee: 'exactly-once' }
}

function drawSources(dice: Dice, mayFail: boolean): readonly SourceSpec[] {
  const count = dice.oneOf([1, 1, 2, 3])
  const records = Math.ceil(dice.between(60, 240) / count)
  return Array.from({ length: count }, (_, index) =>
    drawSource(dice, `source${index + 1}`, { records, isTimed: !dice.onceIn(6), mayFail }),
  )
}

/** Streams without a reader end in a sink, except some side outputs; some streams with readers do as well. */
function drawSinks(
  dice: Dice,
  open: readonly OpenStream[],
  { read, isWanted }: { readonly read: ReadonlySet<string>; readonly isWanted: (ref: StreamRef) => boolean },
): readonly SinkSpec[] {
  const sinks: SinkSpec[] = []
  for (const { ref } of open) {
    const isRead = read.has(textOf(ref))
    const isLeftOut = isRead ? !dice.onceIn(3) : ref.output !== 'main' && dice.onceIn(4)
    // Streams that depend on the clock are compared with the oracle at their own sink or not at all.
    if (isLeftOut && !isWanted(ref)) continue
    const name = `to ${ref.node}${ref.output === 'main' ? '' : ` ${ref.output}`}`
    sinks.push({ name, from: ref, guarantee: dice.oneOf(guarantees) })
  }
  return sinks
}

function textOf({ node, output }: StreamRef): string {
  return `${node} ${output}`
}
