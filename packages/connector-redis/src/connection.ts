import {
  durationMs,
  MillraceError,
  positiveDurationMs,
  Redaction,
  requireKnown,
  reveal,
  type Duration,
  type Secret,
} from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { Redis, type RedisOptions as ClientOptions } from 'ioredis'
import { replaceIfUnreadable } from './unreadable.ts'

/** How a server is reached. */
export interface RedisOptions {
  /**
   * `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS. Default `redis://127.0.0.1:6379`. Passwords
   * are never printed.
   */
  readonly url?: string | Secret
  /** How the connection is encrypted, if the url says `rediss`. Default: the authorities of the system are trusted. */
  readonly tls?: TlsOptions
  /** How long the first connection may take. Default `'10s'`. */
  readonly connectTimeout?: Duration
  /** A connection on which the server does not answer for this long is replaced by a new one. Default `'10s'`. */
  readonly requestTimeout?: Duration
}

/** How the connection is encrypted. Certificates and keys are PEM text. */
export interface TlsOptions {
  /** The authorities that are trusted. Default: those of the system. */
  readonly ca?: string
  /** The certificate and the key by which this client is known. */
  readonly certificate?: string
  readonly key?: string | Secret
}

/** A connection that survives outages of the server. */
export interface Connection {
  readonly client: Redis
  /** Host and port, for messages. */
  readonly server: string
  close(): void
}

const longestPauseMs = 5_000
const shortestRequestMs = 2_000

type World = Pick<ConnectorContext, 'signal' | 'down' | 'trying' | 'up'>

/**
 * Connects a source or a sink to its server.
 *
 * The first connection is made now or never: a wrong address is found at the start. Later ones, after a restart of the job,
 * wait for the server, as a connection does that is lost: commands are sent again when the server is back.
 */
export class Connector {
  readonly #options: RedisOptions
  #wasConnected = false

  constructor(options: RedisOptions) {
    this.#options = options
  }

  /** Rejects with `OPTION_INVALID` for a server that could never be reached or refuses the password. */
  async connect(what: string, context: World): Promise<Connection> {
    const address = addressOf(what, this.#options)
    // The job's own signal ends waiting; no command fails because a server is restarted.
    const client = clientOf(what, address, this.#options, (times) =>
      Math.min(longestPauseMs, 50 * 2 ** Math.min(times, 10)),
    )
    const close = (): void => client.disconnect()
    context.signal.addEventListener('abort', close, { once: true })
    let lastError: unknown
    client.on('error', (error: unknown) => (lastError = error))
    reportOutages(address.host, client, context)
    try {
      await client.connect().catch((error: unknown) => {
        if (!this.#wasConnected) throw error
      })
      // Sent when the connection is there.
      await client.ping()
    } catch (error) {
      close()
      throw refusal(what, address, lastError ?? error)
    }
    this.#wasConnected = true
    return {
      client,
      server: address.host,
      close: () => {
        context.signal.removeEventListener('abort', close)
        client.removeAllListeners('close')
        close()
      },
    }
  }
}

/** Throws `OPTION_INVALID`. */
export function addressOf(what: string, { url }: RedisOptions): URL {
  const given = reveal(url ?? 'redis://127.0.0.1:6379')
  const address = URL.canParse(given) ? new URL(given) : undefined
  if (address === undefined || !['redis:', 'rediss:'].includes(address.protocol) || address.host === '') {
    // The text is not repeated, because it may hold a password.
    const message = `${what}: the url is not an address of a Redis server; write redis://host:port`
    throw new MillraceError('OPTION_INVALID', message, { isFinal: true })
  }
  return address
}

/**
 * A client that connects with its first command. `pauseMs` says how long it waits before it connects for the nth time; null: it
 * does not, and its commands fail. Throws `OPTION_INVALID`.
 */
export function clientOf(
  what: string,
  address: URL,
  { tls, connectTimeout = '10s', requestTimeout = '10s' }: RedisOptions,
  pauseMs: (times: number) => number | null,
): Redis {
  const client = new Redis(address.href, {
    ...tlsOf(what, address, tls),
    lazyConnect: true,
    connectTimeout: durationMs(connectTimeout, `${what}: connectTimeout`),
    // A network that swallows everything closes no connection.
    socketTimeout: requestTimeoutMs(what, requestTimeout),
    maxRetriesPerRequest: null,
    retryStrategy: pauseMs,
  } satisfies ClientOptions)
  replaceIfUnreadable(client)
  return client
}

/** Removes the password of an address from what a server or a client has said. */
export function redactionOf({ password }: URL): Redaction {
  return new Redaction([password, decodeURIComponent(password)])
}

/** A reader asks every second, so a shorter time would end connections that work. */
function requestTimeoutMs(what: string, requestTimeout: Duration): number {
  const ms = positiveDurationMs(requestTimeout, `${what}: requestTimeout`)
  if (ms >= shortestRequestMs) return ms
  const message = `${what}: requestTimeout is ${ms} ms; give at least ${shortestRequestMs} ms, because a server answers a reader that waits for entries after a second`
  throw new MillraceError('OPTION_INVALID', message, { isFinal: true })
}

function tlsOf(what: string, { protocol }: URL, tls: TlsOptions | undefined): Pick<ClientOptions, 'tls'> {
  if (tls === undefined) return {}
  requireKnown(`${what}: tls`, tls, ['ca', 'certificate', 'key'])
  const { ca, certificate, key } = tls
  const problem =
    protocol === 'redis:'
      ? 'tls has no effect, because the url says redis://; write rediss://'
      : (certificate === undefined) !== (key === undefined)
        ? 'tls has a certificate without a key, or a key without a certificate; give both'
        : undefined
  if (problem !== undefined) {
    throw new MillraceError('OPTION_INVALID', `${what}: ${problem}`, { isFinal: true })
  }
  return {
    tls: {
      ...(ca !== undefined && { ca }),
      ...(certificate !== undefined && key !== undefined && { cert: certificate, key: reveal(key) }),
    },
  }
}

function refusal(what: string, address: URL, cause: unknown): MillraceError {
  const said = cause instanceof Error ? cause.message : String(cause)
  const reason = redactionOf(address).redact(said)
  const isAuthentication = /NOAUTH|WRONGPASS|invalid password|AUTH/.test(reason)
  const help = isAuthentication
    ? 'give user and password in the url'
    : 'check the address and that the server runs'
  const message = `${what}: no connection to ${address.host}: ${reason}; ${help}`
  // The cause is left out: it may hold the command, and the command the password.
  return new MillraceError('OPTION_INVALID', message, { isFinal: true })
}

function reportOutages(server: string, client: Redis, { signal, down, trying, up }: World): void {
  let wasReady = false
  client.on('close', () => {
    if (!signal.aborted && wasReady) down(`the connection to Redis on ${server} was lost`)
  })
  // After a pause it connects again.
  client.on('connecting', trying)
  client.on('ready', () => {
    wasReady = true
    up()
  })
}
