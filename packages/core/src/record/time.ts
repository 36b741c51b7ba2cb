import { MillraceError } from '../errors/errors.ts'

/**
 * An event time: milliseconds since the Unix epoch, taken from the data. It may be negative. `NaN` means "no
 * timestamp" inside the engine and never reaches user code of a timed stream.
 */
export type EventTime = number

/** Before every event. The watermark of an input that has sent none yet. */
export const MIN_TIME: EventTime = Number.NEGATIVE_INFINITY

/** After every event. The watermark of an input that has ended; arithmetic does not change it. */
export const MAX_TIME: EventTime = Number.POSITIVE_INFINITY

/** A span of time: milliseconds, or text such as `'250ms'`, `'5s'`, `'1m'`, `'2h'`, `'1d'`, also combined: `'1m30s'`. */
export type Duration = number | string

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Converts a duration to milliseconds.
 *
 * `parameter` names the option in the error. Throws `OPTION_INVALID` for invalid text, and for negative or
 * non-finite numbers.
 *
 * @example
 * durationMs('1m30s', 'size') // => 90000
 */
export function durationMs(duration: Duration, parameter: string): number {
  const ms = typeof duration === 'number' ? duration : parseDuration(duration)
  if (!Number.isFinite(ms) || ms < 0) {
    throw new MillraceError(
      'OPTION_INVALID',
      `${parameter} is ${typeof duration === 'string' ? JSON.stringify(duration) : String(duration)}, which is not a duration; ${adviceOn(duration)}`,
    )
  }
  return ms
}

function adviceOn(duration: Duration): string {
  return typeof duration === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(duration)
    ? `it has no unit: write ${duration.trim()}ms, ${duration.trim()}s or ${duration.trim()}m`
    : "give milliseconds or text such as '5s' or '1m30s'"
}

/** Like `durationMs`, but zero is rejected too. */
export function positiveDurationMs(duration: Duration, parameter: string): number {
  const ms = durationMs(duration, parameter)
  if (ms === 0) throw new MillraceError('OPTION_INVALID', `${parameter} must be longer than zero`)
  return ms
}

/**
 * Formats a time span for people.
 *
 * @example
 * durationText(90_000) // => '1m30s'
 */
export function durationText(ms: number): string {
  if (ms < 0) return `-${durationText(-ms)}`
  if (!Number.isFinite(ms) || ms === 0) return `${ms}ms`
  let text = ''
  let rest = ms
  for (const [unit, size] of Object.entries(unitMs).toReversed()) {
    const amount = size === 1 ? rest : Math.floor(rest / size)
    if (amount > 0) text += `${amount}${unit}`
    rest -= amount * size
  }
  return text
}

function parseDuration(text: string): number {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return Number.NaN
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (unitMs[unit!] ?? Number.NaN)
  }
  return total
}

/** The maximum distance of a calendar date from the epoch, in milliseconds. */
const farthestDate = 8.64e15

/**
 * Formats an event time for people.
 *
 * @example
 * timeText(0) // => '1970-01-01T00:00:00.000Z'
 */
export function timeText(time: EventTime): string {
  if (!(Math.abs(time) <= farthestDate)) return `${time} ms`
  // oxlint-disable-next-line no-restricted-globals -- formats a given time, and does not ask for the time of day
  return new Date(time).toISOString()
}
