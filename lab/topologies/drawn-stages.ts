/** Patterns of all kinds of stages, as a user would write them. */
import type { MatchOptions, TimedStream } from '@millrace/flow'
import { builtPattern } from '../../packages/flow/test/pattern-building.ts'
import { stageNames } from '../../packages/flow/test/pattern-reference.ts'
import { keyOf, type Item } from './item.ts'
import { lateItem, letterOf, rankOf, stagesValue } from './stage-values.ts'
import type { PartOf } from './topology.ts'

/** Matches, partial matches whose time was over, and late records. */
export function stagesStream(
  { name, by, how }: PartOf<'stages'>,
  input: TimedStream<Item>,
): TimedStream<Item> {
  const { parts, withinMs, afterMatch } = how
  const names = stageNames(parts)
  const found = input
    .keyBy((item): Item['key'] => keyOf(by, item))
    .match(name, builtPattern<Item>(parts, withinMs, { letterOf, figureOf: rankOf }), {
      afterMatch: afterMatch as NonNullable<MatchOptions<never>['afterMatch']>,
    })
  const shown = (match: unknown, isTimedOut: boolean): Item => {
    const { key, ...stages } = match as Found
    const items = names.map((stage) => [stages[stage] ?? []].flat())
    return { key, value: stagesValue(items, isTimedOut) }
  }
  return found
    .map((match) => shown(match, false))
    .union(
      found.timedOut.map((partial) => shown(partial, true)),
      found.late.map((item) => lateItem(by, item)),
    )
}

/** A match has an array of events, an event or nothing for each stage. */
type Found = { readonly key: Item['key'] } & Readonly<Record<string, Item | readonly Item[] | undefined>>
