/** Windows without a key, without slices that they share, or without event time, from their definition. */
import { figureOf, type Item } from './item.ts'
import { groupsOf, isPunctual, type KnownRecord, type KnownStream } from './known-stream.ts'
import type { Spans } from './last-shapes.ts'
import type { PartOf } from './topology.ts'

const dayMs = 86_400_000

/** The results; undefined if some record could be late. */
export function spansOf({ by, how }: PartOf<'spans'>, stream: KnownStream): readonly unknown[] | undefined {
  const groups = groupsOf(stream, by)
  if (isByCount(how)) {
    return groups.flatMap(({ key, records }) =>
      numbersOf(how, records.length).map((value): Item => ({ key, value })),
    )
  }
  if (!stream.every(isPunctual)) return undefined
  if (how.kind === 'whole') return windowsOf(how, 'all', stream)
  return groups.flatMap(({ key, records }) => windowsOf(how, key, records))
}

type ByCount = Extract<Spans, { kind: 'count' | 'evicting' | 'global' | 'byClock' }>
type ByTime = Exclude<Spans, ByCount>

function isByCount(how: Spans): how is ByCount {
  const { kind } = how
  return kind === 'count' || kind === 'evicting' || kind === 'global' || kind === 'byClock'
}

/** The first and last number in each window, and how many there are. */
function numbersOf(how: ByCount, records: number): readonly unknown[] {
  const all = (numbers: readonly number[]): readonly number[] => numbers
  const none = (): readonly number[] => []
  switch (how.kind) {
    case 'byClock':
      return [records]
    case 'count': {
      const { size, slide } = how
      if (slide === undefined) return panesOf(records, size, all, none)
      return panesOf(records, slide, (numbers) => numbers.slice(-size), all)
    }
    case 'global':
      return panesOf(records, how.every, all, how.panes === 'accumulating' ? all : none)
    case 'evicting': {
      const { kind, keeps, when } = how.evicts
      const stay = (numbers: readonly number[]): readonly number[] =>
        kind === 'count' ? numbers.slice(-keeps) : numbers.filter((n) => n % 2 === 1)
      return when === 'before'
        ? panesOf(records, how.every, stay, all)
        : panesOf(records, how.every, all, stay)
    }
  }
}

type Keep = (numbers: readonly number[]) => readonly number[]

/** What is in a window each time that so many records have come, and at last for the rest. */
function panesOf(records: number, every: number, before: Keep, after: Keep): readonly unknown[] {
  const panes: unknown[] = []
  let numbers: readonly number[] = []
  for (let n = 1; n <= records; n++) {
    numbers = [...numbers, n]
    if (n % every !== 0 && n !== records) continue
    numbers = before(numbers)
    if (numbers.length > 0) panes.push([numbers[0], numbers.at(-1), numbers.length])
    numbers = after(numbers)
  }
  return panes
}

function windowsOf(how: ByTime, key: Item['key'], records: readonly KnownRecord[]): readonly unknown[] {
  const starts = new Map(records.map(({ time }) => [windowOf(how, time).start, windowOf(how, time)]))
  return Array.from(starts.values(), (window) => {
    const members = records.filter(({ time }) => time >= window.start && time < window.end)
    const most = Math.max(...members.map(({ value }) => figureOf(value)))
    return { key, window, value: members.length, most }
  })
}

/** The window of a record. */
function windowOf(how: ByTime, time: number): { readonly start: number; readonly end: number } {
  switch (how.kind) {
    case 'trailing':
      return { start: time + 1 - how.sizeMs, end: time + 1 }
    case 'calendar': {
      const shift = how.offsetMs - how.zoneMs
      const start = Math.floor((time - shift) / dayMs) * dayMs + shift
      return { start, end: start + dayMs }
    }
    case 'custom': {
      // From the first window of a turn on, until one ends behind the time.
      const { lengthsMs, offsetMs } = how
      const turnMs = lengthsMs.reduce((a, b) => a + b, 0)
      const first = offsetMs + turnMs * Math.floor((time - offsetMs) / turnMs)
      const ends = lengthsMs.map((_, n) => first + lengthsMs.slice(0, n + 1).reduce((a, b) => a + b, 0))
      const at = ends.findIndex((end) => end > time)
      return { start: ends[at - 1] ?? first, end: ends[at]! }
    }
    case 'whole': {
      const start = Math.floor(time / how.sizeMs) * how.sizeMs
      return { start, end: start + how.sizeMs }
    }
  }
}
