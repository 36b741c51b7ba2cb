import { durationMs, MillraceError, type Duration } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
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

type World = Pick<ConnectorContext, 'clock' | 'signal' | 'warn'>

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
    const client = new Redis(address.href, {
      lazyConnect: true,
      connectTimeout: durationMs(this.#options.connectTimeout ?? '10s', `${what}: connectTimeout`),
      // The job's own signal ends waiting; no command fails because a server is restarted.
      maxRetriesPerRequest: null,
      retryStrategy: (times) => Math.min(longestPauseMs, 50 * 2 ** Math.min(times, 10)),
    } satisfies ClientOptions)
    const close = (): void => client.disconnect()
    context.signal.addEventListener('abort', close, { once: true })
    let lastError: unknown
    client.on('error', (error: unknown) => (lastError = error))
    reportOutages(what, address.host, client, context)
    try {
      await client.connect().catch((error: unknown) => {
        if (!this.#wasConnected) throw error
      })
      // Sent when the connection is there.
      await client.ping()
    } catch (error) {
      close()
      throw refusal(what, address.host, lastError ?? error)
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

function reportOutages(what: string, server: string, client: Redis, { clock, signal, warn }: World): void {
  let downSince: number | undefined
  let wasReady = false
  client.on('close', () => {
    if (signal.aborted || downSince !== undefined || !wasReady) return
    downSince = clock.monotonic()
    warn(`${what} has lost its connection to ${server}, and waits until the server is back; nothing is lost`)
  })
  client.on('ready', () => {
    wasReady = true
    if (downSince === undefined) return
    const seconds = Math.round((clock.monotonic() - downSince) / 1_000)
    downSince = undefined
    warn(`${what} is connected to ${server} again, after ${seconds} s`)
  })
}
