/** Parts that are added after those of `later-parts.ts`, in the same way, and more rarely: state of other kinds. */
import type { Dice } from './dice.ts'
import type { Kept } from './last-shapes.ts'
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
