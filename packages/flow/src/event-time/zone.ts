import { MillraceError } from '@millrace/core'

/** Converts a local time, given in milliseconds as if it were UTC, to milliseconds since the epoch. */
export type Zone = (wallMs: number) => number

const offsetForm = /^([+-])(\d{2}):?(\d{2})$/

/**
 * The time zone `UTC`, `Z`, an offset like `+05:30`, or a tz database name like `Asia/Kolkata`. A local time
 * that occurs twice is the first of the two; one that does not exist is moved forward by the gap.
 *
 * @throws MillraceError `OPTION_INVALID` for an unknown zone.
 */
export function zoneOf(name: string): Zone {
  const offsetMs = fixedOffset(name)
  return offsetMs === undefined ? namedZone(offsetsOf(name)) : (wallMs) => wallMs - offsetMs
}

/** The inverse of `zoneOf`: from milliseconds since the epoch to the local time. */
export function localTimeIn(name: string): (utcMs: number) => number {
  const offsetMs = fixedOffset(name)
  if (offsetMs !== undefined) return (utcMs) => utcMs + offsetMs
  const offsetAt = offsetsOf(name)
  return (utcMs) => utcMs + offsetAt(utcMs)
}

/** The offset of a zone that never changes it; undefined for other names. */
function fixedOffset(name: string): number | undefined {
  return name === 'UTC' ? 0 : offsetMsOf(name)
}

/** The offset of a zone like `+05:30` or `-0700` in milliseconds ahead of UTC; undefined for other text. */
export function offsetMsOf(text: string): number | undefined {
  if (text === 'Z') return 0
  const match = offsetForm.exec(text)
  if (match === null) return undefined
  const [, sign, hours, minutes] = match
  if (Number(hours) > 18 || Number(minutes) > 59) return undefined
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}

/** No zone changes its offset twice within such a span. */
const spanMs = 15 * 60_000
/** The maximum number of spans whose offsets are cached. */
const spansMax = 10_000
const dayMs = 86_400_000

/** The offsets of a named zone, in milliseconds ahead of UTC. */
function offsetsOf(name: string): (utcMs: number) => number {
  const clock = clockIn(name)
  const offsets = new Map<number, number>()
  return (utcMs) => {
    const span = Math.floor(utcMs / spanMs)
    let offset = offsets.get(span)
    if (offset === undefined) {
      if (offsets.size >= spansMax) offsets.clear()
      offset = offsetIn(clock, span * spanMs)
      offsets.set(span, offset)
    }
    return offset
  }
}

function namedZone(offsetAt: (utcMs: number) => number): Zone {
  return (wallMs) => {
    // The offsets a day before and after: they differ only around a clock change.
    const before = offsetAt(wallMs - dayMs)
    const after = offsetAt(wallMs + dayMs)
    if (before === after) return wallMs - before
    const early = wallMs - Math.max(before, after)
    if (offsetAt(early) === Math.max(before, after)) return early
    const late = wallMs - Math.min(before, after)
    if (offsetAt(late) === Math.min(before, after)) return late
    return wallMs - before
  }
}

function clockIn(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    })
  } catch (cause) {
    throw new MillraceError(
      'OPTION_INVALID',
      `'${timeZone}' is not a time zone; give UTC, an offset like +05:30 or a name like Asia/Kolkata`,
      { cause },
    )
  }
}

function offsetIn(clock: Intl.DateTimeFormat, utcMs: number): number {
  const parts = new Map(clock.formatToParts(utcMs).map(({ type, value }) => [type, value]))
  const field = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type))
  const year = parts.get('era') === 'BC' ? 1 - field('year') : field('year')
  const wall = new Date(0)
  wall.setUTCFullYear(year, field('month') - 1, field('day'))
  wall.setUTCHours(field('hour'), field('minute'), field('second'))
  return wall.getTime() - utcMs
}
