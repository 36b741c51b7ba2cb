import { MillraceError, positiveDurationMs, type Duration } from '@millrace/core'

/** Where a server listens, what it accepts, and how much it holds. */
export interface HttpServerOptions {
  /** The TCP port; 0 takes any free one, and `address` tells which. */
  readonly port: number
  /**
   * The address to listen on. Default `127.0.0.1`: only this machine. Any other than this machine's own needs
   * a `token`, or `allowWithoutToken`.
   */
  readonly host?: string
  /** Where records are posted. Default `/`. */
  readonly path?: string
  /**
   * When a request is answered: `durable` (the default) once a crash can no longer lose its records, with 200;
   * `received` as soon as they are checked, with 202: faster, and a crash may lose what was just answered.
   */
  readonly ack?: 'durable' | 'received'
  /** If given, requests must carry `Authorization: Bearer TOKEN`. */
  readonly token?: string
  /** Lets everybody who can reach the port post records. */
  readonly allowWithoutToken?: boolean
  /**
   * Further host names by which clients may call the server. Listening on this machine only, the server answers no
   * other names than its own and these, because a web page could otherwise reach it under a name of its own.
   */
  readonly allowedHosts?: readonly string[]
  /** The largest body, in bytes, as it is sent and inflated. Default 1 MiB. */
  readonly bodyBytesMax?: number
  /** How much may be held that no checkpoint covers, in bytes; beyond, the answer is 429. Default 256 MiB. */
  readonly inboxBytesMax?: number
  /** What clients are told to wait when they come too soon, in seconds. Default 1. */
  readonly retryAfterSeconds?: number
  /** How long a request may take to arrive. Default 30 s. */
  readonly requestTimeout?: Duration
  /** How long requests that are being answered may hold up the end of the job. Default 5 s. */
  readonly closeTimeout?: Duration
  /** How many requests with an `Idempotency-Key` are remembered. Default 10 000. */
  readonly idempotencyKeysMax?: number
}

/** The options with every default filled in. */
export interface ServerPlan {
  readonly port: number
  readonly host: string
  readonly path: string
  readonly ack: 'durable' | 'received'
  readonly token: string | undefined
  /** Names that the `Host` header may give, in lower case; undefined: any. */
  readonly hosts: ReadonlySet<string> | undefined
  readonly bodyBytesMax: number
  readonly inboxBytesMax: number
  readonly retryAfterSeconds: number
  readonly requestTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly idempotencyKeysMax: number
}

/** Where the server says whether it accepts records. */
export const healthPath = '/healthz'

/** Throws `OPTION_INVALID` for options that make no sense or are not safe. */
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
      true, 'host', host, 'a token too, because others than this machine can reach it; or say allowWithoutToken: true')
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
