/** What patterns of all kinds of stages find, by trying everything. */
import {
  mostWithin,
  reference,
  skipToOf,
  stageNames,
  type Path,
  type Sign,
} from '../../packages/flow/test/pattern-reference.ts'
import type { Item } from './item.ts'
import { groupsOf, isPunctual, type KnownStream } from './known-stream.ts'
import { itemsOf, lateItem, letterOf, rankOf, stagesValue } from './stage-values.ts'
import type { PartOf } from './topology.ts'

/** To try everything takes too long where more events than this could be in one match. */
const crowd = 14

/**
 * The results; undefined if the data do not decide them: it is not known which records are late, or two of one key have the
 * same time and may come in any order; and undefined for a crowd of events.
 */
export function stagesOf({ by, how }: PartOf<'stages'>, stream: KnownStream): readonly Item[] | undefined {
  if (stream.some(({ under, isOnTime }) => under === undefined && !isOnTime)) return undefined
  const late = stream.filter((record) => !isPunctual(record))
  const { parts, withinMs, afterMatch } = how
  const names = stageNames(parts)
  const results = late.map(({ value }) => lateItem(by, value))
  for (const { key, records, isOrdered } of groupsOf(stream.filter(isPunctual), by)) {
    const events = records.toSorted((a, b) => a.time - b.time)
    const hasTies = events.some(({ time }, index) => events[index + 1]?.time === time)
    if (hasTies && !isOrdered) return undefined
    const items = events.map(({ value }) => value)
    const signs = events.map(({ value, time }, id): Sign => ({
      id,
      letter: letterOf(value),
      figure: rankOf(value),
      at: time,
    }))
    if (mostWithin(signs, withinMs) > crowd) return undefined
    const { matches, timedOut } = reference(parts, signs, withinMs, skipToOf(afterMatch))
    const shown = (path: Path, isTimedOut: boolean): Item => ({
      key,
      value: stagesValue(itemsOf(path, names, items), isTimedOut),
    })
    results.push(
      ...matches.map(({ path }) => shown(path, false)),
      ...timedOut.map(({ path }) => shown(path, true)),
    )
  }
  return results
}
