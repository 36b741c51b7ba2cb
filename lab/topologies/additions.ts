/**
 * Additions to drawn sources and parts, with separate randomness, so that a seed that once found a failure
 * still draws about the same topology.
 */
import type { Dice } from './dice.ts'
import type { Grouping } from './item.ts'
import { longStream, testOf, type OpenStream } from './part-drawing.ts'
import type { AggregateSpec, Part, PartOf, Policy, Program, SourceSpec } from './topology.ts'

/** The surroundings of a part. */
export interface Surroundings {
  readonly input: OpenStream
  /** Other streams that could be merged with it. */
  readonly peers: readonly OpenStream[]
  /** The policy of the pipeline. */
  readonly policy: Policy
  /** Whether there is only one split. */
  readonly isAlone: boolean
}

/** Adds to a source. */
export function sourceWithMore(dice: Dice, source: SourceSpec, policy: Policy): SourceSpec {
  const added: { -readonly [Field in keyof SourceSpec]?: SourceSpec[Field] } = {}
  if (source.step === undefined && dice.onceIn(3))
    added.step = dice.oneOf([{ kind: 'tap' }, { kind: 'flatMap', times: 2 }])
  if (policy !== 'fail' && dice.onceIn(2)) added.stepPoison = poisonOf(dice)
  if (source.splits.some(({ spoiled }) => spoiled.length > 0) && dice.onceIn(2)) added.policy = mildOf(dice)
  if (source.disorderMs === undefined) return { ...source, ...added }
  if (!dice.onceIn(5)) added.idleAfterMs = dice.oneOf([2, 6, 20])
  const own = dice.onceIn(2) ? mildOf(dice) : undefined
  if ((own ?? policy) !== 'fail' && dice.onceIn(2)) {
    added.untimely = poisonOf(dice)
    if (own !== undefined) added.untimelyPolicy = own
  }
  return { ...source, ...added }
}

/** Gives a source with event time another generator of watermarks, or none. */
export function sourceWithWatermark(dice: Dice, source: SourceSpec): SourceSpec {
  if (source.disorderMs === undefined || !dice.onceIn(4)) return source
  const kind = dice.oneOf(['adaptive', 'punctuated', 'behind'] as const)
  switch (kind) {
    case 'adaptive':
      return { ...source, watermark: { kind, share: dice.oneOf([0.5, 0.9, 1]) } }
    case 'punctuated':
      return { ...source, watermark: { kind, marks: testOf(dice) } }
    case 'behind':
      return { ...source, watermark: { kind, records: dice.oneOf([1, 6, 30]) } }
  }
}

/** Distributes the same records over many more splits. */
export function sourceWithManySplits(dice: Dice, source: SourceSpec): SourceSpec {
  const perSplit = dice.between(1, 4)
  return {
    ...source,
    splits: source.splits.flatMap(({ name, readings, spoiled }) =>
      Array.from({ length: Math.ceil(readings.length / perSplit) }, (_, part) => {
        const first = part * perSplit
        return {
          name: `${name} part${String(part).padStart(3, '0')}`,
          readings: readings.slice(first, first + perSplit),
          spoiled: spoiled.filter((at) => at >= first && at < first + perSplit).map((at) => at - first),
        }
      }),
    ),
  }
}

/** Adds to a part. */
export function partWithMore(dice: Dice, part: Part, around: Surroundings): Part {
  const isMild = (part.policy ?? around.policy) !== 'fail'
  const poisoned = isMild && 'by' in part && part.by !== undefined && dice.onceIn(3)
  const keyed = poisoned ? { ...part, keyPoison: poisonOf(dice) } : part
  switch (keyed.kind) {
    case 'flatMap':
      return dice.onceIn(4) ? keyed : { ...keyed, isLazy: true }
    case 'union':
      return dice.onceIn(2) ? unionWithMore(dice, keyed, around) : keyed
    case 'mapAsync': {
      const timed = dice.onceIn(2) ? { ...keyed, timeoutMs: dice.oneOf([20, 60, 400]) } : keyed
      return timed.by === undefined ? timed : { ...timed, by: groupingWithMore(dice, timed.by) }
    }
    case 'reduce':
    case 'scan':
      return { ...keyed, by: groupingWithMore(dice, keyed.by) }
    case 'process':
      return {
        ...keyed,
        by: groupingWithMore(dice, keyed.by),
        program: programWithMore(dice, keyed.program, around),
      }
    case 'window':
      return windowWithMore(dice, { ...keyed, by: groupingWithMore(dice, keyed.by) })
    default:
      return keyed
  }
}

function unionWithMore(dice: Dice, part: PartOf<'union'>, { input, peers }: Surroundings): PartOf<'union'> {
  const isIn = ({ ref }: OpenStream): boolean =>
    part.others.some(({ node, output }) => node === ref.node && output === ref.output)
  const left = peers.filter((each) => !isIn(each) && each.records + 2 * input.records <= longStream)
  return left.length === 0 ? part : { ...part, others: [...part.others, dice.oneOf(left).ref] }
}

function programWithMore(dice: Dice, program: Program, { input, isAlone }: Surroundings): Program {
  if (dice.onceIn(4)) return { ...program, timers: 'clock', delayMs: dice.oneOf([1, 5, 15]) }
  const added: { -readonly [Field in keyof Program]?: Program[Field] } = {}
  if (dice.onceIn(2)) added.hasCodecs = true
  if (input.isTimed && program.side !== undefined && !dice.onceIn(4)) added.sideAheadMs = 500
  // With several splits a watermark depends on how they interleave.
  if (input.isTimed && isAlone && program.emitsAtOnce && !dice.onceIn(4)) added.tellsWatermark = true
  return { ...program, ...added }
}

function windowWithMore(dice: Dice, part: PartOf<'window'>): PartOf<'window'> {
  const { shape } = part
  const isOwn = shape.slideMs === undefined && dice.onceIn(3)
  const aggregates = part.aggregates.map((spec, index) => aggregateWithMore(dice, spec, index))
  if (dice.onceIn(3)) {
    // Its name is sorted last, so that poison is found by the others, which have a function.
    aggregates.push({ field: 'whole', kind: dice.oneOf(['countAll', 'collectAll']), only: undefined })
  }
  return { ...part, aggregates, shape: isOwn ? { ...shape, otherMs: dice.oneOf([400, 1_300]) } : shape }
}

function aggregateWithMore(dice: Dice, spec: AggregateSpec, index: number): AggregateSpec {
  if (dice.onceIn(4)) return { ...spec, kind: dice.oneOf(['trail', 'distinct']), only: undefined }
  // A sum without records is a result as well, so the first one may ignore some.
  if (index === 0 && spec.kind === 'sumBigint') return { ...spec, only: { mod: 3, below: 2 } }
  const mayLeaveOut = index > 0 && (spec.kind === 'sum' || spec.kind === 'sumBigint')
  return mayLeaveOut && dice.onceIn(2) ? { ...spec, only: testOf(dice) } : spec
}

function groupingWithMore(dice: Dice, by: Grouping): Grouping {
  return by.kind === 'figure' && dice.onceIn(2) ? { kind: 'mixed', mod: by.mod } : by
}

function poisonOf(dice: Dice): { readonly mod: number; readonly below: number } {
  return { mod: dice.oneOf([5, 8, 13]), below: 1 }
}

function mildOf(dice: Dice): Policy {
  return dice.oneOf(['skip', 'deadLetter'])
}
