/** A pattern, as a user would write it. */
import { pattern, type TimedStream } from '@millrace/flow'
import { figureOf, keyOf, passes, type Item } from './item.ts'
import type { PartOf } from './topology.ts'

/** Matches and partial matches whose time was over: the figures of both events, or of the first one and -1. */
export function patternStream(
  { name, by, shape }: PartOf<'pattern'>,
  input: TimedStream<Item>,
): TimedStream<Item> {
  const { first, second, not, withinMs, isApart } = shape
  const found = input
    .keyBy((item): Item['key'] => keyOf(by, item))
    .match(
      name,
      pattern('first', (item: Item) => passes(first, item))
        .notFollowedBy((item) => passes(not, item))
        .followedBy('second', (item) => passes(second, item))
        .within(withinMs),
      { afterMatch: isApart ? 'pastLast' : 'noSkip' },
    )
  const timedOut = found.timedOut.map((partial): Item => ({
    key: partial.key,
    value: [figureOf(partial.first!), -1],
  }))
  return found
    .map((match): Item => ({ key: match.key, value: [figureOf(match.first), figureOf(match.second)] }))
    .union(timedOut)
}
