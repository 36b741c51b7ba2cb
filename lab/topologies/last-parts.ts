/**
 * Parts that are added once everything else is drawn, by dice of their own: two streams that meet, sessions, tables, patterns, and
 * windows with a trigger. They end in sinks of their own, so that the rest of a topology is what it was without them.
 */
import type { Dice } from './dice.ts'
import type { Grouping } from './item.ts'
import { testOf, type OpenStream } from './part-drawing.ts'
import type { Meeting, PatternShape, TableUse } from './last-shapes.ts'
import type { Part } from './topology.ts'

/** Pairs of longer streams would be too many. */
const longestStream = 200

/** The streams that such parts can read. */
export function inputsOfLast(open: readonly OpenStream[]): readonly OpenStream[] {
  return open.filter(({ isTimed, records }) => isTimed && records <= longestStream)
}

/** Draws none, or some of them. */
export function drawLast(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(3)) return []
  const common = { policy: undefined, poison: undefined }
  const parts: Part[] = []
  if (!dice.onceIn(3)) {
    const [from, other] = [dice.oneOf(inputs).ref, dice.oneOf(inputs).ref]
    const how = meetingOf(dice)
    parts.push({ ...common, kind: 'meeting', name: 'meeting', from, other, by: groupingOf(dice), how })
  }
  if (parts.length === 0 || dice.onceIn(2)) {
    const from = dice.oneOf(inputs).ref
    const gapMs = dice.oneOf([50, 300, 1_000])
    parts.push({ ...common, kind: 'session', name: 'sessions', from, by: groupingOf(dice), gapMs })
  }
  if (dice.onceIn(2)) {
    const from = dice.oneOf(inputs).ref
    const windows = dice.oneOf(['tumbling', 'cumulative', 'paused'] as const)
    const [stepMs, early] = [dice.oneOf([50, 300, 1_000]), dice.between(1, 4)]
    parts.push({
      ...common,
      kind: 'panes',
      name: 'panes',
      from,
      by: groupingOf(dice),
      windows,
      stepMs,
      early,
    })
  }
  return parts
}

/** Draws a table, or none. */
export function drawTable(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(3)) return []
  const [from, second] = [dice.oneOf(inputs).ref, dice.oneOf(inputs).ref]
  const how = tableUseOf(dice)
  const other = how.kind === 'byKey' || how.kind === 'byForeignKey' ? second : from
  const common = { policy: undefined, poison: undefined }
  return [{ ...common, kind: 'table', name: 'table', from, other, by: groupingOf(dice), how }]
}

/** Draws a pattern, or none. */
export function drawPattern(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(3)) return []
  const shape: PatternShape = {
    first: testOf(dice),
    second: testOf(dice),
    not: { mod: dice.oneOf([5, 7]), below: 1 },
    withinMs: dice.oneOf([100, 500, 2_000]),
    isApart: dice.onceIn(2),
  }
  const common = { policy: undefined, poison: undefined }
  return [
    {
      ...common,
      kind: 'pattern',
      name: 'pattern',
      from: dice.oneOf(inputs).ref,
      by: groupingOf(dice),
      shape,
    },
  ]
}

function tableUseOf(dice: Dice): TableUse {
  const kind = dice.oneOf([
    'first',
    'topOfStream',
    'topOfTable',
    'aggregate',
    'byKey',
    'byForeignKey',
    'enrich',
  ] as const)
  switch (kind) {
    case 'first':
      return { kind, withinMs: dice.oneOf([20, 300]) }
    case 'topOfStream':
      return { kind, n: dice.between(1, 4) }
    case 'topOfTable':
      return { kind, n: dice.between(1, 3), offset: dice.between(0, 1) }
    case 'aggregate':
      return { kind }
    case 'byKey':
      return { kind, required: dice.oneOf([[], ['left'], ['left', 'right']] as const) }
    case 'byForeignKey':
    case 'enrich':
      return { kind, join: dice.oneOf(['inner', 'left'] as const) }
  }
}

function meetingOf(dice: Dice): Meeting {
  const join = dice.oneOf(['inner', 'left', 'right', 'full'] as const)
  switch (dice.oneOf(['rounds', 'window', 'between'] as const)) {
    case 'rounds':
      return { kind: 'rounds', everyMs: dice.oneOf([200, 1_000]) }
    case 'window':
      return { kind: 'window', sizeMs: dice.oneOf([100, 400]), join }
    case 'between': {
      const lowerMs = dice.oneOf([-300, -50, 0, 100])
      return { kind: 'between', lowerMs, upperMs: lowerMs + dice.oneOf([50, 200, 600]), join }
    }
  }
}

/** Draws a key. */
export function groupingOf(dice: Dice): Grouping {
  const kind = dice.oneOf(['key', 'key', 'figure', 'mixed'] as const)
  return kind === 'key' ? { kind } : { kind, mod: dice.between(3, 6) }
}
