import { isSentByPages } from './content-type.ts'
import { positiveDurationMs, type Duration } from '@millrace/core'
import { isCredential, isFieldName, traceFields } from './header-fields.ts'
import { accessPlanOf, isCount, requireOption, type AccessOptions, type AccessPlan } from './serve/access.ts'

/** Options of the HTTP server: where it listens, what it accepts, and its limits. */
export interface HttpServerOptions extends AccessOptions {
  /**
   * When a request is answered: `durable` (the default) with 200 once a crash can no longer lose its records;
   * `received` with 202 as soon as they are validated: faster, but a crash may lose records that were just
   * answered.
   */
  readonly ack?: 'durable' | 'received'
  /**
   * The header fields of a request that its records carry as headers, besides `traceparent`, `tracestate` and `baggage`. Those that tell
   * who a client is (`authorization`, `cookie`) are refused.
   */
  readonly headers?: readonly string[]
  /** The largest body in bytes, both as sent and inflated. Default 1 MiB. */
  readonly bodyBytesMax?: number
  /**
   * Maximum bytes not yet covered by a checkpoint; above it, requests are answered with 429. Default 256 MiB.
   */
  readonly inboxBytesMax?: number
  /** The `Retry-After` of rejected requests, in seconds. Default 1. */
  readonly retryAfterSeconds?: number
  /** How long receiving a request may take. Default 30 s. */
  readonly requestTimeout?: Duration
  /** How long the end of the job waits for requests in progress. Default 5 s. */
  readonly closeTimeout?: Duration
  /** How many requests with an `Idempotency-Key` are remembered. Default 10,000. */
  readonly idempotencyKeysMax?: number
}

/** The options with defaults applied. */
export interface ServerPlan extends AccessPlan {
  readonly ack: 'durable' | 'received'
  /** The media type of a body that is one record in a format; undefined for JSON. */
  readonly contentType: string | undefined
  /** The header fields that records carry, in lower case. */
  readonly headers: readonly string[]
  readonly bodyBytesMax: number
  readonly inboxBytesMax: number
  readonly retryAfterSeconds: number
  readonly requestTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly idempotencyKeysMax: number
}

/** Validates options and applies defaults. `contentType` is that of a format, if there is one. Throws `OPTION_INVALID` for invalid or unsafe options. */
export function planOf(options: HttpServerOptions, contentType?: string): ServerPlan {
  const { ack = 'durable', bodyBytesMax = 1024 * 1024, inboxBytesMax = 256 * 1024 * 1024 } = options
  const { retryAfterSeconds = 1, idempotencyKeysMax = 10_000, headers = [] } = options
  const require = (isValid: boolean, name: string, value: unknown, wanted: string): void =>
    requireOption('http.receive', isValid, name, value, wanted)
  require(ack === 'durable' || ack === 'received', 'ack', ack, "'durable' or 'received'")
  const areCarried =
    Array.isArray(headers) && headers.every((name) => isFieldName(name) && !isCredential(name))
  require(areCarried, 'headers', headers, 'names of header fields, without authorization and cookie')
  const isSize = isCount(bodyBytesMax) && bodyBytesMax > 0
  require(isSize, 'bodyBytesMax', bodyBytesMax, 'a whole number of bytes')
  require(isCount(retryAfterSeconds), 'retryAfterSeconds', retryAfterSeconds, 'a whole number of seconds')
  require(isCount(idempotencyKeysMax), 'idempotencyKeysMax', idempotencyKeysMax, 'a whole number')
  const isEnough = isCount(inboxBytesMax) && inboxBytesMax >= bodyBytesMax
  const bytes = `a whole number of bytes, at least bodyBytesMax (${bodyBytesMax})`
  require(isEnough, 'inboxBytesMax', inboxBytesMax, bytes)
  const isAsked = contentType === undefined || !isSentByPages(contentType)
  const unsafe = 'a media type that a web page cannot send without asking the server first'
  require(isAsked, 'contentType of the format', contentType, unsafe)
  return {
    ...accessPlanOf('http.receive', options, '/'),
    ack,
    contentType,
    headers: [...new Set([...traceFields, ...headers.map((name) => name.toLowerCase())])],
    bodyBytesMax,
    inboxBytesMax,
    retryAfterSeconds,
    requestTimeoutMs: positiveDurationMs(options.requestTimeout ?? '30s', 'requestTimeout'),
    closeTimeoutMs: positiveDurationMs(options.closeTimeout ?? '5s', 'closeTimeout'),
    idempotencyKeysMax,
  }
}
