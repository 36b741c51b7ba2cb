/** What comes of records of two streams that meet, and of sessions, from their definition. */
import { figureOf, keyOf, type Item } from './item.ts'
import { isPunctual, textOf, type KnownRecord, type KnownStream } from './known-stream.ts'
import { pairValue, roundsOf } from './meeting-values.ts'
import type { Meeting, PartOf } from './topology.ts'

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
  const keyed = (stream: KnownStream): readonly Keyed[] =>
    stream.map((record) => {
      const key = keyOf(by, record.value)
      return { record, key, token: textOf(key) }
    })
  return how.kind === 'rounds'
    ? summedUp(how.everyMs, keyed(left), keyed(right))
    : joinedOf(how, keyed(left), keyed(right))
}

function joinedOf(
  how: Exclude<Meeting, { kind: 'rounds' }>,
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

/** The sessions of a stream; undefined if some record could be late. */
export function sessionsOf(
  { by, gapMs }: PartOf<'session'>,
  stream: KnownStream,
): readonly unknown[] | undefined {
  if (!stream.every(isPunctual)) return undefined
  interface Session {
    readonly key: Item['key']
    readonly window: { readonly start: number; end: number }
    value: number
    most: number
  }
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
