import { MillraceError, type EventTime } from '@millrace/core'
import { offsetMsOf, zoneOf, type Zone } from './zone.ts'

/** Parses a time from text. Throws `TIMESTAMP_INVALID` for text that is not such a time. */
export type TimeParser = (text: string) => EventTime

/** The fields of a time as numbers; missing fields have their lowest value. */
interface Fields {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  /** Milliseconds, with a fraction if the text has more digits. */
  milliseconds: number
  /** Milliseconds ahead of UTC; undefined if the text has no offset. */
  offsetMs: number | undefined
}

type Set = (fields: Fields, text: string) => void

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** For each token: the text that it matches, and the field that it sets. */
const tokens: Readonly<Record<string, { readonly matches: string; readonly set: Set }>> = {
  yyyy: { matches: '\\d{4}', set: (fields, text) => (fields.year = Number(text)) },
  MM: { matches: '\\d{2}', set: (fields, text) => (fields.month = Number(text)) },
  MMM: { matches: months.join('|'), set: (fields, text) => (fields.month = months.indexOf(text) + 1) },
  dd: { matches: '\\d{2}', set: (fields, text) => (fields.day = Number(text)) },
  d: { matches: '\\d{1,2}', set: (fields, text) => (fields.day = Number(text)) },
  HH: { matches: '\\d{2}', set: (fields, text) => (fields.hour = Number(text)) },
  mm: { matches: '\\d{2}', set: (fields, text) => (fields.minute = Number(text)) },
  ss: { matches: '\\d{2}', set: (fields, text) => (fields.second = Number(text)) },
  X: { matches: 'Z|[+-]\\d{2}:?\\d{2}', set: (fields, text) => (fields.offsetMs = offsetMsOf(text)) },
}

const fraction: Set = (fields, text) => (fields.milliseconds = Number(`0.${text}`) * 1_000)

const tokenForm = /'((?:[^']|'')*)'|(yyyy|MMM|MM|dd|d|HH|mm|ss|S+|X+)|([A-Za-z]+)|([^A-Za-z'])/g

/**
 * Returns a parser for times in your own format. The letters are those of Unicode's date patterns, as in Java
 * and Flink: `yyyy`, `MM` or `MMM` (Jan), `dd` or `d`, `HH`, `mm`, `ss`, `S` for digits of the second's
 * fraction, `X` for an offset (`Z`, `+0530`, `-07:00`). Quote other letters. Without an `X`, `zone` is
 * required: `UTC`, an offset, or a name of the tz database. The machine's own zone is never used.
 *
 * @throws MillraceError `OPTION_INVALID` for an invalid format or zone.
 *
 * @example
 * const apache = timeFormat('dd/MMM/yyyy:HH:mm:ss X')
 * apache('10/Oct/2000:13:55:36 -0700') // => 971211336000
 */
export function timeFormat(format: string, options: { readonly zone?: string | undefined } = {}): TimeParser {
  const sets: Set[] = []
  let source = ''
  let hasOffset = false
  for (const [, quoted, token, letters, other] of format.matchAll(tokenForm)) {
    if (letters !== undefined) {
      throw new MillraceError(
        'OPTION_INVALID',
        `the time format '${format}' has the letters ${letters}, which have no meaning; put text between quotes`,
      )
    }
    if (token === undefined) {
      source += escaped(quoted === undefined ? other! : quoted === '' ? "'" : quoted.replaceAll("''", "'"))
      continue
    }
    const isFraction = token.startsWith('S')
    const { matches, set } = isFraction
      ? { matches: `\\d{${token.length}}`, set: fraction }
      : tokens[token.startsWith('X') ? 'X' : token]!
    if (token.startsWith('X')) hasOffset = true
    sets.push(set)
    source += `(${matches})`
  }
  if (!sets.includes(tokens['yyyy']!.set)) {
    throw new MillraceError(
      'OPTION_INVALID',
      `the time format '${format}' has no year (yyyy); an event time needs one`,
    )
  }
  const { zone } = options
  if (!hasOffset && zone === undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      `the time format '${format}' has no offset (X), so set zone to the time zone of the times, such as UTC`,
    )
  }
  const form = new RegExp(`^${source}$`)
  const place = zone === undefined ? undefined : zoneOf(zone)
  return (text) => {
    const match = form.exec(text)
    if (match === null) throw invalid(text, `does not look like ${format}`)
    const fields = noFields()
    for (const [index, set] of sets.entries()) set(fields, match[index + 1]!)
    return timeOf(fields, text, place)
  }
}

const isoForm =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s?(Z|[+-]\d{2}:?\d{2})?$/i

/** Parses ISO 8601 and RFC 3339 times, with a space or a T. `zone` applies to times without an offset. */
export function isoTime(zone: string | undefined): TimeParser {
  const place = zone === undefined ? undefined : zoneOf(zone)
  return (text) => {
    const match = isoForm.exec(text)
    if (match === null)
      throw invalid(text, 'does not look like 2026-01-31T12:00:00Z; set format to say how times are written')
    const [, year, month, day, hour = 0, minute = 0, second = 0, digits, offset] = match
    const fields: Fields = {
      year: Number(year),
      month: Number(month),
      day: Number(day),
      hour: Number(hour),
      minute: Number(minute),
      second: Number(second),
      milliseconds: 0,
      offsetMs: offset === undefined ? undefined : offsetMsOf(offset.toUpperCase()),
    }
    if (digits !== undefined) fraction(fields, digits)
    return timeOf(fields, text, place)
  }
}

function noFields(): Fields {
  return { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, milliseconds: 0, offsetMs: undefined }
}

function timeOf(fields: Fields, text: string, zone: Zone | undefined): EventTime {
  const { year, month, day, hour, minute, second, milliseconds, offsetMs } = fields
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  if (!exists || hour > 23 || minute > 59 || second > 59) throw invalid(text, 'is not a time that exists')
  const wallMs = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1_000
  if (offsetMs !== undefined) return wallMs - offsetMs + milliseconds
  if (zone === undefined) throw invalid(text, 'has no offset; set zone to its time zone, such as UTC')
  return zone(wallMs) + milliseconds
}

function invalid(text: string, why: string): MillraceError {
  return new MillraceError('TIMESTAMP_INVALID', `the event time '${text}' ${why}`)
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
