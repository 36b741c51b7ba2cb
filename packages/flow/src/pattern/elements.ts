/** A pattern as data, as the builder makes it. `automaton.ts` compiles it. */

/** The earlier events of a partial match, by stage. Valid only during the call that it is passed to. */
export type Earlier = Readonly<Record<string, unknown>>

/** Whether an event belongs to a stage. */
export type Condition = (event: unknown, earlier: Earlier) => boolean

/**
 * Which events may lie between an event and the next one of a match.
 *
 * `strict`: none. `relaxed`: those that do not meet the condition of the next one. `any`: all.
 */
export type Contiguity = 'strict' | 'relaxed' | 'any'

/** How often a stage or a group occurs in a match. */
export interface Quantifier {
  /** At least 1. */
  readonly min: number
  /** May be infinite. */
  readonly max: number
  /** Whether the stage or group may be missing. */
  readonly isOptional: boolean
  /** Whether the match has all of its events, as an array. */
  readonly isLoop: boolean
  /** The contiguity of its repetitions. */
  readonly inner: Contiguity
  readonly isGreedy: boolean
}

/** Occurs once. */
export const once: Quantifier = {
  min: 1,
  max: 1,
  isOptional: false,
  isLoop: false,
  inner: 'relaxed',
  isGreedy: false,
}

/** A stage: events under one name. */
export interface StageElement {
  readonly kind: 'stage'
  readonly name: string
  readonly condition: Condition
  /** An event that ends the loop. */
  readonly until: Condition | undefined
  readonly contiguity: Contiguity
  readonly quantifier: Quantifier
}

/** A pattern inside a pattern. */
export interface GroupElement {
  readonly kind: 'group'
  readonly elements: readonly Element[]
  readonly contiguity: Contiguity
  readonly quantifier: Quantifier
}

/** Events that must not occur at this place. */
export interface NotElement {
  readonly kind: 'not'
  readonly condition: Condition
  /** Whether only the next event counts, or all up to the next one of the match. */
  readonly isNext: boolean
}

/** A part of a pattern. The first one is a stage or a group. */
export type Element = StageElement | GroupElement | NotElement

/** The stages of a pattern, in order. */
export function stagesOf(elements: readonly Element[]): readonly StageElement[] {
  return elements.flatMap((element) => {
    if (element.kind === 'stage') return [element]
    return element.kind === 'group' ? stagesOf(element.elements) : []
  })
}

const verbs: Record<Contiguity, string> = { strict: 'next', relaxed: 'followedBy', any: 'followedByAny' }

/**
 * A pattern as text, for people and to compare it with an earlier program. Conditions are code and not part of it.
 *
 * @example
 * patternText(failedThreeTimes) // => 'failed {3}, followedBy success optional'
 */
export function patternText(elements: readonly Element[]): string {
  return elements
    .map((element, index) => {
      if (element.kind === 'not') return element.isNext ? 'notNext' : 'notFollowedBy'
      const verb = index === 0 ? '' : `${verbs[element.contiguity]} `
      const what = element.kind === 'stage' ? element.name : `(${patternText(element.elements)})`
      const until = element.kind === 'stage' && element.until !== undefined ? ' until' : ''
      return `${verb}${what}${quantifierText(element.quantifier)}${until}`
    })
    .join(', ')
}

const inners: Record<Contiguity, string> = { strict: ' consecutive', relaxed: '', any: ' allowCombinations' }

function quantifierText({ min, max, isOptional, isLoop, inner, isGreedy }: Quantifier): string {
  const most = Number.isFinite(max) ? String(max) : ''
  const times = min === max ? String(min) : `${min},${most}`
  const loop = isLoop ? ` {${times}}${inners[inner]}` : ''
  return `${loop}${isOptional ? ' optional' : ''}${isGreedy ? ' greedy' : ''}`
}
