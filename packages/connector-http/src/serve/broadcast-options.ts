import { positiveDurationMs, requireKnown, type Duration } from '@millrace/core'
import { encodeJson } from '@millrace/core/connector'
import { requireCount } from '../client/client-options.ts'
import { accessPlanOf, type AccessOptions, type AccessPlan } from './access.ts'
import type { HubPlan } from './hub.ts'

/** Where a server broadcasts, what, and how patient it is with its clients. */
export interface BroadcastOptions<T> extends AccessOptions {
  /** Makes the text of a record. What it throws follows the error policy. Default: JSON. */
  readonly encode?: (value: T) => string
  /** Origins of web pages that may connect, such as `https://app.example`. Default: none but its own. */
  readonly allowedOrigins?: readonly string[]
  /** The newest records are kept for clients that are behind. Default 1,000 records, 8 MiB. */
  readonly history?: { readonly records?: number; readonly bytes?: number }
  /**
   * How long a client may keep the pipeline waiting, when the history is full and the client still needs its oldest record.
   * Then it is disconnected. The time is counted until the client has taken everything. Default `'5s'`.
   */
  readonly slowAfter?: Duration
  /** The most clients at a time. Default 1,000. */
  readonly subscribersMax?: number
  /** How often a sign of life is sent. Default `'15s'`. */
  readonly heartbeat?: Duration
}

/** The options with defaults applied. */
export interface BroadcastPlan<T> extends AccessPlan, HubPlan {
  readonly encode: (value: T) => string
  readonly origins: ReadonlySet<string>
  readonly heartbeatMs: number
}

const broadcastOptions = [
  'port',
  'host',
  'path',
  'token',
  'allowWithoutToken',
  'allowedHosts',
  'encode',
  'allowedOrigins',
  'history',
  'slowAfter',
  'subscribersMax',
  'heartbeat',
] as const

/** Throws `OPTION_INVALID` for options that cannot be meant. `more` are the names of further options. */
export function broadcastPlanOf<T>(
  what: string,
  options: BroadcastOptions<T>,
  more: readonly string[] = [],
): BroadcastPlan<T> {
  requireKnown(what, options, [...broadcastOptions, ...more])
  const {
    allowedOrigins = [],
    history = {},
    slowAfter = '5s',
    subscribersMax = 1_000,
    heartbeat = '15s',
  } = options
  requireKnown(`${what}: history`, history, ['records', 'bytes'])
  const { records = 1_000, bytes = 8 * 1024 * 1024 } = history
  requireCount(what, 'history.records', records)
  requireCount(what, 'history.bytes', bytes)
  requireCount(what, 'subscribersMax', subscribersMax)
  return {
    ...accessPlanOf(what, options, '/'),
    encode: options.encode ?? encodeJson,
    origins: new Set(allowedOrigins),
    recordsMax: records,
    bytesMax: bytes,
    subscribersMax,
    slowAfterMs: positiveDurationMs(slowAfter, `${what}: slowAfter`),
    heartbeatMs: positiveDurationMs(heartbeat, `${what}: heartbeat`),
  }
}
