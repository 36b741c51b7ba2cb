import { durationMs, MillraceError, type ConnectorContext, type Duration } from '@millrace/core'
import { Redis, type RedisOptions as ClientOptions } from 'ioredis'

/** How a server is reached. */
export interface RedisOptions {
  /**
   * `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS. Default `redis://127.0.0.1:6379`. Passwords
   * are never printed.
   */
  readonly url?: string
  /** How long the first connection may take. Default `'10s'`. */
  readonly connectTimeout?: Duration
}

/** A connection that survives outages of the server. */
export interface Connection {
  readonly client: Redis
  /** Host and port, for messages. */
  readonly server: string
  close(): void
}

const longestPauseMs = 5_000

/**
 * Connects, or rejects with `OPTION_INVALID` for a server that cannot be reached now or refuses the password: a wrong
 * address is found at the start. Later outages are waited for: commands are sent again when the server is back.
 */
export async function connect(
  what: string,
  options: RedisOptions,
  context: Pick<ConnectorContext, 'clock' | 'signal' | 'warn'>,
): Promise<Connection> {
  const address = addressOf(what, options)
  const client = new Redis(address.href, {
    lazyConnect: true,
    connectTimeout: durationMs(options.connectTimeout ?? '10s', `${what}: connectTimeout`),
    // The job's own signal ends waiting; no command fails because a server is restarted.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(longestPauseMs, 50 * 2 ** Math.min(times, 10)),
  } satisfies ClientOptions)
  let lastError: unknown
  client.on('error', (error: unknown) => (lastError = error))
  try {
    await client.connect()
    await client.ping()
  } catch (error) {
    client.disconnect()
    throw refusal(what, address.host, lastError ?? error)
  }
  reportOutages(what, address.host, client, context)
  const close = (): void => client.disconnect()
  context.signal.addEventListener('abort', close, { once: true })
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

function addressOf(what: string, { url }: RedisOptions): URL {
  const given = url ?? 'redis://127.0.0.1:6379'
  const address = URL.canParse(given) ? new URL(given) : undefined
  if (address === undefined || !['redis:', 'rediss:'].includes(address.protocol) || address.host === '') {
    // The text is not repeated, because it may hold a password.
    const message = `${what}: the url is not an address of a Redis server; write redis://host:port`
    throw new MillraceError('OPTION_INVALID', message, { isFinal: true })
  }
  return address
}

function refusal(what: string, server: string, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const isAuthentication = /NOAUTH|WRONGPASS|invalid password|AUTH/.test(reason)
  const help = isAuthentication
    ? 'give user and password in the url'
    : 'check the address and that the server runs'
  const message = `${what}: no connection to ${server}: ${reason}; ${help}`
  // The cause is left out: it may hold the command, and the command the password.
  return new MillraceError('OPTION_INVALID', message, { isFinal: true })
}

function reportOutages(
  what: string,
  server: string,
  client: Redis,
  { clock, signal, warn }: Pick<ConnectorContext, 'clock' | 'signal' | 'warn'>,
): void {
  let downSince: number | undefined
  client.on('close', () => {
    if (signal.aborted || downSince !== undefined) return
    downSince = clock.monotonic()
    warn(`${what} has lost its connection to ${server}, and waits until the server is back; nothing is lost`)
  })
  client.on('ready', () => {
    if (downSince === undefined) return
    const seconds = Math.round((clock.monotonic() - downSince) / 1_000)
    downSince = undefined
    warn(`${what} is connected to ${server} again, after ${seconds} s`)
  })
}
