/**
 * More parts that are added once everything else is drawn, each kind by dice of its own, so that the rest of a topology is what
 * it was without them: records that are held back or thinned out, state that expires, broadcast state, other joins and windows.
 */
import type { Dice } from './dice.ts'
import { groupingOf, inputsOfLast } from './last-parts.ts'
import type { OpenStream } from './part-drawing.ts'
import type { Expiry, Meeting, Pacing, Spans } from './last-shapes.ts'
import type { Part, SourceSpec } from './topology.ts'

const common = { policy: undefined, poison: undefined } as const
const clocks = ['event', 'processing'] as const
const dayMs = 86_400_000

/** Draws one part in so many topologies. */
const rarely = 4

/** Draws a part that holds records back or thins them out, or none. */
export function drawPacing(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(rarely)) return []
  const from = dice.oneOf(inputs).ref
  return [{ ...common, kind: 'pacing', name: 'pacing', from, by: groupingOf(dice), how: pacingOf(dice) }]
}

/** Draws a part whose state expires, or none. */
export function drawExpiry(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(rarely)) return []
  const how: Expiry = {
    afterMs: dice.oneOf([100, 400, 1_500]),
    refresh: dice.oneOf(['create', 'write', 'read']),
    of: dice.oneOf(['value', 'value', 'scan']),
  }
  return [
    { ...common, kind: 'expiry', name: 'expiry', from: dice.oneOf(inputs).ref, by: groupingOf(dice), how },
  ]
}

/** Draws a part with broadcast state, or none. */
export function drawBroadcast(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(rarely)) return []
  const [from, other] = [dice.oneOf(inputs).ref, dice.oneOf(inputs).ref]
  const everyMs = dice.oneOf([200, 1_000])
  return [{ ...common, kind: 'broadcast', name: 'broadcast', from, other, by: groupingOf(dice), everyMs }]
}

/** Draws one more join, or none. */
export function drawLaterMeeting(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(rarely)) return []
  const [from, other] = [dice.oneOf(inputs).ref, dice.oneOf(inputs).ref]
  const name = 'later meeting'
  return [{ ...common, kind: 'meeting', name, from, other, by: groupingOf(dice), how: laterMeetingOf(dice) }]
}

/** Draws a part that asks an outside system for rows, or none. */
export function drawLookup(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(rarely)) return []
  const from = dice.oneOf(inputs).ref
  const [batch, kept] = [dice.oneOf([1, 3, 100]), dice.oneOf([0, 2, 50])]
  return [{ ...common, kind: 'lookup', name: 'lookup', from, rows: dice.oneOf([2, 9, 50]), batch, kept }]
}

/** Draws windows of other kinds, or aggregates without a window, or none. */
export function drawSpans(
  dice: Dice,
  open: readonly OpenStream[],
  sources: readonly SourceSpec[],
): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(rarely)) return []
  const from = dice.oneOf(inputs).ref
  const by = groupingOf(dice)
  if (dice.onceIn(6))
    return [{ ...common, kind: 'table', name: 'running', from, other: from, by, how: { kind: 'running' } }]
  return [{ ...common, kind: 'spans', name: 'spans', from, by, how: spansOf(dice, sources) }]
}

function pacingOf(dice: Dice): Pacing {
  const shortMs = dice.oneOf([2, 10, 40])
  const clock = dice.oneOf(clocks)
  // Event times are further apart than moments of the clock.
  const ms = clock === 'event' ? shortMs * 20 : shortMs
  const kind = dice.oneOf(['batch', 'timedBatch', 'throttle', 'delay', 'debounce', 'sample'] as const)
  switch (kind) {
    case 'batch':
      return { kind, size: dice.between(1, 7) }
    case 'timedBatch':
      return { kind, size: dice.between(2, 9), timeMs: ms, clock }
    case 'throttle':
      return { kind, records: dice.between(1, 4), perMs: shortMs, drops: dice.onceIn(2) }
    case 'delay':
      return { kind, byMs: ms, clock }
    case 'debounce':
      return { kind, quietMs: ms, clock }
    case 'sample':
      return { kind, every: dice.between(1, 5) }
  }
}

function laterMeetingOf(dice: Dice): Meeting {
  if (dice.onceIn(2)) {
    const validForMs = dice.oneOf([undefined, 100, 600])
    return { kind: 'asOf', validForMs, join: dice.oneOf(['inner', 'left']) }
  }
  return { kind: 'group', sizeMs: dice.oneOf([100, 400]), use: dice.oneOf(['cogroup', 'semi', 'anti']) }
}

function spansOf(dice: Dice, sources: readonly SourceSpec[]): Spans {
  const kind = dice.oneOf([
    'trailing',
    'calendar',
    'whole',
    'count',
    'global',
    'evicting',
    'byClock',
  ] as const)
  switch (kind) {
    case 'trailing':
      return { kind, sizeMs: dice.oneOf([50, 300, 1_000]) }
    case 'calendar':
      return calendarOf(dice, sources)
    case 'whole':
      return { kind, sizeMs: dice.oneOf([50, 300, 1_000]) }
    case 'count':
      return { kind, size: dice.between(1, 7), slide: dice.oneOf([undefined, dice.between(1, 5)]) }
    case 'evicting': {
      const evicts = {
        kind: dice.oneOf(['count', 'where'] as const),
        keeps: dice.between(1, 5),
        when: dice.oneOf(['before', 'after'] as const),
      }
      return { kind, every: dice.between(1, 5), evicts }
    }
    case 'global':
      return { kind, every: dice.between(1, 7), panes: dice.oneOf(['accumulating', 'discarding']) }
    case 'byClock':
      return { kind, sizeMs: dice.oneOf([1, 5, 20]) }
  }
}

/** Days of a zone, one of which begins with some reading. Clocks in these zones are not changed then. */
function calendarOf(dice: Dice, sources: readonly SourceSpec[]): Spans {
  const [zone, hours] = dice.oneOf([
    ['UTC', 0],
    ['Europe/Berlin', 1],
    ['Asia/Kolkata', 5.5],
    ['-03:00', -3],
  ] as const)
  const zoneMs = hours * 3_600_000
  const { readings } = dice.oneOf(dice.oneOf(sources).splits)
  const at = readings.length === 0 ? 0 : dice.oneOf(readings).at
  const offsetMs = (((at + zoneMs) % dayMs) + dayMs) % dayMs
  return { kind: 'calendar', zone, zoneMs, offsetMs }
}
