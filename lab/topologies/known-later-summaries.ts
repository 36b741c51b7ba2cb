/** Approximate aggregates, sessions as a table, and the first records of each key, from their definition. */
import type { Key } from '@millrace/core'
import { figureOf, foldOf, type Grouping, type Item } from './item.ts'
import { sessionsOf } from './known-meeting.ts'
import { groupsOf, isPunctual, type KnownStream } from './known-stream.ts'
import type { Sketches, Summary } from './last-shapes.ts'
import { countsOf, frequentOf, sketchFigure } from './sketch-values.ts'

/** The summaries of this file. */
export type LaterSummary = Extract<Summary, { kind: 'topRecords' | 'sessionRows' | 'sketches' }>

/** Whether the summary is one of this file. */
export function isLater(how: Summary): how is LaterSummary {
  return how.kind === 'topRecords' || how.kind === 'sessionRows' || how.kind === 'sketches'
}

/** The results; undefined if some record could be late, where that matters. */
export function laterSummariesOf(
  by: Grouping,
  how: LaterSummary,
  stream: KnownStream,
): readonly Item[] | undefined {
  if (how.kind === 'topRecords') {
    return groupsOf(stream, by).flatMap(({ key, records }) =>
      records
        .map(({ value }) => figureOf(value))
        .toSorted((a, b) => b - a)
        .slice(how.offset, how.offset + how.n)
        .map((value) => ({ key, value })),
    )
  }
  if (!stream.every(isPunctual)) return undefined
  if (how.kind === 'sketches') return sketchesOf(by, how, stream)
  return sessionsOf({ by, gapMs: how.gapMs }, stream)!.map(({ key, window, value, most }) => ({
    key: { key, window },
    value: foldOf([value, most]),
  }))
}

function sketchesOf(by: Grouping, { windows, counters }: Sketches, stream: KnownStream): readonly Item[] {
  const isExact = 2 * counters >= frequentOf
  return groupsOf(stream, by).flatMap(({ key, records }) => {
    const spans =
      'gapMs' in windows
        ? sessionsOf({ by, gapMs: windows.gapMs }, records)!.map(({ window }) => ({
            ...window,
            isClosed: true,
          }))
        : slidingOf(windows, records)
    return spans.map(({ start, end, isClosed }): Item => {
      const figures = records
        .filter(({ time }) => time >= start && (time < end || (isClosed && time === end)))
        .map(({ value }) => figureOf(value))
      const counts = [...countsOf(figures).values()].toSorted((a, b) => b - a)
      const window: Key = { start, end }
      return {
        key: { key, window },
        value: sketchFigure(new Set(figures).size, isExact ? counts : [], figures),
      }
    })
  })
}

/** The sliding windows with records. */
function slidingOf(
  { slideMs, overlap }: { readonly slideMs: number; readonly overlap: number },
  records: KnownStream,
): readonly { readonly start: number; readonly end: number; readonly isClosed: boolean }[] {
  const ends = records.flatMap(({ time }) =>
    Array.from({ length: overlap }, (_, n) => (Math.floor(time / slideMs) + 1 + n) * slideMs),
  )
  return [...new Set(ends)].map((end) => ({ start: end - overlap * slideMs, end, isClosed: false }))
}
