/** Windows with one result or a table of results, and tables in other forms, from their definition. */
import type { Key } from '@millrace/core'
import { figureOf, keyOf, type Item } from './item.ts'
import { isLater, laterSummariesOf } from './known-later-summaries.ts'
import { groupsOf, isPunctual, type KnownStream } from './known-stream.ts'
import { newestOf } from './known-tables.ts'
import type { SlidingSpans } from './last-shapes.ts'
import { bestOf, groupOf, isKept, mostOf, sortOf, summaryFigure } from './table-values.ts'
import type { PartOf } from './topology.ts'

/** The results; undefined if it is not known which records are late, or which of two is newer. */
export function summariesOf(
  { by, how }: PartOf<'summary'>,
  stream: KnownStream,
): readonly Item[] | undefined {
  if (isLater(how)) return laterSummariesOf(by, how, stream)
  if (how.kind === 'final' || how.kind === 'updates') {
    if (stream.some(({ under, isOnTime }) => under === undefined && !isOnTime)) return undefined
    const results = groupsOf(stream, by).flatMap(({ key, records }) => windowsOf(how.spans, key, records))
    // A row is inserted once.
    return how.kind === 'final' ? results : results.map(({ key, value }) => ({ key, value: [value, 1] }))
  }
  if (!stream.every(isPunctual)) return undefined
  const newest = newestOf(stream, (item) => keyOf(by, item))
  if (newest === undefined) return undefined
  const rows = [...newest.values()].map(({ key, figure }) => ({ key, value: figure }))
  if (how.kind === 'upserts') return rows
  if (how.kind === 'filter') return rows.filter(({ value }) => isKept(value))
  return [0, 1, 2].flatMap((group) => {
    const figures = rows.map(({ value }) => value).filter((figure) => groupOf(figure) === group)
    return greatest(mostOf(group), figures).map((value) => ({ key: group, value }))
  })
}

/** The last result of each window, with the records that are late within the lateness. */
function windowsOf({ slideMs, overlap, latenessMs }: SlidingSpans, key: Key, records: KnownStream) {
  const figuresByEnd = new Map<number, number[]>()
  for (const { time, value, under, isOnTime } of records) {
    const firstEnd = (Math.floor(time / slideMs) + 1) * slideMs
    for (let end = firstEnd; end < firstEnd + overlap * slideMs; end += slideMs) {
      if (!isOnTime && under! >= end + latenessMs) continue
      figuresByEnd.set(end, [...(figuresByEnd.get(end) ?? []), figureOf(value)])
    }
  }
  return Array.from(figuresByEnd, ([end, figures]) => ({
    key: { key, window: { start: end - overlap * slideMs, end } },
    value: summaryFigure(new Set(figures.map(sortOf)).size, greatest(bestOf, figures)),
  }))
}

function greatest(n: number, figures: readonly number[]): readonly number[] {
  return figures.toSorted((a, b) => b - a).slice(0, n)
}
