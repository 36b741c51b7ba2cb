import {
  durationMs,
  MillraceError,
  Redaction,
  requireKnown,
  reveal,
  type Duration,
  type Secret,
} from '@millrace/core'
import { Connection, type ConnectionOptions } from './amqp/connection.ts'
import { machineNetwork, type Place } from './amqp/doors/socket.ts'

/** How a broker is reached. */
export interface RabbitOptions {
  /**
   * `amqp://[user:password@]host[:port][/vhost]`, or `amqps://` for TLS; several, as a list, for a cluster. Default
   * `amqp://127.0.0.1:5672`. Passwords are never printed.
   */
  readonly url?: string | Secret | readonly (string | Secret)[]
  /** How the connection is encrypted, if the url says `amqps`. Default: the authorities of the system are trusted. */
  readonly tls?: TlsOptions
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

const connectionOptions = ['url', 'tls', 'connectTimeout'] as const

/** A broker that may be connected to. */
export interface Address {
  /** Hosts and ports, for messages. */
  readonly server: string
  /** Removes passwords from what a broker has said. */
  readonly redaction: Redaction
  /** Rejects when the signal is aborted. */
  open(signal: AbortSignal): Promise<Connection>
}

/** Throws `OPTION_INVALID` for options that cannot be meant. */
export function addressOf(what: string, options: RabbitOptions, more: readonly string[]): Address {
  requireKnown(what, options, [...connectionOptions, ...more])
  const { url = 'amqp://127.0.0.1:5672', connectTimeout = '10s' } = options
  const urls = Array.isArray(url) ? (url as readonly (string | Secret)[]) : [url as string | Secret]
  const tls = tlsOf(what, options.tls)
  const connectMs = durationMs(connectTimeout, `${what}: connectTimeout`)
  const brokers = urls.map((text) => brokerOf(what, reveal(text), tls))
  if (brokers.length === 0) throw invalid(what, 'url is an empty list')
  return {
    server: brokers.map(({ place }) => `${place.host}:${place.port}`).join(', '),
    redaction: new Redaction(brokers.map(({ password }) => password)),
    open: (signal) => openFirst(brokers, connectMs, signal),
  }
}

/** The error for options that cannot be meant. */
export function invalid(what: string, problem: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `${what}: ${problem}`, { isFinal: true })
}

/** Connects to the first broker that answers. */
async function openFirst(
  brokers: readonly Broker[],
  connectMs: number,
  signal: AbortSignal,
): Promise<Connection> {
  let failure: unknown
  for (const { place, ...login } of brokers) {
    try {
      return await Connection.open({ network: machineNetwork(place), login, connectMs }, signal)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** A broker, and who connects to what there. */
type Broker = ConnectionOptions['login'] & { readonly place: Place }

function brokerOf(what: string, text: unknown, tls: Place['encryption']): Broker {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  // The text is not repeated, because it may hold a password.
  const problem = 'the url is not an address of a RabbitMQ broker; write amqp://host:port'
  if (url === undefined || !['amqp:', 'amqps:'].includes(url.protocol) || url.hostname === '') {
    throw invalid(what, problem)
  }
  const { protocol, hostname, port, username, password, pathname } = url
  try {
    const isEncrypted = protocol === 'amqps:'
    const [user, word] = username === '' ? ['guest', 'guest'] : [username, password]
    return {
      place: {
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? (isEncrypted ? 5_671 : 5_672) : Number(port),
        encryption: isEncrypted ? tls : undefined,
      },
      username: decodeURIComponent(user),
      password: decodeURIComponent(word),
      vhost: pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : '/',
    }
  } catch {
    throw invalid(what, problem)
  }
}

function tlsOf(what: string, tls: TlsOptions | undefined): NonNullable<Place['encryption']> {
  if (tls === undefined) return {}
  requireKnown(`${what}: tls`, tls, ['ca', 'certificate', 'key'])
  const { ca, certificate, key } = tls
  if ((certificate === undefined) !== (key === undefined)) {
    throw invalid(what, 'tls has a certificate without a key, or a key without a certificate; give both')
  }
  return {
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && key !== undefined && { cert: certificate, key: reveal(key) }),
  }
}
