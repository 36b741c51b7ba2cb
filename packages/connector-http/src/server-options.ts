import { MillraceError, positiveDurationMs, type Duration } from '@millrace/core'

/** Options of the HTTP server: where it listens, what it accepts, and its limits. */
export interface HttpServerOptions {
  /** The TCP port; 0 picks a free one, which `address` returns. */
  readonly port: number
  /**
   * The address to listen on. Default `127.0.0.1`: only this machine. Any public address requires a `token`
   * or `allowWithoutToken`.
   */
  readonly host?: string
  /** The path that receives records. Default `/`. */
  readonly path?: string
  /**
   * When a request is answered: `durable` (the default) with 200 once a crash can no longer lose its records;
   * `received` with 202 as soon as they are validated: faster, but a crash may lose records that were just
   * answered.
   */
  readonly ack?: 'durable' | 'received'
  /** If set, requests must carry `Authorization: Bearer TOKEN`. */
  readonly token?: string
  /** Accepts requests without a token on a public address. */
  readonly allowWithoutToken?: boolean
  /**
   * Additional host names that clients may use. When it listens on this machine only, the server accepts no
   * host names but its own and these: otherwise a web page could reach it through DNS rebinding.
   */
  readonly allowedHosts?: readonly string[]
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
export interface ServerPlan {
  readonly port: number
  readonly host: string
  readonly path: string
  readonly ack: 'durable' | 'received'
  readonly token: string | undefined
  /** Allowed values of the `Host` header, in lower case; undefined for any. */
  readonly hosts: ReadonlySet<string> | undefined
  readonly bodyBytesMax: number
  readonly inboxBytesMax: number
  readonly retryAfterSeconds: number
  readonly requestTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly idempotencyKeysMax: number
}

/** The path of the health check. */
export const healthPath = '/healthz'

/** Validates options and applies defaults. Throws `OPTION_INVALID` for invalid or unsafe options. */
export function planOf(options: HttpServerOptions): ServerPlan {
  const { port, host = '127.0.0.1', path = '/', ack = 'durable', token } = options
  const { bodyBytesMax = 1024 * 1024, inboxBytesMax = 256 * 1024 * 1024 } = options
  const { retryAfterSeconds = 1, idempotencyKeysMax = 10_000 } = options
  require(isCount(port) && port < 65_536, 'port', port, 'a whole number from 0 to 65535')
  require(/^\/[\w\-./~]*$/.test(path) &&
    path !== healthPath, 'path', path, `a path such as /events, and not ${healthPath}`)
  require(ack === 'durable' || ack === 'received', 'ack', ack, "'durable' or 'received'")
  require(token === undefined || /^[\x21-\x7e]+$/.test(token), 'token', '***', 'visible ASCII characters')
  require(isCount(bodyBytesMax) && bodyBytesMax > 0, 'bodyBytesMax', bodyBytesMax, 'a whole number of bytes')
  require(isCount(retryAfterSeconds), 'retryAfterSeconds', retryAfterSeconds, 'a whole number of seconds')
  require(isCount(idempotencyKeysMax), 'idempotencyKeysMax', idempotencyKeysMax, 'a whole number')
  require(isCount(inboxBytesMax) &&
    inboxBytesMax >=
      bodyBytesMax, 'inboxBytesMax', inboxBytesMax, `a whole number of bytes, at least bodyBytesMax (${bodyBytesMax})`)
  const isLoopback = isLoopbackHost(host)
  require(isLoopback ||
    token !== undefined ||
    options.allowWithoutToken ===
      true, 'host', host, 'a token too, because other machines can reach it; or set allowWithoutToken: true')
  return {
    port,
    host,
    path,
    ack,
    token,
    hosts: allowedHosts(host, isLoopback, options.allowedHosts),
    bodyBytesMax,
    inboxBytesMax,
    retryAfterSeconds,
    requestTimeoutMs: positiveDurationMs(options.requestTimeout ?? '30s', 'requestTimeout'),
    closeTimeoutMs: positiveDurationMs(options.closeTimeout ?? '5s', 'closeTimeout'),
    idempotencyKeysMax,
  }
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function allowedHosts(
  host: string,
  isLoopback: boolean,
  further: readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  if (!isLoopback && further === undefined) return undefined
  const own = isLoopback ? ['localhost', '127.0.0.1', '::1', host] : [host]
  return new Set([...own, ...(further ?? [])].map((name) => name.toLowerCase()))
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function require(isValid: boolean, name: string, value: unknown, wanted: string): void {
  if (isValid) return
  throw new MillraceError(
    'OPTION_INVALID',
    `http.server: ${name} is ${JSON.stringify(value)}; give ${wanted}`,
  )
}
