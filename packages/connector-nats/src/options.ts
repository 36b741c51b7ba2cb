import {
  durationMs,
  MillraceError,
  Redaction,
  requireKnown,
  reveal,
  type Duration,
  type Secret,
} from '@millrace/core'
import type { Server, ServerLink } from '@millrace/core/connector'
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { adviceOn, isFinal, reasonOf } from './server-error.ts'
import { closedIfUnreadable } from './unreadable.ts'

/** How a server is reached. */
export interface NatsOptions {
  /**
   * `nats://[user:password@]host[:port]`, or `tls://` for TLS; several, as a list or separated by commas, for a cluster.
   * `nats://token@host` has a token. Default `nats://127.0.0.1:4222`. Passwords and tokens are never printed.
   */
  readonly url?: string | Secret | readonly (string | Secret)[]
  /** The text of a credentials file (`.creds`): a JWT and the seed of its key. */
  readonly credentials?: string | Secret
  /** Encrypts the connection. `true` trusts the authorities of the system. Default: as the url says. */
  readonly tls?: boolean | TlsOptions
  /** How long the first connection may take. Default `'10s'`. */
  readonly connectTimeout?: Duration
}

/** How the connection is encrypted. Certificates and keys are PEM text. */
export interface TlsOptions {
  /** The authorities that are trusted. Default: those of the system. */
  readonly ca?: string
  /** The certificate and the key by which this client is known. */
  readonly certificate?: string
  readonly key?: string | Secret
}

const connectionOptions = ['url', 'credentials', 'tls', 'connectTimeout'] as const

/** A server that may be connected to, with or without a link. */
export interface NatsServer extends Server<NatsConnection> {
  open(): Promise<NatsConnection>
}

/** A connection to a server, which is replaced when it is lost. */
export type Link = ServerLink<NatsConnection>

/** The server of the options. Throws `OPTION_INVALID` for options that cannot be meant. */
export function serverOf(what: string, options: NatsOptions, more: readonly string[]): NatsServer {
  requireKnown(what, options, [...connectionOptions, ...more])
  const { url = 'nats://127.0.0.1:4222' } = options
  const credentials = options.credentials === undefined ? undefined : reveal(options.credentials)
  const list = (Array.isArray(url) ? url.map(reveal) : reveal(url as string | Secret).split(',')).map(
    (text) => urlOf(what, text),
  )
  const servers = list.map(({ hostname, port }) => `${hostname}:${port === '' ? '4222' : port}`)
  const timeout = durationMs(options.connectTimeout ?? '10s', `${what}: connectTimeout`)
  const tls = tlsOf(what, options, list)
  const [first] = list
  const [user, pass] = [first!.username, first!.password].map((text) => decoded(what, text)) as [
    string,
    string,
  ]
  const login = user === '' ? {} : pass === '' ? { token: user } : { user, pass }
  const authenticator =
    credentials === undefined ? undefined : credsAuthenticator(new TextEncoder().encode(credentials))
  const redaction = new Redaction([pass === '' ? user : pass, credentials ?? ''])
  return {
    product: 'NATS',
    address: servers.join(', '),
    isOpen: (nc) => !nc.isClosed(),
    close: (nc) => void nc.close().catch(() => {}),
    isFinal,
    adviceOn,
    reasonOf: (error) => redaction.redact(reasonOf(error)),
    open: async () => {
      const nc = await connect({
        servers,
        name: 'millrace',
        timeout,
        // A lost connection is never continued: what follows a new one has to know that it is new.
        reconnect: false,
        noAsyncTraces: true,
        // So a connection that is cut without a word is noticed after a minute.
        pingInterval: 20_000,
        maxPingOut: 2,
        ...login,
        ...(authenticator !== undefined && { authenticator }),
        ...(tls !== undefined && { tls }),
      })
      return closedIfUnreadable(nc)
    },
  }
}

/** The error for options that cannot be meant. */
export function invalid(what: string, problem: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `${what}: ${problem}`, { isFinal: true })
}

function urlOf(what: string, text: unknown): URL {
  const given = String(text).trim()
  const full = given.includes('://') ? given : `nats://${given}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url === undefined || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
    // The text is not repeated, because it may hold a password.
    throw invalid(what, 'the url is not an address of a NATS server; write nats://host:port')
  }
  return url
}

function decoded(what: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid(what, 'user or password in the url is not percent-encoded; write % as %25')
  }
}

function tlsOf(what: string, { tls }: NatsOptions, urls: readonly URL[]): object | undefined {
  const isWanted = tls ?? urls.some(({ protocol }) => protocol === 'tls:')
  if (isWanted === false) return undefined
  if (isWanted === true) return {}
  requireKnown(`${what}: tls`, isWanted, ['ca', 'certificate', 'key'])
  const { ca, certificate, key } = isWanted
  if ((certificate === undefined) !== (key === undefined)) {
    throw invalid(what, 'tls has a certificate without a key, or a key without a certificate; give both')
  }
  return {
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && key !== undefined && { cert: certificate, key: reveal(key) }),
  }
}
