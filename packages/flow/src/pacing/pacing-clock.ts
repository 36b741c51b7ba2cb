import { MillraceError, type Duration } from '@millrace/core'
import type { OperatorContext } from '@millrace/core/operator'
import { requireChoice } from '../operators/choice.ts'

/** The clock that an operator waits on. */
export type PacingClock = 'event' | 'processing'

/** The option `clock`. */
export interface PacingClockOption {
  /**
   * `'processing'`: the time of day; what comes when then depends on when the job runs. `'event'`: the times of
   * records and the watermark, for a stream with timestamps. Default `'processing'`.
   */
  readonly clock?: PacingClock
}

/** The clock of `what`. Throws `OPTION_INVALID`. */
export function isDueBy({ clock = 'processing' }: PacingClockOption, what: string): PacingClock {
  requireChoice(`clock of ${what}`, clock, ['event', 'processing'])
  return clock
}

/** Sets a timer for the current key `ms` after the record, by `clock`, and returns its time. */
export function setDue(context: OperatorContext, clock: PacingClock, time: number, ms: number): number {
  const due = (clock === 'event' ? time : context.now()) + ms
  if (clock === 'event') context.timers.setEvent(due)
  else context.timers.setProcessing(due)
  return due
}

/** Deletes the timer that `setDue` has set. */
export function deleteDue(context: OperatorContext, clock: PacingClock, due: number): void {
  if (clock === 'event') context.timers.deleteEvent(due)
  else context.timers.deleteProcessing(due)
}

/** For `explain`: how long something is kept. */
export function dueText(time: Duration | undefined, clock: PacingClock): string {
  return time === undefined ? '' : ` for ${time} of ${clock} time`
}

/** Throws `OPTION_INVALID` unless at least one of the options is given. */
export function requireOneOf<T extends object>(
  what: string,
  options: T,
  names: readonly (keyof T & string)[],
): void {
  if (names.some((name) => options[name] !== undefined)) return
  throw new MillraceError('OPTION_INVALID', `${what} has no limit; give ${names.join(' or ')}`)
}
