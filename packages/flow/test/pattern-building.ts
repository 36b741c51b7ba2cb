/** Drawn patterns as a user would write them, over events of any type. */
import { pattern, type AnyPattern } from '@millrace/flow'
import type { Part, StagePart } from './pattern-reference.ts'

/** How the events of a pattern are read. */
export interface Marks<T> {
  readonly letterOf: (event: T) => string
  readonly figureOf: (event: T) => number
}

/** Types cannot follow what is drawn. */
type Untyped = Record<string, (...args: unknown[]) => Untyped>

/** The pattern of drawn parts. Undefined `within`: no limit. */
export function builtPattern<T>(
  parts: readonly Part[],
  within: number | undefined,
  marks: Marks<T>,
): AnyPattern<T, Record<string, never>> {
  const built = builtOf(parts, marks)
  const finished = within === undefined ? built : built['within']!(within)
  return finished
}

function builtOf<T>(parts: readonly Part[], marks: Marks<T>): Untyped {
  let result: Untyped | undefined
  for (const part of parts) {
    if (part.kind === 'not') {
      result = result![part.isNext ? 'notNext' : 'notFollowedBy']!(
        (event: T) => marks.letterOf(event) === part.letter,
      )
      continue
    }
    const args = part.kind === 'group' ? [builtOf(part.parts, marks)] : [part.name, conditionOf(part, marks)]
    const verb = { strict: 'next', relaxed: 'followedBy', any: 'followedByAny' }[part.how]
    result = result === undefined ? (pattern as unknown as Untyped[string])(...args) : result[verb]!(...args)
    const { loop, isOptional } = part.times
    if (loop !== undefined) {
      const { min, max, inner } = loop
      result = Number.isFinite(max) ? result['times']!(min, max) : result['atLeast']!(min)
      if (inner !== 'relaxed') result = result[inner === 'strict' ? 'consecutive' : 'allowCombinations']!()
    }
    if (part.kind === 'stage' && part.until !== undefined) {
      result = result['until']!((event: T) => marks.letterOf(event) === part.until)
    }
    if (part.kind === 'stage' && part.isGreedy) result = result['greedy']!()
    if (isOptional) result = result['optional']!()
  }
  return result!
}

function conditionOf<T>({ name, letters, isRising }: StagePart, { letterOf, figureOf }: Marks<T>) {
  return (event: T, earlier: Readonly<Record<string, readonly T[]>>): boolean => {
    if (!letters.includes(letterOf(event))) return false
    if (!isRising) return true
    const before = earlier[name]!.at(-1)
    return before === undefined || figureOf(event) > figureOf(before)
  }
}
