import type { Dice } from './dice.ts'
import type { Reading } from './item.ts'
import { testOf } from './part-drawing.ts'
import type { SourceSpec, SplitSpec } from './topology.ts'

/**
 * How far beyond the out-of-orderness a late record is behind the newest one, at most. Timers are set further
 * ahead.
 */
const lateMaxMs = 1_400

/** The records of one split: how many, when, and how far out of order. */
interface Course {
  readonly records: number
  readonly startMs: number
  readonly stepMs: number
  readonly disorderMs: number
  readonly keys: number
  /** One record in this many is late; 0 for none. */
  readonly lateOnceIn: number
}

/** Draws a source of about this many records; `isTimed` says whether they have event time. */
export function drawSource(dice: Dice, name: string, { records, isTimed, mayFail }: SourceNeeds): SourceSpec {
  const count = dice.oneOf([1, 1, 1, 2, 3])
  const course: Course = {
    records: Math.ceil(records / count),
    startMs: dice.oneOf([0, -4_000, 1_700_000_000_000]),
    stepMs: dice.oneOf([40, 100, 150]),
    disorderMs: dice.oneOf([0, 200, 600]),
    keys: dice.oneOf([1, 3, 5, 9]),
    lateOnceIn: dice.oneOf([0, 0, 6, 20]),
  }
  const spoiledOnceIn = mayFail && dice.onceIn(3) ? 25 : 0
  return {
    name,
    durability: dice.onceIn(5) ? 'volatile' : 'replayable',
    splits: Array.from({ length: count }, (_, index) =>
      drawSplit(dice, `split${index}`, { ...course, firstId: index * 1_000, spoiledOnceIn }),
    ),
    disorderMs: isTimed ? course.disorderMs : undefined,
    step: drawStep(dice),
  }
}

/** The requirements for a source. */
export interface SourceNeeds {
  readonly records: number
  readonly isTimed: boolean
  /** Whether undecodable bytes do not stop the job. */
  readonly mayFail: boolean
}

function drawStep(dice: Dice): SourceSpec['step'] {
  const kind = dice.oneOf(['none', 'none', 'map', 'filter'])
  if (kind === 'map')
    return { kind, change: { kind: 'scale', by: dice.between(1, 9), plus: dice.between(0, 9) } }
  return kind === 'filter' ? { kind, test: testOf(dice) } : undefined
}

function drawSplit(
  dice: Dice,
  name: string,
  course: Course & { readonly firstId: number; readonly spoiledOnceIn: number },
): SplitSpec {
  const { records, startMs, stepMs, disorderMs, keys, lateOnceIn, firstId, spoiledOnceIn } = course
  const readings: Reading[] = []
  const spoiled: number[] = []
  for (let index = 0; index < records; index++) {
    const isLate = lateOnceIn > 0 && dice.onceIn(lateOnceIn)
    const behindMs = dice.between(0, disorderMs) + (isLate ? dice.between(0, lateMaxMs) : 0)
    if (spoiledOnceIn > 0 && dice.onceIn(spoiledOnceIn)) spoiled.push(index)
    readings.push({
      id: firstId + index,
      at: startMs + index * stepMs - behindMs,
      key: `k${dice.between(1, keys)}`,
      value: dice.between(0, 99),
    })
  }
  return { name, readings, spoiled }
}
