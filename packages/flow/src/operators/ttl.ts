import { positiveDurationMs, requireKnown, type Duration } from '@millrace/core'
import { settingText, type TimeToLive } from '@millrace/core/operator'
import { requireChoice } from './choice.ts'

/** How long state lives. */
export interface TtlOptions {
  /** How long after its stamp a value expires. */
  readonly after: Duration
  /**
   * The clock. `'event'`: the time of the record or event timer that looks, or the watermark if that is later,
   * so a replay expires the same values. `'processing'`: the time of day; results depend on when the job runs.
   * Default `'event'`, which a stream without timestamps does not have.
   */
  readonly clock?: 'event' | 'processing'
  /** When a value is stamped: when it is created, also when it is written, or also when it is read. Default `'write'`. */
  readonly refresh?: 'create' | 'write' | 'read'
}

/** The option `ttl`, for operators and pieces of state. */
export interface TtlOption {
  /** When values expire. An expired value is never visible, and is removed soon after. Default: never. */
  readonly ttl?: TtlOptions
}

/** Converts the option `ttl` of `what`. Throws `OPTION_INVALID`. */
export function timeToLive(ttl: TtlOptions | undefined, what: string): TimeToLive | undefined {
  if (ttl === undefined) return undefined
  requireKnown(`ttl of ${what}`, ttl, ['after', 'clock', 'refresh'])
  const { after, clock = 'event', refresh = 'write' } = ttl
  requireChoice(`clock of the ttl of ${what}`, clock, ['event', 'processing'])
  requireChoice(`refresh of the ttl of ${what}`, refresh, ['create', 'write', 'read'])
  return { afterMs: positiveDurationMs(after, `ttl.after of ${what}`), clock, refresh }
}

/** What `explain` says about how long state is kept. */
export function lifeText(ttl: TimeToLive | undefined): string | undefined {
  if (ttl === undefined) return undefined
  const stamped = { create: 'created', write: 'last written', read: 'last used' }[ttl.refresh]
  return `for ${settingText({ value: ttl.afterMs, unit: 'ms' })} of ${ttl.clock} time after it was ${stamped}`
}
