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
import { Connection, type ConnectionOptions } from './amqp/connection.ts'
import { machineNetwork, type Place } from './amqp/doors/socket.ts'
import { adviceOn, isFinal, reasonOf } from './broker-error.ts'

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

/** A connection to a broker, which is replaced when it is lost. */
export type Link = ServerLink<Connection>

/** The broker of the options. Throws `OPTION_INVALID` for options that cannot be meant. */
export function serverOf(what: string, options: RabbitOptions, more: readonly string[]): Server<Connection> {
  requireKnown(what, options, [...connectionOptions, ...more])
  const { url = 'amqp://127.0.0.1:5672', connectTimeout = '10s' } = options
  const urls = Array.isArray(url) ? (url as readonly (string | Secret)[]) : [url as string | Secret]
  const tls = tlsOf(what, options.tls)
  const connectMs = durationMs(connectTimeout, `${what}: connectTimeout`)
  const brokers = urls.map((text) => brokerOf(what, reveal(text), tls))
  if (brokers.length === 0) throw invalid(what, 'url is an empty list')
  const redaction = new Redaction(brokers.map(({ password }) => password))
  return {
    product: 'RabbitMQ',
    address: brokers.map(({ place }) => `${place.host}:${place.port}`).join(', '),
    isOpen: (connection) => !connection.isClosed,
    close: (connection) => connection.close(),
    lost: (connection) => connection.lost,
    isFinal,
    adviceOn,
    reasonOf: (error) => redaction.redact(reasonOf(error)),
    async open(signal, link) {
      const connection = await openFirst(brokers, connectMs, signal)
      connection.blocked = (reason) => {
        if (reason === undefined) link.works()
        else link.down(`RabbitMQ on ${link.address} takes no messages: ${reason}`)
      }
      return connection
    },
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
