import { durationText, MillraceError, requireKnown } from '@millrace/core'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type { OperatorOptions } from '../stream-options.ts'
import { skipOf, type AfterMatch } from './after-match.ts'
import { compile } from './automaton.ts'
import { patternText } from './elements.ts'
import { MatchOperator } from './match-operator.ts'
import { PatternBuilder } from './pattern-builder.ts'

/** Options of `match`. */
export interface MatchOptions<Name extends string = string> extends OperatorOptions {
  /**
   * Where to look for more matches after one. A match waits until no partial match that began earlier is left, so that the
   * earliest one decides.
   *
   * - `'noSkip'`: every match comes out.
   * - `'toNext'`: no other match that begins with the same event.
   * - `'pastLast'`: none that begins before the end of the match: matches do not overlap.
   * - `{ toFirst: stage }`, `{ toLast: stage }`: none that begins before the first or last event of that stage. A match
   *   without that stage skips nothing; with `ifMissing: 'fail'` it stops the job, as does one that begins with that event.
   *
   * Default `'noSkip'`.
   */
  readonly afterMatch?: AfterMatch<Name>
}

/** The parts of the node of `match`. */
export function matchParts(name: string, pattern: unknown, options: MatchOptions = {}): OperatorParts {
  requireKnown(`match '${name}'`, options, ['afterMatch', 'onError'])
  if (!(pattern instanceof PatternBuilder)) {
    throw new MillraceError(
      'OPTION_INVALID',
      `match '${name}' needs a pattern; begin one with pattern(stage, condition)`,
    )
  }
  const { elements } = pattern
  const withinMs = Number.isFinite(pattern.withinMs) ? pattern.withinMs : undefined
  const automaton = compile(elements)
  if (automaton.needsTime && withinMs === undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      `the pattern of match '${name}' ends with notFollowedBy or with a greedy stage, so nothing says when a match is complete; call within on it`,
    )
  }
  const stages = automaton.stages.map((stage) => stage.name)
  const skip = skipOf(name, options.afterMatch ?? 'noSkip', stages)
  const text = patternText(elements)
  const create = (): MatchOperator => new MatchOperator({ automaton, text, withinMs, skip })
  const keeps =
    withinMs === undefined
      ? 'partial matches of each key until they match or fail'
      : `partial matches of each key for ${durationText(withinMs)}`
  return {
    type: 'match',
    emitsLater: true,
    fingerprint: create().fingerprint,
    outputs: ['late', 'timedOut'],
    keeps: `${keeps}; ${text}`,
    create,
  }
}
