/** What state of other kinds shows at each record, from the definition: over arrays and plain values. */
import { figureOf, foldOf, type Item } from './item.ts'
import { groupsOf, isPunctual, type KnownRecord, type KnownStream } from './known-stream.ts'
import { seededOf } from './known-seeded.ts'
import { timersOf } from './known-timers.ts'
import type { Kept, Lives, Seeded } from './last-shapes.ts'
import { clears, deletedBy, entryOf, livesForItself, placeOf, rangeOf } from './state-values.ts'
import { watermarkValue } from './program.ts'
import type { PartOf } from './topology.ts'

/** The results; undefined if the data do not decide them: the order of a key, or the watermark at a late record. */
export function statesOf(part: PartOf<'states'>, stream: KnownStream): readonly Item[] | undefined {
  const { by, how } = part
  if (how.kind === 'seeded') return seededOf(part, how, stream)
  const results: Item[] = []
  for (const { key, records, isOrdered } of groupsOf(stream, by)) {
    if (!isOrdered || !records.every((record) => isDecided(how, record))) return undefined
    results.push(...shownBy(how, records).map((value) => ({ key, value })))
  }
  return results
}

/** Whether the data decide what is forgotten before the record. */
function isDecided({ kind }: Kept, record: KnownRecord): boolean {
  if (kind === 'watermark') return record.under !== undefined
  const forgets = kind === 'versioned' || kind === 'lives'
  return !forgets || record.under !== undefined || isPunctual(record)
}

function shownBy(how: Exclude<Kept, Seeded>, records: readonly KnownRecord[]): readonly unknown[] {
  const figures = records.map(({ value }) => figureOf(value))
  switch (how.kind) {
    case 'orderedMap':
      return inOrderedMap(figures)
    case 'reducing':
      return sinceCleared(figures).map(([first, ...others]) =>
        others.reduce((total, figure) => foldOf([total, figure]), first!),
      )
    case 'aggregating':
      return sinceCleared(figures).map((all) => [
        all.length,
        Math.max(...all),
        all.reduce((total, figure) => total + figure, 0),
      ])
    case 'versioned':
      return validAt(how.backMs, records)
    case 'lives':
      return livingAt(how, records)
    case 'watermark':
      return records.map(({ value, under }) => [figureOf(value), watermarkValue(under!)])
    case 'timers':
      return timersOf(how.usesClock, figures)
  }
}

function inOrderedMap(figures: readonly number[]): readonly unknown[] {
  let entries: readonly (readonly [place: number, count: number])[] = []
  return figures.map((figure) => {
    const place = placeOf(figure)
    const count = entries.find(([other]) => other === place)?.[1] ?? 0
    entries = [...entries.filter(([other]) => other !== place), [place, count + 1] as const]
    const { from, to } = rangeOf(figure)
    const inRange = entries.filter(([at]) => at >= from && at < to).toSorted(([a], [b]) => a - b)
    const shown = [entries.length, foldOf(inRange.flat()), foldOf(inRange.toReversed().flat())]
    const deleted = deletedBy(figure)
    if (deleted !== undefined) {
      const { from: first = -Infinity, to: end = Infinity } = deleted
      entries = entries.filter(([at]) => at < first || at >= end)
    }
    return shown
  })
}

/** For each figure those since the last one that clears, up to it. */
function sinceCleared(figures: readonly number[]): readonly (readonly number[])[] {
  return figures.map((_, index) => {
    const last = figures.slice(0, index).findLastIndex(clears)
    return figures.slice(last + 1, index + 1)
  })
}

/** At each record the figure that was valid `backMs` before it, the one that is valid, and the newest; -1 for none. */
function validAt(backMs: number, records: readonly KnownRecord[]): readonly unknown[] {
  let versions: readonly KnownRecord[] = []
  return records.map((record) => {
    const { time, under = Number.NEGATIVE_INFINITY } = record
    versions = [...versions.filter((each) => each.time !== time), record].toSorted((a, b) => a.time - b.time)
    // What was superseded before the watermark less `backMs` is forgotten.
    const oldest = versions.findLastIndex((each) => each.time <= under - backMs)
    versions = versions.slice(Math.max(0, oldest))
    return [time - backMs, time, Number.POSITIVE_INFINITY].map((at) => {
      const version = versions.findLast((each) => each.time <= at)
      const figure = version && figureOf(version.value)
      return figure === undefined || clears(figure) ? -1 : figure
    })
  })
}

interface Living {
  readonly name: number
  figure: number
  stamp: number
  lifeMs: number
}

function livingAt(how: Lives, records: readonly KnownRecord[]): readonly number[] {
  const { of, refresh, ownMs, afterMs = Number.POSITIVE_INFINITY } = how
  let living: Living[] = []
  return records.map(({ value, time, under }, index) => {
    // The clock is the record's time, or the watermark for a record behind it.
    const now = Math.max(time, under ?? time)
    living = living.filter(({ stamp, lifeMs }) => stamp + lifeMs > now)
    if (refresh === 'read') for (const each of living) each.stamp = Math.max(each.stamp, now)
    const shown = shownOf(of, living)
    const figure = figureOf(value)
    const own = livesForItself(figure) ? ownMs : undefined
    const name = of === 'list' ? index : of === 'map' ? entryOf(figure) : 0
    const old = living.find((each) => each.name === name)
    if (old === undefined) living.push({ name, figure, stamp: now, lifeMs: own ?? afterMs })
    else {
      old.figure = of === 'reducing' ? foldOf([old.figure, figure]) : figure
      if (own !== undefined || refresh !== 'create') {
        old.stamp = Math.max(old.stamp, now)
        old.lifeMs = own ?? afterMs
      }
    }
    return shown
  })
}

function shownOf(of: Lives['of'], living: readonly Living[]): number {
  if (of === 'list') return foldOf(living.map(({ figure }) => figure))
  if (of === 'map') return foldOf(living.flatMap(({ name, figure }) => [name, figure]))
  return living[0]?.figure ?? -1
}
