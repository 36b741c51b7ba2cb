/** Windows from their definition: which records are in which, and when each comes out. */
import { figureOf, passes, type Item } from './item.ts'
import type { Group, KnownRecord, KnownStream } from './known-stream.ts'
import type { AggregateSpec, PartOf, WindowShape } from './topology.ts'

interface Span {
  readonly start: number
  readonly end: number
}

/** What comes out of a window operator for one key, and what is too late for it. */
export interface KnownWindows {
  readonly results: KnownStream
  readonly late: KnownStream
  /** Records on which its function throws. */
  readonly poisoned: KnownStream
}

/** A result, the watermark that it follows, and the late record that it comes with. */
interface PlacedResult {
  readonly record: KnownRecord
  readonly after: number
  readonly cause: KnownRecord | undefined
}

/** The windows of one key; undefined if the data do not decide them. */
export function windowsOf(
  part: PartOf<'window'>,
  group: Group,
  isPoison: (record: KnownRecord) => boolean,
): KnownWindows | undefined {
  const { shape, latenessMs } = part
  const late: KnownRecord[] = []
  const poisoned: KnownRecord[] = []
  const taken: KnownRecord[] = []
  for (const record of group.records) {
    if (record.under === undefined && !record.isOnTime) return undefined
    const lastEnd = Math.max(...spansAround(record.time, shape).map(({ end }) => end))
    if (!record.isOnTime && lastEnd + latenessMs <= record.under!)
      late.push({ ...record, line: `${part.name} late ${group.token}` })
    else if (isPoison(record)) poisoned.push(record)
    else taken.push(record)
  }
  const results: PlacedResult[] = []
  for (const [end, members] of membersByEnd(taken, part)) {
    const known = resultsOf(part, group, end, members)
    if (known === undefined) return undefined
    results.push(...known)
  }
  // What a late record brings comes with that record, and whatever ended before it comes before.
  const placeOf = ({ cause }: PlacedResult): number => (cause === undefined ? -1 : taken.indexOf(cause))
  results.sort((a, b) => a.after - b.after || placeOf(a) - placeOf(b) || a.record.time - b.record.time)
  return { results: results.map(({ record }) => record), late, poisoned }
}

/** The windows that hold a time, earliest first. */
function spansAround(time: number, { sizeMs, slideMs = sizeMs, offsetMs }: WindowShape): readonly Span[] {
  const spans: Span[] = []
  const last = Math.floor((time - offsetMs) / slideMs) * slideMs + offsetMs
  for (let start = last; start + sizeMs > time; start -= slideMs)
    spans.unshift({ start, end: start + sizeMs })
  return spans
}

/** The records that count for each window, by its end: those that came before it was closed. */
function membersByEnd(
  taken: KnownStream,
  { shape, latenessMs }: PartOf<'window'>,
): ReadonlyMap<number, KnownRecord[]> {
  const windows = new Map<number, KnownRecord[]>()
  for (const record of taken) {
    for (const { end } of spansAround(record.time, shape)) {
      if (!record.isOnTime && record.under! >= end + latenessMs) continue
      const members = windows.get(end)
      if (members === undefined) windows.set(end, [record])
      else members.push(record)
    }
  }
  return windows
}

/** The result when the window ends, and another with each record that comes after. */
function resultsOf(
  { name, shape, aggregates }: PartOf<'window'>,
  { key, token, isOrdered }: Group,
  end: number,
  members: readonly KnownRecord[],
): readonly PlacedResult[] | undefined {
  const isAfter = (record: KnownRecord): boolean => !record.isOnTime && record.under! >= end
  const hasOrder = isOrdered || members.length === 1
  const needsOrder = members.some(isAfter) || aggregates.some(({ kind }) => kind === 'collect')
  if (needsOrder && !hasOrder) return undefined
  const resultOf = (records: readonly KnownRecord[]): Item =>
    ({
      key,
      window: { start: end - shape.sizeMs, end },
      ...Object.fromEntries(aggregates.map((spec) => [spec.field, aggregated(spec, records, shape)])),
    }) as unknown as Item
  const line = `${name} ${token}`
  const before = members.filter((record) => !isAfter(record))
  const results: PlacedResult[] = []
  if (before.length > 0) {
    const record = { value: resultOf(before), time: end - 1, line, under: undefined, isOnTime: true }
    results.push({ record, after: end, cause: undefined })
  }
  for (const [index, cause] of members.entries()) {
    const { under } = cause
    if (!isAfter(cause)) continue
    const value = resultOf(members.slice(0, index + 1))
    results.push({ record: { value, time: end - 1, line, under, isOnTime: false }, after: under!, cause })
  }
  return results
}

function aggregated(
  { kind, only }: AggregateSpec,
  records: readonly KnownRecord[],
  shape: WindowShape,
): unknown {
  const figures = records.map(({ value }) => figureOf(value))
  const sum = figures.reduce((total, figure) => total + figure, 0)
  switch (kind) {
    case 'count':
      return records.filter(({ value }) => only === undefined || passes(only, value)).length
    case 'sum':
      return sum
    case 'sumBigint':
      return BigInt(sum)
    case 'min':
      return Math.min(...figures)
    case 'max':
      return Math.max(...figures)
    case 'mean':
      return sum / figures.length
    case 'collect':
      return records
        .map((record) => ({ slice: sliceOf(record.time, shape), figure: figureOf(record.value) }))
        .sort((a, b) => a.slice - b.slice)
        .map(({ figure }) => figure)
  }
}

/** Slices follow one another in time: the last moment before which a window starts or ends. */
function sliceOf(time: number, { sizeMs, slideMs = sizeMs, offsetMs }: WindowShape): number {
  const lastOf = (shift: number): number => Math.floor((time - shift) / slideMs) * slideMs + shift
  return Math.max(lastOf(offsetMs), lastOf(offsetMs + sizeMs))
}
