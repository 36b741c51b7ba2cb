import type { EventTime } from '@millrace/core'
import type { OperatorContext, StateSetting } from '@millrace/core/operator'

const name = 'allowed lateness'

/** What a checkpoint knows of the lateness that windows allow. A later program may allow another one. */
export function latenessSetting(ms: number): StateSetting {
  return { name, value: ms, unit: 'ms', mayChange: true }
}

/** Windows that ended at or before this were closed by an earlier program that allowed less lateness. */
export function closedUpTo(context: OperatorContext): EventTime {
  const closed = context.earlier(name).map(({ value, until }) => until - Number(value))
  return Math.max(Number.NEGATIVE_INFINITY, ...closed)
}
