/**
 * Parts that are added after those of `further-parts.ts`, in the same way: patterns of all kinds of stages, state that begins
 * with rows, lists of timers, sketches, sessions as a table.
 */
import type { AfterMatch, Part as PatternPart, Times } from '../../packages/flow/test/pattern-reference.ts'
import { stageNames } from '../../packages/flow/test/pattern-reference.ts'
import type { Dice } from './dice.ts'
import { groupingOf, inputsOfLast } from './last-parts.ts'
import type { Kept, Summary } from './last-shapes.ts'
import type { OpenStream } from './part-drawing.ts'
import type { Grouping } from './item.ts'
import { hasOneSplit, type Part, type SourceSpec } from './topology.ts'

const common = { policy: undefined, poison: undefined } as const

/** Each event of a longer stream could begin many matches, and a short one has hardly any. */
const longestMatched = 200

/**
 * Draws patterns of all kinds of stages, or none: more often behind one split, because the oracle knows what is late. Some
 * events of a key are in the time of a match, and not so many that there are too many matches.
 */
export function drawStages(
  dice: Dice,
  open: readonly OpenStream[],
  sources: readonly SourceSpec[],
): readonly Part[] {
  const isAlone = hasOneSplit({ sources })
  const inputs = inputsOfLast(open).filter(({ records }) => records > 20 && records <= longestMatched)
  if (inputs.length === 0 || !dice.onceIn(isAlone ? 1 : 2)) return []
  // The oracle knows most of sources, whose figures differ.
  const first = inputs.filter(({ ref }) => ref.node.startsWith('source'))
  return Array.from({ length: dice.between(2, 4) }, (_, index) => {
    const from = dice.oneOf(first.length === 0 || dice.onceIn(3) ? inputs : first).ref
    const by = groupingOf(dice)
    const parts = new PatternDrawing(dice).parts()
    const source = sources.find(({ name }) => name === from.node) ?? sources[0]!
    const withinMs = Math.round(gapOf(source, by) * dice.oneOf([1, 4, 7]))
    const how = { parts, withinMs, afterMatch: afterMatchOf(dice, stageNames(parts)) }
    return { ...common, kind: 'stages', name: `stages${index + 1}`, from, by, how }
  })
}

/** How many milliseconds there are between two events of a key. */
function gapOf({ splits }: SourceSpec, by: Grouping): number {
  const readings = splits.flatMap((split) => split.readings)
  const times = readings.map(({ at }) => at)
  const keys = 'mod' in by ? by.mod : by.kind === 'key' ? new Set(readings.map(({ key }) => key)).size : 1
  return ((Math.max(...times) - Math.min(...times)) / readings.length) * keys
}

/** Draws a part that keeps state that begins with rows, or lists its timers; or none. */
export function drawLaterStates(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(4)) return []
  const from = dice.oneOf(inputs).ref
  const by = groupingOf(dice)
  const how: Kept = dice.onceIn(3)
    ? { kind: 'timers', usesClock: dice.onceIn(2) }
    : {
        kind: 'seeded',
        of: dice.oneOf(['process', 'reduce', 'scan']),
        rows: dice.between(1, 12),
        from: dice.oneOf(['array', 'generator', 'async', 'source']),
      }
  return [{ ...common, kind: 'states', name: 'later states', from, by, how }]
}

/** Draws a view of a table, or none. */
export function drawView(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(4)) return []
  const from = dice.oneOf(inputs).ref
  const how = { kind: 'view' } as const
  return [{ ...common, kind: 'table', name: 'rows', from, other: from, by: groupingOf(dice), how }]
}

/** Shows the watermark at each record of a source with a generator of its own. */
export function drawWatermarks(sources: readonly SourceSpec[]): readonly Part[] {
  return sources
    .filter(({ watermark }) => watermark !== undefined)
    .map(({ name }) => ({
      ...common,
      kind: 'states',
      name: `watermarks of ${name}`,
      from: { node: name, output: 'main' },
      by: { kind: 'key' },
      how: { kind: 'watermark' },
    }))
}

/** Draws approximate aggregates, sessions as a table, the first records of each key, or none. */
export function drawLaterSummary(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(2)) return []
  const from = dice.oneOf(inputs).ref
  const how = laterSummaryOf(dice)
  return [{ ...common, kind: 'summary', name: 'later summary', from, by: groupingOf(dice), how }]
}

function laterSummaryOf(dice: Dice): Summary {
  const kind = dice.oneOf(['topRecords', 'sessionRows', 'sketches', 'sketches'] as const)
  switch (kind) {
    case 'topRecords':
      return { kind, n: dice.between(1, 4), offset: dice.oneOf([0, 0, 2]) }
    case 'sessionRows':
      return { kind, gapMs: dice.oneOf([50, 300, 1_000]), early: dice.oneOf([undefined, 1, 3]) }
    case 'sketches': {
      const windows = dice.onceIn(2)
        ? { gapMs: dice.oneOf([50, 300, 1_000]) }
        : { slideMs: dice.oneOf([150, 600, 4_000]), overlap: dice.between(1, 4) }
      return { kind, windows, counters: dice.oneOf([2, 100]), error: dice.oneOf([0.01, 0.2]) }
    }
  }
}

/** Draws windows of several lengths, or none. */
export function drawLaterSpans(dice: Dice, open: readonly OpenStream[]): readonly Part[] {
  const inputs = inputsOfLast(open)
  if (inputs.length === 0 || !dice.onceIn(6)) return []
  const lengthsMs = Array.from({ length: dice.between(1, 4) }, () => dice.oneOf([1, 90, 400, 1_500]))
  const how = { kind: 'custom', lengthsMs, offsetMs: dice.oneOf([0, 70, -130]) } as const
  const from = dice.oneOf(inputs).ref
  return [{ ...common, kind: 'spans', name: 'later spans', from, by: groupingOf(dice), how }]
}

function afterMatchOf(dice: Dice, names: readonly string[]): AfterMatch {
  switch (dice.oneOf(['noSkip', 'noSkip', 'toNext', 'pastLast', 'toFirst', 'toLast'])) {
    case 'toNext':
      return 'toNext'
    case 'pastLast':
      return 'pastLast'
    case 'toFirst':
      return { toFirst: dice.oneOf(names) }
    case 'toLast':
      return { toLast: dice.oneOf(names) }
    default:
      return 'noSkip'
  }
}

/** Draws the parts of one pattern. */
class PatternDrawing {
  readonly #dice: Dice
  #stages = 0
  /** Whether a part takes any of the events: with two of them there would be too many matches. */
  #takesAny = false

  constructor(dice: Dice) {
    this.#dice = dice
  }

  parts(): readonly PatternPart[] {
    const dice = this.#dice
    const parts = [dice.onceIn(6) ? this.#group() : this.#stage({})]
    for (let more = dice.between(1, 3); more > 0; more--) parts.push(this.#part())
    return parts
  }

  #part(): PatternPart {
    const dice = this.#dice
    if (dice.onceIn(3)) return { kind: 'not', letter: dice.oneOf(['b', 'c']), isNext: dice.onceIn(2) }
    return dice.onceIn(6) ? this.#group() : this.#stage({})
  }

  /** The first stage of a group is not optional, and none of its stages is greedy: the oracle tells positions by stages. */
  #group(): PatternPart {
    const dice = this.#dice
    const parts = [this.#stage({ isPlain: true, isOptional: false })]
    if (dice.onceIn(2)) parts.push(this.#stage({ isPlain: true }))
    const how = this.#how()
    const loop = dice.onceIn(2)
      ? { min: 1, max: 2, inner: dice.oneOf(['strict', 'relaxed'] as const) }
      : undefined
    return { kind: 'group', parts, how, times: { loop, isOptional: dice.onceIn(4) } }
  }

  #stage({ isPlain = false, isOptional = this.#dice.onceIn(4) }: StageNeeds): PatternPart {
    const dice = this.#dice
    const how = this.#how()
    const isGreedy = !isPlain && dice.onceIn(3)
    const loop = dice.onceIn(2) ? this.#loop(isGreedy) : undefined
    return {
      kind: 'stage',
      name: `s${this.#stages++}`,
      letters: dice.oneOf(['a', 'ab', 'bc', 'abd', 'bcd', 'abcd']),
      isRising: dice.onceIn(5),
      until: loop !== undefined && dice.onceIn(2) ? dice.oneOf(['b', 'c', 'd']) : undefined,
      isGreedy: loop !== undefined && isGreedy,
      how,
      times: { loop, isOptional },
    }
  }

  /** A loop without end takes any number of events; if it is greedy, as many as there are. */
  #loop(isGreedy: boolean): NonNullable<Times['loop']> {
    const dice = this.#dice
    const min = dice.between(1, 2)
    const inner = dice.oneOf(['strict', 'relaxed', 'any'] as const)
    const isEndless = dice.onceIn(3)
    if (inner !== 'any' && isEndless && (isGreedy || this.#mayTakeAny()))
      return { min, max: Number.POSITIVE_INFINITY, inner }
    const isAny = inner === 'any' && this.#mayTakeAny()
    return {
      min,
      max: Math.min(2, min + dice.between(0, 1)),
      inner: inner === 'any' && !isAny ? 'relaxed' : inner,
    }
  }

  #how(): 'strict' | 'relaxed' | 'any' {
    const how = this.#dice.oneOf(['strict', 'relaxed', 'relaxed', 'any'] as const)
    return how === 'any' && !this.#mayTakeAny() ? 'relaxed' : how
  }

  #mayTakeAny(): boolean {
    if (this.#takesAny) return false
    this.#takesAny = true
    return true
  }
}

interface StageNeeds {
  readonly isPlain?: boolean
  readonly isOptional?: boolean
}
