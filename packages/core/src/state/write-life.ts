/** How long the value of one write lives. */
import { MillraceError } from '../errors/errors.ts'
import { requireKnown } from '../errors/known-options.ts'
import { positiveDurationMs } from '../record/time.ts'
import { ExpiringTable } from './expiring-table.ts'
import type { WriteOptions } from './handles.ts'
import type { Cell, StateTable } from './state-store.ts'

/**
 * The time to live that a write gives its value, in milliseconds; undefined: that of the table. `what` names the state in
 * the errors `STATE_MISUSED` and `OPTION_INVALID`.
 */
export function writeLife(
  table: StateTable<unknown>,
  options: WriteOptions | undefined,
  what: string,
): number | undefined {
  if (options === undefined) return undefined
  requireKnown(`a write to ${what}`, options, ['ttl'])
  if (options.ttl === undefined) return undefined
  if (!(table instanceof ExpiringTable)) {
    throw new MillraceError(
      'STATE_MISUSED',
      `a write to ${what} has a ttl, but the state has none; declare the state with a ttl, such as { clock: 'event' } if each write says how long its value lives`,
    )
  }
  return positiveDurationMs(options.ttl, `ttl of a write to ${what}`)
}

/** Says that a value was written that lives that long; undefined: as long as the table says. */
export function changedFor<T>(table: StateTable<T>, cell: Cell<T>, lifeMs: number | undefined): void {
  if (lifeMs === undefined) table.changed(cell)
  else (table as ExpiringTable<T>).changedFor(cell, lifeMs)
}
