import { MillraceError, type Duration } from '@millrace/core'
import type { StateSetting } from '@millrace/core/operator'
import {
  calendarUnits,
  CalendarSpans,
  dayMs,
  weekdays,
  type CalendarUnit,
  type Weekday,
} from '../event-time/calendar-spans.ts'
import type { WindowAssigner } from './assigner.ts'
import { ConsecutiveWindows } from './custom.ts'
import { offsetMs } from './sliding.ts'

/** Options of `calendar`. */
export interface CalendarOptions {
  /** The time zone: `UTC`, an offset like `+05:30`, or a name like `Europe/Berlin`. */
  readonly zone: string
  /** The first day of a week. Default `'monday'`. */
  readonly weekStart?: Weekday
  /**
   * How long after midnight by the local clock windows begin, such as `'6h'` for business days. May be
   * negative; shorter than a day. Default 0.
   */
  readonly offset?: Duration
}

/**
 * Days, weeks, months, quarters or years of a time zone. A day begins at its local midnight, so it has 23 or
 * 25 hours where clocks change for daylight saving.
 *
 * Throws `OPTION_INVALID`.
 *
 * @example
 * calendar('month', { zone: 'Europe/Berlin' }) // a monthly bill
 * calendar('day', { zone: 'America/New_York', offset: '-7h' }) // days from 17:00 of the day before
 */
export function calendar(unit: CalendarUnit, options: CalendarOptions): WindowAssigner {
  const { zone, weekStart = 'monday', offset = 0 } = options
  if (!calendarUnits.includes(unit)) throw notOneOf('unit', unit, calendarUnits)
  if (!weekdays.includes(weekStart)) throw notOneOf('weekStart', weekStart, weekdays)
  if (typeof zone !== 'string') {
    throw new MillraceError(
      'OPTION_INVALID',
      `windows of a calendar need a zone, such as 'UTC' or 'Europe/Berlin', because days differ between time zones`,
    )
  }
  const shift = offsetMs(offset, dayMs, 'a day')
  const settings: StateSetting[] = [
    { name: 'zone', value: zone },
    { name: 'offset', value: shift, unit: 'ms' },
    ...(unit === 'week' ? [{ name: 'first day', value: weekStart }] : []),
  ]
  const spans = new CalendarSpans({ unit, zone, shift, weekStart })
  const description = `windows of one ${unit} in ${zone}`
  return new ConsecutiveWindows(description, { kind: unit, settings }, (time) => spans.around(time))
}

function notOneOf(what: string, given: unknown, choices: readonly string[]): MillraceError {
  const list = choices.map((choice) => `'${choice}'`).join(', ')
  return new MillraceError('OPTION_INVALID', `${what} is ${JSON.stringify(given)}; it must be one of ${list}`)
}
