/** What a pattern finds, from its definition. */
import { figureOf, passes, type Item } from './item.ts'
import { groupsOf, isPunctual, type KnownRecord, type KnownStream } from './known-stream.ts'
import type { PatternShape } from './last-shapes.ts'
import type { PartOf } from './topology.ts'

/** The results; undefined if the data do not decide them: some record could be late, or two of one key have the same time. */
export function patternOf(
  { by, shape }: PartOf<'pattern'>,
  stream: KnownStream,
): readonly Item[] | undefined {
  if (!stream.every(isPunctual)) return undefined
  const results: Item[] = []
  for (const { key, records } of groupsOf(stream, by)) {
    const events = records.toSorted((a, b) => a.time - b.time)
    if (events.some(({ time }, index) => events[index + 1]?.time === time)) return undefined
    results.push(...valuesOf(shape, events).map((value) => ({ key, value })))
  }
  return results
}

interface Candidate {
  readonly from: number
  /** The event that completes it; infinite: none. */
  readonly to: number
}

function valuesOf(shape: PatternShape, events: readonly KnownRecord[]): readonly (readonly number[])[] {
  const figure = (index: number): number => figureOf(events[index]!.value)
  const candidates = events.flatMap((_, index) => candidateOf(shape, events, index) ?? [])
  const timedOut = candidates.filter(({ to }) => to === Number.POSITIVE_INFINITY)
  const matches = candidates.filter(({ to }) => to !== Number.POSITIVE_INFINITY)
  if (!shape.isApart)
    return [
      ...matches.map(({ from, to }) => [figure(from), figure(to)]),
      ...timedOut.map(({ from }) => [figure(from), -1]),
    ]
  // The earliest match comes first, and drops what begins before its end, if that has not timed out by then.
  const results: (readonly number[])[] = []
  let past = -1
  for (const { from, to } of candidates) {
    if (from <= past) continue
    results.push([figure(from), to === Number.POSITIVE_INFINITY ? -1 : figure(to)])
    if (to !== Number.POSITIVE_INFINITY) past = to
  }
  return results
}

/** What becomes of the event `from` as a first one; undefined: nothing. */
function candidateOf(
  shape: PatternShape,
  events: readonly KnownRecord[],
  from: number,
): Candidate | undefined {
  const { first, second, not, withinMs } = shape
  const start = events[from]!
  if (!passes(first, start.value)) return undefined
  const later = events.slice(from + 1).filter(({ time }) => time < start.time + withinMs)
  const next = later.find(({ value }) => passes(not, value) || passes(second, value))
  if (next === undefined) return { from, to: Number.POSITIVE_INFINITY }
  return passes(not, next.value) ? undefined : { from, to: events.indexOf(next) }
}
