import type { EventTime } from './time.ts'

const msPerDay = 86_400_000

/**
 * An event time for people, in UTC.
 *
 * @example
 * timeText(0) // => '1970-01-01T00:00:00.000Z'
 */
export function timeText(time: EventTime): string {
  if (!Number.isFinite(time) || Math.abs(time) > 8.64e15) return String(time)
  const ms = Math.floor(time)
  const day = Math.floor(ms / msPerDay)
  const inDay = ms - day * msPerDay
  const clock = [inDay / 3_600_000, (inDay / 60_000) % 60, (inDay / 1_000) % 60].map((part) => two(part))
  return `${dateText(day)}T${clock.join(':')}.${String(inDay % 1_000).padStart(3, '0')}Z`
}

/** The date of a day counted from 1970-01-01, in eras of 400 years that begin in March. */
function dateText(day: number): string {
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const leaps = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${yearText(year)}-${two(month)}-${two(dayOfMonth)}`
}

function yearText(year: number): string {
  if (year >= 0 && year <= 9_999) return String(year).padStart(4, '0')
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`
}

function two(part: number): string {
  return String(Math.floor(part)).padStart(2, '0')
}
