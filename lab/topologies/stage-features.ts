import type { Part } from '../../packages/flow/test/pattern-reference.ts'
import type { Stages } from './last-shapes.ts'

/** Every feature of patterns of all kinds of stages. */
export const stageFeatures = [
  'pattern with followedByAny',
  'pattern with next',
  'pattern with notNext',
  'pattern with notFollowedBy',
  'pattern with a group',
  'pattern with a loop',
  'pattern with an endless loop',
  'pattern with combinations',
  'pattern with a greedy loop',
  'pattern with until',
  'pattern with an optional stage',
  'pattern with skips to the next event',
  'pattern with skips past the last event',
  'pattern with skips to a first event',
  'pattern with skips to a last event',
] as const

type StageFeature = (typeof stageFeatures)[number]

/** The features of a pattern of all kinds of stages. */
export function* stagesFeatures({ parts, afterMatch }: Stages): Generator<StageFeature> {
  for (const part of parts) yield* partFeatures(part)
  if (afterMatch === 'toNext') yield 'pattern with skips to the next event'
  else if (afterMatch === 'pastLast') yield 'pattern with skips past the last event'
  else if (afterMatch !== 'noSkip')
    yield `pattern with skips to a ${'toFirst' in afterMatch ? 'first' : 'last'} event`
}

function* partFeatures(part: Part): Generator<StageFeature> {
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
