import { MillraceError, type EventTime } from '@millrace/core'
import { isoTime, timeFormat } from './time-format.ts'

/** What an event time may be written as: a number or bigint in `unit`, a `Date`, or text. */
export type TimeValue = number | bigint | Date | string

/** What numbers count since the epoch: seconds, milliseconds, microseconds or nanoseconds. */
export type TimeUnit = 's' | 'ms' | 'us' | 'ns'

/** How the times of a stream are written. */
export interface TimeNotation {
  readonly unit?: TimeUnit | undefined
  readonly format?: string | undefined
  readonly zone?: string | undefined
}

const perMillisecond: Readonly<Record<TimeUnit, number>> = { s: 0.001, ms: 1, us: 1_000, ns: 1_000_000 }

/**
 * Makes the function that reads the event time of a value, in milliseconds since the epoch.
 *
 * @throws MillraceError `OPTION_INVALID` for a notation that makes no sense.
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
    // Whatever else it is, the engine refuses it and says what it is.
    return time instanceof Date ? time.getTime() : time
  }
}
