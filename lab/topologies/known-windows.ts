/** A model of windows from their definition: which records are in which, and when each is emitted. */
import { figureOf, foldOf, keyOf, passes, type Item } from './item.ts'
import {
  isPunctual,
  textOf,
  type Group,
  type KnownOutputs,
  type KnownRecord,
  type KnownStream,
} from './known-stream.ts'
import type { AggregateKind, AggregateSpec, PartOf, WindowShape } from './topology.ts'

interface Span {
  readonly start: number
  readonly end: number
}

/** A result, the watermark that triggers it, and the late record that updates it. */
interface PlacedResult {
  readonly record: KnownRecord
  readonly after: number
  readonly cause: KnownRecord | undefined
}

/** The windows of one key; undefined if the data do not determine them. */
export function windowsOf(
  part: PartOf<'window'>,
  group: Group,
  isPoison: (record: KnownRecord) => boolean,
): KnownOutputs | undefined {
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
  for (const { span, members } of windowsAround(taken, part)) {
    const known = resultsOf(part, group, span, members)
    if (known === undefined) return undefined
    results.push(...known)
  }
  // Updates by a late record come with that record, after all earlier results.
  const placeOf = ({ cause }: PlacedResult): number => (cause === undefined ? -1 : taken.indexOf(cause))
  results.sort((a, b) => a.after - b.after || placeOf(a) - placeOf(b) || a.record.time - b.record.time)
  return { main: results.map(({ record }) => record), late, poisoned }
}

/** The results of windows with a trigger when they end; undefined if some record could be late. */
export function panesOf(
  { by, windows, stepMs }: PartOf<'panes'>,
  stream: KnownStream,
): readonly unknown[] | undefined {
  if (!stream.every(isPunctual)) return undefined
  const results = new Map<string, { key: Item['key']; window: Span; value: number; most: number }>()
  for (const { time, value: item } of stream) {
    const key = keyOf(by, item)
    for (const window of paneSpans(time, windows, stepMs)) {
      const name = `${textOf(key)} ${window.end}`
      const result = results.get(name) ?? { key, window, value: 0, most: Number.NEGATIVE_INFINITY }
      result.value++
      result.most = Math.max(result.most, figureOf(item))
      results.set(name, result)
    }
  }
  return [...results.values()]
}

function paneSpans(time: number, windows: PartOf<'panes'>['windows'], stepMs: number): readonly Span[] {
  const every = { tumbling: 1, cumulative: 3, paused: 2 }[windows] * stepMs
  const start = Math.floor(time / every) * every
  const sizes = windows === 'cumulative' ? [1, 2, 3] : [1]
  return sizes.map((size) => ({ start, end: start + size * stepMs })).filter(({ end }) => time < end)
}

/** The windows that contain a time, earliest first. */
function spansAround(
  time: number,
  { sizeMs, slideMs = sizeMs, offsetMs, otherMs }: WindowShape,
): readonly Span[] {
  if (otherMs !== undefined) {
    const bothMs = sizeMs + otherMs
    const start = Math.floor((time - offsetMs) / bothMs) * bothMs + offsetMs
    const middle = start + sizeMs
    return [time < middle ? { start, end: middle } : { start: middle, end: start + bothMs }]
  }
  const spans: Span[] = []
  const last = Math.floor((time - offsetMs) / slideMs) * slideMs + offsetMs
  for (let start = last; start + sizeMs > time; start -= slideMs)
    spans.unshift({ start, end: start + sizeMs })
  return spans
}

/** A window, and its records: those that arrived before it was closed. */
interface FilledWindow {
  readonly span: Span
  readonly members: KnownRecord[]
}

function windowsAround(taken: KnownStream, { shape, latenessMs }: PartOf<'window'>): Iterable<FilledWindow> {
  const windows = new Map<number, FilledWindow>()
  for (const record of taken) {
    for (const span of spansAround(record.time, shape)) {
      const { end } = span
      if (!record.isOnTime && record.under! >= end + latenessMs) continue
      const window = windows.get(end)
      if (window === undefined) windows.set(end, { span, members: [record] })
      else window.members.push(record)
    }
  }
  return windows.values()
}

/** The result when the window ends, and an update for each record that arrives later. */
function resultsOf(
  { name, shape, aggregates }: PartOf<'window'>,
  { key, token, isOrdered }: Group,
  span: Span,
  members: readonly KnownRecord[],
): readonly PlacedResult[] | undefined {
  const { end } = span
  const isAfter = (record: KnownRecord): boolean => !record.isOnTime && record.under! >= end
  const hasOrder = isOrdered || members.length === 1
  const needsOrder = members.some(isAfter) || aggregates.some(({ kind }) => ordered.has(kind))
  if (needsOrder && !hasOrder) return undefined
  const resultOf = (records: readonly KnownRecord[]): Item =>
    ({
      key,
      window: span,
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

/** Aggregates that depend on the order of records. */
const ordered: ReadonlySet<AggregateKind> = new Set(['collect', 'collectAll', 'trail'])

function aggregated(
  { kind, only }: AggregateSpec,
  members: readonly KnownRecord[],
  shape: WindowShape,
): unknown {
  const records = members.filter(({ value }) => only === undefined || passes(only, value))
  const figures = records.map(({ value }) => figureOf(value))
  const sum = figures.reduce((total, figure) => total + figure, 0)
  switch (kind) {
    case 'count':
    case 'countAll':
      return records.length
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
      return inOrder(records, shape).map(figureOf)
    case 'collectAll':
      return inOrder(records, shape)
    case 'trail':
      return foldOf(inOrder(records, shape).map(figureOf))
    case 'distinct':
      return new Set(figures).size
  }
}

/** The items by slices, in order of arrival within a slice. */
function inOrder(records: readonly KnownRecord[], shape: WindowShape): readonly Item[] {
  const sliced = records.map(({ time, value }) => ({ slice: sliceOf(time, shape), value }))
  return sliced.sort((a, b) => a.slice - b.slice).map(({ value }) => value)
}

/** Slices are consecutive: the last time before `time` at which a window starts or ends. */
function sliceOf(time: number, { sizeMs, slideMs = sizeMs, offsetMs, otherMs }: WindowShape): number {
  // Windows of two alternating lengths do not overlap: each is one slice.
  if (otherMs !== undefined) return 0
  const lastOf = (shift: number): number => Math.floor((time - shift) / slideMs) * slideMs + shift
  return Math.max(lastOf(offsetMs), lastOf(offsetMs + sizeMs))
}
