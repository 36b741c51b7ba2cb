import {
  durationMs,
  MillraceError,
  positiveDurationMs,
  requireKnown,
  reveal,
  type Duration,
  type Secret,
} from '@millrace/core'

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
const connectionOptions = ['brokers', 'tls', 'sasl', 'clientId', 'connectTimeout', 'requestTimeout'] as const

/** The brokers, separated by commas, as messages show them. Throws `OPTION_INVALID`. */
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
  checkSecurity(what, options)
}

function checkSecurity(what: string, { tls = false, sasl }: KafkaOptions): void {
  if (typeof tls !== 'boolean') {
    requireKnown(`${what}: tls`, tls, ['ca', 'certificate', 'key', 'keyPassword'])
    if ((tls.certificate === undefined) !== (tls.key === undefined)) {
      throw invalid(what, 'tls has a certificate without a key, or a key without a certificate; give both')
    }
  }
  if (sasl !== undefined) checkSasl(what, sasl)
}

function checkSasl(what: string, sasl: SaslOptions): void {
  const { mechanism = 'scram-sha-256' } = sasl
  if (!['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'].includes(mechanism)) {
    throw invalid(
      what,
      `sasl.mechanism is ${String(mechanism)}; write plain, scram-sha-256, scram-sha-512 or oauthbearer`,
    )
  }
  if (sasl.mechanism === 'oauthbearer') {
    requireKnown(`${what}: sasl`, sasl, ['mechanism', 'token'])
    if (typeof sasl.token !== 'function')
      throw invalid(what, 'sasl.token is no function that returns a token')
    return
  }
  requireKnown(`${what}: sasl`, sasl, ['mechanism', 'username', 'password'])
  if (typeof sasl.username !== 'string' || typeof reveal(sasl.password) !== 'string') {
    throw invalid(what, 'sasl has no username or no password')
  }
}

/** The error for options that cannot be meant. */
export function invalid(what: string, problem: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `${what}: ${problem}`, { isFinal: true })
}
