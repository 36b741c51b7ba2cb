import type { Dice } from './dice.ts'
import type { Change, Grouping, Test } from './item.ts'
import {
  partKinds,
  type AggregateSpec,
  type Part,
  type Policy,
  type Program,
  type StreamRef,
  type WindowShape,
} from './topology.ts'

/** The most error-prone kinds are drawn twice as often. */
const likely: ReadonlySet<Part['kind']> = new Set(['mapAsync', 'process', 'window'])
const everyKind = partKinds.flatMap((kind) => (likely.has(kind) ? [kind, kind] : [kind]))

/** The streams drawn so far, which a part can read. */
export interface OpenStream {
  readonly ref: StreamRef
  readonly isTimed: boolean
  /** Its approximate number of records. */
  readonly records: number
}

/** Longer streams are not made longer. */
export const longStream = 400

/** Draws a part that reads `input`; `peers` are other streams that could be merged with it. */
export function drawPart(
  dice: Dice,
  number: number,
  input: OpenStream,
  peers: readonly OpenStream[],
  policy: Policy,
): Part {
  const isLong = input.records > longStream
  const kind = dice.oneOf(
    everyKind.filter(
      (each) =>
        !(each === 'window' && !input.isTimed) &&
        !(each === 'flatMap' && isLong) &&
        !(each === 'union' && (isLong || peers.length === 0)),
    ),
  )
  const own = dice.onceIn(3) ? dice.oneOf(['skip', 'deadLetter'] as const) : undefined
  const isMild = (own ?? policy) !== 'fail'
  const poison = isMild && !dice.onceIn(3) ? { mod: dice.oneOf([7, 11, 19]), below: 1 } : undefined
  const common = { from: input.ref, policy: own, poison }
  const name = (what: string): string => `${what}${number}`
  switch (kind) {
    case 'map':
      return { ...common, kind, name: name('map'), change: changeOf(dice) }
    case 'filter':
      return { ...common, kind, name: name('filter'), test: testOf(dice) }
    case 'flatMap':
      return { ...common, kind, name: name('flatMap'), times: dice.between(1, 3) }
    case 'tap':
      return { ...common, kind, name: name('tap') }
    case 'union': {
      const others = [dice.oneOf(peers).ref]
      return { from: input.ref, policy: undefined, poison: undefined, kind, name: name('union'), others }
    }
    case 'split': {
      const branches = Array.from({ length: dice.between(1, 3) }, () => testOf(dice))
      return { ...common, kind, name: name('split'), branches }
    }
    case 'mapAsync': {
      const order = dice.oneOf(['input', 'none', 'key'])
      const by = order === 'key' || dice.onceIn(3) ? groupingOf(dice) : undefined
      const concurrency = dice.oneOf([1, 4, 16])
      // Only a call without poison may fail the job, and then be repeated.
      const strict = own ?? (poison === undefined ? 'fail' : undefined)
      return {
        ...common,
        policy: strict,
        kind,
        name: name('mapAsync'),
        change: changeOf(dice),
        order,
        by,
        concurrency,
      }
    }
    default:
      return keyedPart(dice, kind, common, name, input.isTimed)
  }
}

/** Draws a part with a key. */
function keyedPart(
  dice: Dice,
  kind: 'reduce' | 'scan' | 'process' | 'window',
  common: Pick<Part, 'from' | 'policy' | 'poison'>,
  name: (what: string) => string,
  isTimed: boolean,
): Part {
  if (kind === 'process') {
    const by = groupingOf(dice)
    return { ...common, kind, name: name(kind), by, program: programOf(dice, isTimed) }
  }
  if (kind !== 'window') {
    const how = dice.oneOf(['sum', 'greatest', 'mix'])
    return { ...common, kind, name: name(kind), by: groupingOf(dice), how }
  }
  const shape = shapeOf(dice)
  const latenessMs = dice.oneOf([0, 0, 300, 1_000])
  return {
    ...common,
    kind,
    name: name(shape.slideMs === undefined ? 'tumbling' : 'sliding'),
    by: groupingOf(dice),
    shape,
    aggregates: aggregatesOf(dice),
    latenessMs,
  }
}

/** The approximate output of a part for this many input records. */
export function recordsAfter(part: Part, records: number): number {
  if (part.kind === 'flatMap') return (records * part.times) / 2
  if (part.kind === 'union') return records * (1 + part.others.length)
  if (part.kind === 'filter') return records * 0.6
  if (part.kind !== 'window' || part.shape.slideMs === undefined) return records
  return (records * part.shape.sizeMs) / part.shape.slideMs
}

/** Draws a change. */
function changeOf(dice: Dice): Change {
  return dice.onceIn(4)
    ? { kind: 'rekey', mod: dice.between(2, 5) }
    : { kind: 'scale', by: dice.between(1, 9), plus: dice.between(0, 9) }
}

/** Draws a test that some items pass. */
export function testOf(dice: Dice): Test {
  const mod = dice.between(2, 5)
  return { mod, below: dice.between(1, mod - 1) }
}

function groupingOf(dice: Dice): Grouping {
  const kind = dice.oneOf(['key', 'key', 'key', 'all', 'figure'])
  return kind === 'figure' ? { kind, mod: dice.between(2, 6) } : { kind }
}

function programOf(dice: Dice, isTimed: boolean): Program {
  const timers = isTimed ? dice.oneOf(['none', 'silence', 'rounds']) : 'none'
  return {
    keeps: dice.oneOf(['value', 'list', 'map']),
    timers,
    emitsAtOnce: timers === 'none' || dice.onceIn(2),
    keepsMax: dice.between(3, 6),
    side: dice.onceIn(3) ? testOf(dice) : undefined,
    delayMs: dice.oneOf([2_500, 4_000]),
    aheadMs: dice.oneOf([0, 0, 700]),
  }
}

function shapeOf(dice: Dice): WindowShape {
  const slides = !dice.onceIn(2)
  const slideMs = slides ? dice.oneOf([300, 500, 1_000]) : undefined
  const sizeMs =
    slideMs === undefined ? dice.oneOf([500, 1_000, 3_000]) : slideMs + dice.oneOf([0, 100, 500, 2_000])
  return { sizeMs, slideMs, offsetMs: dice.oneOf([0, 0, 120, -70]) }
}

function aggregatesOf(dice: Dice): readonly AggregateSpec[] {
  const kinds = ['count', 'sum', 'sumBigint', 'min', 'max', 'mean', 'collect'] as const
  return Array.from({ length: dice.between(1, 3) }, (_, index) => {
    const kind = dice.oneOf(kinds)
    // Other aggregates would have no result for a window without counted items.
    const only = kind === 'count' && dice.onceIn(2) ? testOf(dice) : undefined
    return { field: index === 0 ? 'value' : `more${index}`, kind, only }
  })
}
