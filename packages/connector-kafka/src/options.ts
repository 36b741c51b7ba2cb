import {
  durationMs,
  MillraceError,
  positiveDurationMs,
  requireKnown,
  reveal,
  type Duration,
  type Secret,
} from '@millrace/core'
import type { NativeModule } from './native/native-module.ts'

/** How a cluster is reached. */
export interface KafkaOptions {
  /** `host:port`, several separated by commas or as a list: any of the brokers, the others are found by them. */
  readonly brokers: string | readonly string[]
  /** Encrypts connections. `true` trusts the authorities of the system. Default `false`. */
  readonly tls?: boolean | TlsOptions
  /** Who connects. The password is never printed. */
  readonly sasl?: SaslOptions
  /** The name of this client in the brokers' logs. Default `millrace`. */
  readonly clientId?: string
  /** How long the first connection may take. Default `'10s'`. */
  readonly connectTimeout?: Duration
  /** How long an answer of a broker may take before the connection is given another try. Default `'10s'`. */
  readonly requestTimeout?: Duration
  /** Settings of librdkafka, which win over those made here, such as `{ 'client.rack': 'eu-1' }`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /**
   * The module `@confluentinc/kafka-javascript`, for a program that loads it itself, as a bundled one does. Default: it is
   * imported by its name.
   */
  readonly client?: NativeModule
}

/** How connections are encrypted. Certificates and keys are PEM text. */
export interface TlsOptions {
  /** The authorities that are trusted. Default: those of the system. */
  readonly ca?: string
  /** The certificate and the key by which this client is known. */
  readonly certificate?: string
  readonly key?: string | Secret
  readonly keyPassword?: string | Secret
}

/** How this client proves who it is. */
export type SaslOptions = PasswordOptions | TokenOptions

/** The user and the password. */
export interface PasswordOptions {
  /** Default `scram-sha-256`. */
  readonly mechanism?: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string | Secret
}

/** A token of OAuth, which the program gets from its provider. */
export interface TokenOptions {
  readonly mechanism: 'oauthbearer'
  /** Called for each connection, and again before the token of a connection ends. */
  readonly token: () => string | Secret | Promise<string | Secret>
}

/** The names of the options of `KafkaOptions`. */
const connectionOptions = [
  'brokers',
  'tls',
  'sasl',
  'clientId',
  'connectTimeout',
  'requestTimeout',
  'settings',
  'client',
] as const

/** Settings of librdkafka, and what it calls. */
export type Settings = Record<string, string | number | boolean | (() => Promise<object>)>

/** The brokers, as librdkafka reads them and messages show them. Throws `OPTION_INVALID`. */
export function brokersOf(what: string, { brokers }: KafkaOptions): string {
  const list = typeof brokers === 'string' ? brokers.split(',') : brokers
  const names = Array.isArray(list) ? list.map((name: unknown) => String(name).trim()) : []
  // The text is not repeated, because it may hold a password.
  if (names.length === 0 || names.some((name) => !/^(\[[\da-fA-F:]+\]|[^\s:/@[\]]+):\d{1,5}$/.test(name))) {
    throw invalid(what, "brokers is not a list of addresses; write 'host:port', or several")
  }
  return names.join(',')
}

/** Throws `OPTION_INVALID` for options that cannot be meant. */
export function checkConnection(what: string, options: KafkaOptions, more: readonly string[]): void {
  requireKnown(what, options, [...connectionOptions, ...more])
  brokersOf(what, options)
  durationMs(options.connectTimeout ?? '10s', `${what}: connectTimeout`)
  positiveDurationMs(options.requestTimeout ?? '10s', `${what}: requestTimeout`)
  securityOf(what, options)
}

/** The settings of a connection that all clients share. Throws `OPTION_INVALID`. */
export function settingsOf(what: string, options: KafkaOptions): Settings {
  return {
    'bootstrap.servers': brokersOf(what, options),
    'client.id': options.clientId ?? 'millrace',
    'socket.keepalive.enable': true,
    'reconnect.backoff.max.ms': 2_000,
    // What it logs says why brokers cannot be reached, and is printed by nothing.
    log_level: 3,
    ...(options.requestTimeout !== undefined && {
      'socket.timeout.ms': durationMs(options.requestTimeout, `${what}: requestTimeout`),
    }),
    ...securityOf(what, options),
    ...options.settings,
  }
}

function securityOf(what: string, { tls = false, sasl }: KafkaOptions): Settings {
  const settings: Settings = {}
  const isEncrypted = tls !== false
  if (isEncrypted && tls !== true) {
    requireKnown(`${what}: tls`, tls, ['ca', 'certificate', 'key', 'keyPassword'])
    const { ca, certificate, key, keyPassword } = tls
    if ((certificate === undefined) !== (key === undefined)) {
      throw invalid(what, 'tls has a certificate without a key, or a key without a certificate; give both')
    }
    if (ca !== undefined) settings['ssl.ca.pem'] = ca
    if (certificate !== undefined) settings['ssl.certificate.pem'] = certificate
    if (key !== undefined) settings['ssl.key.pem'] = reveal(key)
    if (keyPassword !== undefined) settings['ssl.key.password'] = reveal(keyPassword)
  }
  if (sasl !== undefined) Object.assign(settings, saslSettings(what, sasl))
  const security = sasl === undefined ? ['plaintext', 'ssl'] : ['sasl_plaintext', 'sasl_ssl']
  settings['security.protocol'] = security[isEncrypted ? 1 : 0]!
  return settings
}

function saslSettings(what: string, sasl: SaslOptions): Settings {
  const { mechanism = 'scram-sha-256' } = sasl
  if (!['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'].includes(mechanism)) {
    throw invalid(
      what,
      `sasl.mechanism is ${String(mechanism)}; write plain, scram-sha-256, scram-sha-512 or oauthbearer`,
    )
  }
  if (sasl.mechanism === 'oauthbearer') {
    requireKnown(`${what}: sasl`, sasl, ['mechanism', 'token'])
    const { token } = sasl
    if (typeof token !== 'function') throw invalid(what, 'sasl.token is no function that returns a token')
    return {
      'sasl.mechanism': 'OAUTHBEARER',
      oauthbearer_token_refresh_cb: async () => {
        const tokenValue = reveal(await token())
        return { tokenValue, lifetime: endOf(tokenValue), principal: '' }
      },
    }
  }
  requireKnown(`${what}: sasl`, sasl, ['mechanism', 'username', 'password'])
  const { username } = sasl
  const password = reveal(sasl.password)
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw invalid(what, 'sasl has no username or no password')
  }
  return {
    'sasl.mechanism': mechanism.toUpperCase(),
    'sasl.username': username,
    'sasl.password': password,
  }
}

/** When a token ends, in milliseconds. librdkafka wants to know it, and does not look into the token. */
function endOf(token: string): number {
  const claims = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as {
    readonly exp?: unknown
  }
  if (typeof claims.exp !== 'number') throw new Error('the token does not say when it ends (exp)')
  return claims.exp * 1_000
}

/** The error for options that cannot be meant. */
export function invalid(what: string, problem: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `${what}: ${problem}`, { isFinal: true })
}
