import { MillraceError, type EventTime } from '@millrace/core'
import { isoTime, timeFormat } from './time-format.ts'

/** Accepted forms of an event time: a number or bigint in `unit`, a `Date`, or a string. */
export type TimeValue = number | bigint | Date | string

/** The unit of numeric times since the epoch: seconds, milliseconds, microseconds or nanoseconds. */
export type TimeUnit = 's' | 'ms' | 'us' | 'ns'

/** How the event times of a stream are written. */
export interface TimeNotation {
  readonly unit?: TimeUnit | undefined
  readonly format?: string | undefined
  readonly zone?: string | undefined
}

const perMillisecond: Readonly<Record<TimeUnit, number>> = { s: 0.001, ms: 1, us: 1_000, ns: 1_000_000 }

/**
 * Returns a function that converts event times to milliseconds since the epoch.
 *
 * @throws MillraceError `OPTION_INVALID` for an invalid notation.
 */
export function timeReader(
  at: (value: unknown) => TimeValue,
  { unit = 'ms', format, zone }: TimeNotation,
): (value: unknown) => EventTime {
  if (!Object.hasOwn(perMillisecond, unit)) {
    throw new MillraceError('OPTION_INVALID', `unit is ${String(unit)}; give 's', 'ms', 'us' or 'ns'`)
  }
  const parse = format === undefined ? isoTime(zone) : timeFormat(format, { zone })
  const divisor = perMillisecond[unit]
  return (value) => {
    const time = at(value)
    if (typeof time === 'number') return unit === 'ms' ? time : time / divisor
    if (typeof time === 'string') return parse(time)
    if (typeof time === 'bigint') return Number(time) / divisor
    // The engine rejects any other value and describes it.
    return time instanceof Date ? time.getTime() : time
  }
}
