/** What is shown of approximate aggregates: the same code for the engine and for the oracle. */
import { foldOf } from './item.ts'
import { sortOf } from './table-values.ts'

/** How many frequent values come out: as many as there are. */
export const frequentOf = 7

/** How often each sort of figures occurs. */
export function countsOf(figures: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const figure of figures) counts.set(sortOf(figure), (counts.get(sortOf(figure)) ?? 0) + 1)
  return counts
}

/** The result of a window: how many different figures it has, how often the frequent sorts of them occur, and all of them. */
export function sketchFigure(
  distinct: number,
  counts: readonly number[],
  figures: readonly number[],
): readonly number[] {
  return [distinct, foldOf(counts), foldOf(figures.toSorted((a, b) => a - b))]
}
