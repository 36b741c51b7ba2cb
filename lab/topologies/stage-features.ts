import type { Part } from '../../packages/flow/test/pattern-reference.ts'
import type { LastFeature } from './last-features.ts'
import type { Stages } from './last-shapes.ts'

/** The features of a pattern of all kinds of stages. */
export function* stagesFeatures({ parts, afterMatch }: Stages): Generator<LastFeature> {
  for (const part of parts) yield* partFeatures(part)
  if (afterMatch === 'toNext') yield 'pattern with skips to the next event'
  else if (afterMatch === 'pastLast') yield 'pattern with skips past the last event'
  else if (afterMatch !== 'noSkip')
    yield `pattern with skips to a ${'toFirst' in afterMatch ? 'first' : 'last'} event`
}

function* partFeatures(part: Part): Generator<LastFeature> {
  if (part.kind === 'not') {
    yield part.isNext ? 'pattern with notNext' : 'pattern with notFollowedBy'
    return
  }
  if (part.kind === 'group') {
    yield 'pattern with a group'
    for (const inner of part.parts) yield* partFeatures(inner)
  } else {
    if (part.isGreedy) yield 'pattern with a greedy loop'
    if (part.until !== undefined) yield 'pattern with until'
  }
  if (part.how === 'any') yield 'pattern with followedByAny'
  if (part.how === 'strict') yield 'pattern with next'
  const { loop, isOptional } = part.times
  if (isOptional) yield 'pattern with an optional stage'
  if (loop === undefined) return
  yield loop.max === Number.POSITIVE_INFINITY ? 'pattern with an endless loop' : 'pattern with a loop'
  if (loop.inner === 'any') yield 'pattern with combinations'
}
