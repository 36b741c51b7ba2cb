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

/** How long a piece of state lives. */
export interface StateTtlOptions extends Omit<TtlOptions, 'after'> {
  /**
   * How long after its stamp a value expires, unless its write says otherwise. Default: never, so that only what was written
   * with a `ttl` of its own expires.
   */
  readonly after?: Duration
}

/** The option `ttl` of operators. */
export interface TtlOption {
  /** When values expire. An expired value is never visible, and is removed soon after. Default: never. */
  readonly ttl?: TtlOptions
}

/** The option `ttl` of pieces of state. */
export interface StateTtlOption {
  /**
   * When values expire. An expired value is never visible, and is removed soon after. A write may give its value another
   * time to live: `set(value, { ttl: '10m' })`. Default: never.
   */
  readonly ttl?: StateTtlOptions
}

/** Converts the option `ttl` of an operator. Throws `OPTION_INVALID`. */
export function timeToLive(ttl: TtlOptions | undefined, what: string): TimeToLive | undefined {
  const life = stateLife(ttl, what)
  // Only a piece of state can leave it to its writes.
  if (life !== undefined) positiveDurationMs(ttl!.after, `ttl.after of ${what}`)
  return life
}

/** Converts the option `ttl` of a piece of state. Throws `OPTION_INVALID`. */
export function stateLife(ttl: StateTtlOptions | undefined, what: string): TimeToLive | undefined {
  if (ttl === undefined) return undefined
  requireKnown(`ttl of ${what}`, ttl, ['after', 'clock', 'refresh'])
  const { after, clock = 'event', refresh = 'write' } = ttl
  requireChoice(`clock of the ttl of ${what}`, clock, ['event', 'processing'])
  requireChoice(`refresh of the ttl of ${what}`, refresh, ['create', 'write', 'read'])
  const afterMs =
    after === undefined ? Number.POSITIVE_INFINITY : positiveDurationMs(after, `ttl.after of ${what}`)
  return { afterMs, clock, refresh }
}

/** What `explain` says about how long state is kept. */
export function lifeText(ttl: TimeToLive | undefined): string | undefined {
  if (ttl === undefined) return undefined
  if (ttl.afterMs === Number.POSITIVE_INFINITY) return `for as long as each write says, of ${ttl.clock} time`
  const stamped = { create: 'created', write: 'last written', read: 'last used' }[ttl.refresh]
  return `for ${settingText({ value: ttl.afterMs, unit: 'ms' })} of ${ttl.clock} time after it was ${stamped}`
}
