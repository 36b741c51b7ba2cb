/** Approximate aggregates of windows, as a user would write them. */
import {
  approximateCountDistinct,
  collect,
  fail,
  heavyHitters,
  quantiles,
  session,
  sliding,
  type HeavyHitter,
  type TimedStream,
} from '@millrace/flow'
import { figureOf, keyOf, type Item } from './item.ts'
import type { Sketches } from './last-shapes.ts'
import { countsOf, frequentOf, sketchFigure } from './sketch-values.ts'
import { sortOf } from './table-values.ts'
import type { PartOf } from './topology.ts'

/** Which quantiles are asked for. */
const shares = [0, 0.1, 0.5, 0.9, 1]

/** What the data decide of the results. Throws at one that is further from the exact one than it may be. */
export function sketchesStream(
  { name, by }: PartOf<'summary'>,
  how: Sketches,
  input: TimedStream<Item>,
): TimedStream<Item> {
  const { windows, counters, error } = how
  const aggregates = {
    distinct: approximateCountDistinct(figureOf, { error: 0.1 }),
    frequent: heavyHitters((item: Item) => sortOf(figureOf(item)), { top: frequentOf, counters }),
    middle: quantiles(figureOf, shares, { error }),
    all: collect(figureOf),
  }
  const assigner =
    'gapMs' in windows
      ? session(windows.gapMs)
      : sliding({ size: windows.slideMs * windows.overlap, slide: windows.slideMs })
  const results = input
    .keyBy((item) => keyOf(by, item))
    .window(assigner)
    .aggregate(name, aggregates)
  return results.map(
    ({ key, window, distinct, frequent, middle, all }) => {
      checkQuantiles(middle!, all, error)
      checkFrequent(frequent, all, counters)
      const counts = counters * 2 >= frequentOf ? frequent.map(({ count }) => count) : []
      return { key: { key, window: { ...window } }, value: sketchFigure(distinct, counts, all) }
    },
    { onError: fail() },
  )
}

function checkQuantiles(middle: readonly number[], all: readonly number[], error: number): void {
  const sorted = all.toSorted((a, b) => a - b)
  for (const [index, share] of shares.entries()) {
    const exact = sorted[Math.floor(share * (sorted.length - 1))]!
    if (Math.abs(middle[index]! - exact) > error * exact + 1e-9)
      throw new Error(
        `the quantile ${share} of ${sorted.length} figures is ${exact}, and not ${middle[index]}`,
      )
  }
}

function checkFrequent(
  frequent: readonly HeavyHitter<number>[],
  all: readonly number[],
  counters: number,
): void {
  const counts = countsOf(all)
  for (const { value, count, atMost } of frequent) {
    const exact = counts.get(value) ?? 0
    if (count > exact || atMost < exact)
      throw new Error(`${value} occurs ${exact} times, and not ${count} to ${atMost} times`)
  }
  const found = new Set(frequent.map(({ value }) => value))
  for (const [value, count] of counts) {
    if (count > all.length / counters && !found.has(value))
      throw new Error(
        `${value}, which occurs ${count} times of ${all.length}, is not among the frequent ones`,
      )
  }
}
