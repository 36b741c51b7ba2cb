import type { EventTime } from '@millrace/core'
import { localTimeIn, zoneOf } from './zone.ts'

/** A unit of the calendar. */
export type CalendarUnit = 'day' | 'week' | 'month' | 'quarter' | 'year'

export const dayMs = 86_400_000

/** The first day of each week, as the remainder of its number by 7. Day 0 is Thursday, the first of January 1970. */
const firstWeekdays = { monday: 4, saturday: 2, sunday: 3 } as const

/** A day with which weeks begin somewhere. */
export type Weekday = keyof typeof firstWeekdays
export const weekdays = Object.keys(firstWeekdays) as readonly Weekday[]

/** The first day of the unit that contains a day, and `by` units later. Days are numbered from the epoch. */
const firstDays: Readonly<Record<CalendarUnit, (day: number, by: number, weekStart: number) => number>> = {
  day: (day, by) => day + by,
  week: (day, by, weekStart) => Math.floor((day - weekStart) / 7 + by) * 7 + weekStart,
  month: (day, by) => firstOfMonths(day, by, 1),
  quarter: (day, by) => firstOfMonths(day, by, 3),
  year: (day, by) => firstOfMonths(day, by, 12),
}
export const calendarUnits = Object.keys(firstDays) as readonly CalendarUnit[]

function firstOfMonths(day: number, by: number, months: number): number {
  const date = new Date(day * dayMs)
  const unit = Math.floor(date.getUTCMonth() / months) + by
  date.setUTCFullYear(date.getUTCFullYear(), unit * months, 1)
  return date.getTime() / dayMs
}

/** A span of time, without its end. */
interface Span {
  readonly start: EventTime
  readonly end: EventTime
}

/** Which spans. `shift` is how long after midnight they begin. */
interface CalendarParts {
  readonly unit: CalendarUnit
  readonly zone: string
  readonly shift: number
  readonly weekStart: Weekday
}

/** The spans of a time zone between the first days of units. */
export class CalendarSpans {
  readonly #localTime: (utcMs: number) => number
  readonly #instant: (localMs: number) => number
  readonly #shift: number
  readonly #firstDay: (day: number, by: number) => number
  /** The last answer: most times are in the same span as the one before. */
  #last: Span = { start: Number.NaN, end: Number.NaN }

  constructor({ unit, zone, shift, weekStart }: CalendarParts) {
    this.#localTime = localTimeIn(zone)
    this.#instant = zoneOf(zone)
    this.#shift = shift
    this.#firstDay = (day, by) => firstDays[unit](day, by, firstWeekdays[weekStart])
  }

  around(time: EventTime): Span {
    if (time >= this.#last.start && time < this.#last.end) return this.#last
    const day = Math.floor((this.#localTime(time) - this.#shift) / dayMs)
    // Where clocks are set back over midnight, the local date returns to a day that is over.
    let by = 0
    while (this.#begin(day, by + 1) <= time) by++
    this.#last = { start: this.#begin(day, by), end: this.#begin(day, by + 1) }
    return this.#last
  }

  #begin(day: number, by: number): EventTime {
    return this.#instant(this.#firstDay(day, by) * dayMs + this.#shift)
  }
}
