import { durationMs, MillraceError, requireKnown, type Duration } from '@millrace/core'
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
  readonly key?: string
  readonly keyPassword?: string
}

/** The user and the password. */
export interface SaslOptions {
  /** Default `scram-sha-256`. */
  readonly mechanism?: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** The names of the options of `KafkaOptions`. */
const connectionOptions = [
  'brokers',
  'tls',
  'sasl',
  'clientId',
  'connectTimeout',
  'settings',
  'client',
] as const

/** Settings of librdkafka. */
export type Settings = Record<string, string | number | boolean>

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
    if (key !== undefined) settings['ssl.key.pem'] = key
    if (keyPassword !== undefined) settings['ssl.key.password'] = keyPassword
  }
  if (sasl !== undefined) {
    requireKnown(`${what}: sasl`, sasl, ['mechanism', 'username', 'password'])
    const { mechanism = 'scram-sha-256', username, password } = sasl
    if (!['plain', 'scram-sha-256', 'scram-sha-512'].includes(mechanism)) {
      throw invalid(
        what,
        `sasl.mechanism is ${String(mechanism)}; write plain, scram-sha-256 or scram-sha-512`,
      )
    }
    if (typeof username !== 'string' || typeof password !== 'string') {
      throw invalid(what, 'sasl has no username or no password')
    }
    settings['sasl.mechanism'] = mechanism.toUpperCase()
    settings['sasl.username'] = username
    settings['sasl.password'] = password
  }
  const security = sasl === undefined ? ['plaintext', 'ssl'] : ['sasl_plaintext', 'sasl_ssl']
  settings['security.protocol'] = security[isEncrypted ? 1 : 0]!
  return settings
}

/** The error for options that cannot be meant. */
export function invalid(what: string, problem: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `${what}: ${problem}`, { isFinal: true })
}
