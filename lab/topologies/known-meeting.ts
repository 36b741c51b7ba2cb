/** What comes of records of two streams that meet, and of sessions, from their definition. */
import { figureOf, keyOf, type Grouping, type Item } from './item.ts'
import { isPunctual, onlyOf, textOf, type KnownRecord, type KnownStream } from './known-stream.ts'
import { groupValue, pairValue, roundsOf } from './meeting-values.ts'
import type { Meeting } from './last-shapes.ts'
import type { PartOf } from './topology.ts'

interface Keyed {
  readonly record: KnownRecord
  readonly key: Item['key']
  readonly token: string
}

/** The results; undefined if the data do not decide them, because some record could be late. */
export function meetingOf(
  { by, how }: PartOf<'meeting'>,
  left: KnownStream,
  right: KnownStream,
): readonly Item[] | undefined {
  if (![...left, ...right].every(isPunctual)) return undefined
  const [lefts, rights] = [keyedOf(by, left), keyedOf(by, right)]
  switch (how.kind) {
    case 'rounds':
      return summedUp(how.everyMs, lefts, rights)
    case 'asOf':
      return asOf(how, lefts, rights)
    case 'group':
      return grouped(how, lefts, rights)
    default:
      return joinedOf(how, lefts, rights)
  }
}

function keyedOf(by: Grouping, stream: KnownStream): readonly Keyed[] {
  return stream.map((record) => {
    const key = keyOf(by, record.value)
    return { record, key, token: textOf(key) }
  })
}

/** Each left record with the newest version of its time; undefined if it is not known which of two is newest. */
function asOf(
  { validForMs = Number.POSITIVE_INFINITY, join }: Extract<Meeting, { kind: 'asOf' }>,
  left: readonly Keyed[],
  right: readonly Keyed[],
): readonly Item[] | undefined {
  const results: Item[] = []
  for (const { key, token, record } of left) {
    const before = right.filter((r) => key !== null && r.token === token && r.record.time <= record.time)
    const since = Math.max(...before.map((r) => r.record.time))
    const newest = before.filter((r) => r.record.time === since).map((r) => r.record)
    const version = newest.length === 0 || record.time >= since + validForMs ? undefined : onlyOf(newest, -1)
    if (version === undefined && newest.length > 0 && record.time < since + validForMs) return undefined
    if (version !== undefined || join === 'left') results.push(pairValue(record.value, version?.value))
  }
  return results
}

/** What each window has of both streams, or the left records that have a partner in it, or none. */
function grouped(
  { sizeMs, use }: Extract<Meeting, { kind: 'group' }>,
  left: readonly Keyed[],
  right: readonly Keyed[],
): readonly Item[] {
  const windowOf = ({ record, token }: Keyed): string => `${token} ${Math.floor(record.time / sizeMs)}`
  const itemsIn = (all: readonly Keyed[], window: string): readonly Item[] =>
    all.filter((each) => windowOf(each) === window).map(({ record }) => record.value)
  if (use === 'cogroup') {
    const windows = new Map([...left, ...right].map((each) => [windowOf(each), each.key]))
    return Array.from(windows, ([window, key]) =>
      groupValue({ key, left: itemsIn(left, window), right: itemsIn(right, window) }),
    )
  }
  const hasPartner = (each: Keyed): boolean => each.key !== null && itemsIn(right, windowOf(each)).length > 0
  return left.filter((each) => hasPartner(each) === (use === 'semi')).map(({ record }) => record.value)
}

/** The sums of each key and round, with that of the broadcast stream; undefined if some record could be late. */
export function broadcastOf(
  { by, everyMs }: PartOf<'broadcast'>,
  stream: KnownStream,
  rules: KnownStream,
): readonly Item[] | undefined {
  if (![...stream, ...rules].every(isPunctual)) return undefined
  const all = new Map<number, number>()
  for (const { time, value } of rules) {
    const round = Math.floor(time / everyMs)
    all.set(round, roundsOf(all.get(round) ?? 0, 1, figureOf(value)))
  }
  return summedUp(everyMs, keyedOf(by, stream), []).map(({ key, value }) => {
    const [round, own] = value as readonly [number, number]
    return { key, value: [round, own, all.get(round) ?? -1] }
  })
}

function joinedOf(
  how: Extract<Meeting, { kind: 'window' | 'between' }>,
  left: readonly Keyed[],
  right: readonly Keyed[],
): readonly Item[] {
  const meets = (l: Keyed, r: Keyed): boolean => {
    if (l.key === null || l.token !== r.token) return false
    const [from, to] = [l.record.time, r.record.time]
    if (how.kind === 'between') return to - from >= how.lowerMs && to - from <= how.upperMs
    return Math.floor(from / how.sizeMs) === Math.floor(to / how.sizeMs)
  }
  const results = left.flatMap((l) =>
    right.filter((r) => meets(l, r)).map((r) => pairValue(l.record.value, r.record.value)),
  )
  if (how.join === 'left' || how.join === 'full') {
    const lonely = left.filter((l) => !right.some((r) => meets(l, r)))
    results.push(...lonely.map((l) => pairValue(l.record.value, undefined)))
  }
  if (how.join === 'right' || how.join === 'full') {
    const lonely = right.filter((r) => !left.some((l) => meets(l, r)))
    results.push(...lonely.map((r) => pairValue(undefined, r.record.value)))
  }
  return results
}

function summedUp(everyMs: number, left: readonly Keyed[], right: readonly Keyed[]): readonly Item[] {
  const sums = new Map<string, { key: Item['key']; round: number; value: number }>()
  for (const [weight, stream] of [left, right].entries()) {
    for (const { key, token, record } of stream) {
      const round = Math.floor(record.time / everyMs)
      const sum = sums.get(`${token} ${round}`) ?? { key, round, value: 0 }
      sum.value = roundsOf(sum.value, weight, figureOf(record.value))
      sums.set(`${token} ${round}`, sum)
    }
  }
  return Array.from(sums.values(), ({ key, round, value }) => ({ key, value: [round, value] }))
}

interface Session {
  readonly key: Item['key']
  readonly window: { readonly start: number; end: number }
  /** How many records it has. */
  value: number
  /** The greatest figure. */
  most: number
}

/** The sessions of a stream; undefined if some record could be late. */
export function sessionsOf(
  { by, gapMs }: Pick<PartOf<'session'>, 'by' | 'gapMs'>,
  stream: KnownStream,
): readonly Readonly<Session>[] | undefined {
  if (!stream.every(isPunctual)) return undefined
  const open = new Map<string, Session>()
  const results: Session[] = []
  for (const { time, value: item } of stream.toSorted((a, b) => a.time - b.time)) {
    const key = keyOf(by, item)
    const figure = figureOf(item)
    const last = open.get(textOf(key))
    if (last !== undefined && time <= last.window.end) {
      last.window.end = time + gapMs
      last.value++
      last.most = Math.max(last.most, figure)
    } else {
      const session = { key, window: { start: time, end: time + gapMs }, value: 1, most: figure }
      open.set(textOf(key), session)
      results.push(session)
    }
  }
  return results
}
