/** Parts that are added after those of `later-parts.ts`, in the same way, and more rarely: state of other kinds,
 * headers, calls with limits, tables whose rows expire, windows and tables in other forms. */
import type { Dice } from './dice.ts'
import type { CallLimit, Kept, Living, Summary } from './last-shapes.ts'
import { groupingOf, inputsOfLast } from './last-parts.ts'
import type { OpenStream } from './part-drawing.ts'
import type { Part } from './topology.ts'

const common = { policy: undefined, poison: undefined } as const

/** Draws one part in so many topologies. */
const rarely = 6

/** Draws a part that keeps state of another kind than those of drawn programs, or none. */
export function drawStates(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(rarely)) return []
  const from = dice.oneOf(inputs).ref
  return [{ ...common, kind: 'states', name: 'states', from, by: groupingOf(dice), how: keptOf(dice) }]
}

/** Draws a part whose headers pass through other operators, or none. */
export function drawHeaders(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(rarely)) return []
  const from = dice.oneOf(inputs).ref
  const through = dice.oneOf(['steps', 'calls', 'delay', 'process'] as const)
  return [{ ...common, kind: 'headers', name: 'headers', from, by: groupingOf(dice), how: { through } }]
}

/** Draws a part whose calls are limited, repeated or replaced, or none. */
export function drawCalls(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(rarely)) return []
  const from = dice.oneOf(inputs).ref
  const order = dice.oneOf(['input', 'none', 'key'] as const)
  const concurrency = dice.oneOf([1, 4, 16])
  const limit = limitOf(dice)
  // A limit of a group is below that of all groups, or it would be refused.
  const least = limit.kind === 'bulkhead' ? (limit.concurrency ?? 0) + 1 : 1
  const how = { order, concurrency: Math.max(concurrency, least), limit }
  return [{ ...common, kind: 'calls', name: 'calls', from, by: groupingOf(dice), how }]
}

function limitOf(dice: Dice): CallLimit {
  const kind = dice.oneOf(['bulkhead', 'bulkhead', 'rate', 'hedge', 'retry', 'fallback'] as const)
  switch (kind) {
    case 'bulkhead': {
      const calls = dice.oneOf([undefined, 3, 8])
      const concurrency = calls === undefined ? dice.oneOf([1, 2]) : dice.oneOf([undefined, 1, 3])
      return { kind, groups: dice.between(1, 4), concurrency, calls }
    }
    case 'rate':
      return { kind, calls: dice.between(3, 9) }
    case 'hedge':
      return { kind, afterMs: dice.oneOf([1, 3]) }
    case 'retry':
      return { kind, breaks: dice.onceIn(2) }
    case 'fallback':
      return { kind }
  }
}

/** Draws a table whose rows expire, or none: more often behind one split, because the oracle knows its last watermark. */
export function drawLiving(dice: Dice, open: readonly OpenStream[], isAlone: boolean): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(isAlone ? 3 : 10)) return []
  const [from, second] = [dice.oneOf(inputs).ref, dice.oneOf(inputs).ref]
  const how = livingOf(dice)
  const other = how.kind === 'byKey' || how.kind === 'byForeignKey' ? second : from
  return [{ ...common, kind: 'living', name: 'living', from, other, by: groupingOf(dice), how }]
}

function livingOf(dice: Dice): Living {
  const kind = dice.oneOf(['expireAfter', 'byKey', 'byForeignKey', 'enrich'] as const)
  const ttl = { after: dice.oneOf([150, 700, 3_000]), refresh: dice.oneOf(['create', 'write'] as const) }
  switch (kind) {
    case 'expireAfter':
      return { kind, afterMs: ttl.after }
    case 'byKey':
      return { kind, required: dice.oneOf([[], ['left'], ['left', 'right']] as const), ttl }
    case 'byForeignKey':
      return { kind, join: dice.oneOf(['inner', 'left'] as const), ttl }
    case 'enrich':
      return { kind, join: dice.oneOf(['inner', 'left'] as const), refresh: dice.oneOf(['write', 'read']) }
  }
}

/** Draws windows or a table in another form, or none: more often behind one split, because the oracle knows what is late. */
export function drawSummary(dice: Dice, open: readonly OpenStream[], isAlone: boolean): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(isAlone ? 3 : 10)) return []
  const from = dice.oneOf(inputs).ref
  return [{ ...common, kind: 'summary', name: 'summary', from, by: groupingOf(dice), how: summaryOf(dice) }]
}

function summaryOf(dice: Dice): Summary {
  const kind = dice.oneOf(['final', 'updates', 'filter', 'upserts', 'topRows'] as const)
  if (kind !== 'final' && kind !== 'updates') return { kind }
  const spans = {
    slideMs: dice.oneOf([150, 600, 4_000]),
    overlap: dice.oneOf([1, 2]),
    latenessMs: dice.oneOf([0, 700, 3_000]),
  }
  return kind === 'final' ? { kind, spans } : { kind, spans, early: dice.oneOf([undefined, 1, 3]) }
}

function keptOf(dice: Dice): Kept {
  const kind = dice.oneOf(['orderedMap', 'reducing', 'aggregating', 'versioned', 'lives', 'lives'] as const)
  if (kind === 'versioned') return { kind, backMs: dice.oneOf([0, 150, 900]) }
  if (kind !== 'lives') return { kind }
  return {
    kind,
    of: dice.oneOf(['value', 'list', 'map', 'reducing']),
    afterMs: dice.oneOf([undefined, 300, 1_500]),
    refresh: dice.oneOf(['create', 'write', 'read']),
    ownMs: dice.oneOf([60, 500, 4_000]),
  }
}
