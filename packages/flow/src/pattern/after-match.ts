import { MillraceError } from '@millrace/core'
import type { Node } from './partial-matches.ts'

/** Where to look for more matches when one is found. See `MatchOptions.afterMatch`. */
export type AfterMatch<Name extends string = string> =
  | 'noSkip'
  | 'toNext'
  | 'pastLast'
  | { readonly toFirst: Name; readonly ifMissing?: 'ignore' | 'fail' }
  | { readonly toLast: Name; readonly ifMissing?: 'ignore' | 'fail' }

/** The place of an event in the order of a key's events. */
type Place = Pick<Node, 'time' | 'index'>

/** Whether matches and partial matches that begin there are dropped. */
export type IsSkipped = (start: Place) => boolean

/** What is skipped after a match with this path; undefined if nothing ever is. */
export type Skip = (path: readonly Node[]) => IsSkipped

function compare(a: Place, b: Place): number {
  return a.time - b.time || a.index - b.index
}

/**
 * The strategy that the user named; `stages` are the names of the stages, by number. Throws `OPTION_INVALID` for a name
 * that is no stage.
 */
export function skipOf(
  operator: string,
  afterMatch: AfterMatch,
  stages: readonly string[],
): Skip | undefined {
  if (afterMatch === 'noSkip') return undefined
  if (afterMatch === 'toNext') return (path) => (start) => compare(start, path[0]!) <= 0
  if (afterMatch === 'pastLast') return (path) => (start) => compare(start, path.at(-1)!) <= 0
  if (typeof afterMatch !== 'object' || afterMatch === null) throw invalid(operator, afterMatch)
  const isFirst = 'toFirst' in afterMatch
  const name = isFirst ? afterMatch.toFirst : (afterMatch as { readonly toLast: string }).toLast
  const stage = stages.indexOf(name)
  const { ifMissing = 'ignore' } = afterMatch
  if (stage < 0 || !['ignore', 'fail'].includes(ifMissing)) throw invalid(operator, afterMatch)
  return (path) => {
    const of = path.filter((node) => node.stage === stage)
    const target = isFirst ? of[0] : of.at(-1)
    if (ifMissing === 'fail') requireTarget(operator, name, target, path)
    return target === undefined ? () => false : (start) => compare(start, target) < 0
  }
}

function invalid(operator: string, afterMatch: unknown): MillraceError {
  return new MillraceError(
    'OPTION_INVALID',
    `afterMatch of '${operator}' is ${JSON.stringify(afterMatch)}; it must be 'noSkip', 'toNext', 'pastLast', or { toFirst: STAGE } or { toLast: STAGE } with the name of a stage`,
  )
}

function requireTarget(
  operator: string,
  name: string,
  target: Node | undefined,
  path: readonly Node[],
): void {
  if (target !== undefined && target !== path[0]) return
  const why =
    target === undefined
      ? `a match has no event of stage '${name}'`
      : `the event of stage '${name}' is the first one of a match, so nothing would be skipped`
  throw new MillraceError(
    'OPERATOR_FAILED',
    `'${operator}' cannot skip after a match: ${why}. Choose another stage for afterMatch, or leave out ifMissing: 'fail'`,
  )
}
