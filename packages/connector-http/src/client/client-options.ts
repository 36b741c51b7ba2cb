import {
  MillraceError,
  positiveDurationMs,
  Redaction,
  requireKnown,
  reveal,
  type Duration,
  type Secret,
} from '@millrace/core'
import { isFieldName, isFieldValue } from '../header-fields.ts'

/** How another program's server is reached. */
export interface ClientOptions {
  /** Header fields of every request, such as `authorization`. Their values are never printed. */
  readonly headers?: Readonly<Record<string, string | Secret>>
  /** How long a request may take, from the connection to the end of the answer. Default `'30s'`. */
  readonly timeout?: Duration
  /** How `https:` and `wss:` connections are encrypted. */
  readonly tls?: TlsOptions
}

/** How a connection is encrypted. Certificates and keys are PEM text. */
export interface TlsOptions {
  /** The authorities that are trusted. Default: those of the system. */
  readonly ca?: string
  /** The certificate and the key by which this client is known. */
  readonly certificate?: string
  readonly key?: string | Secret
}

/** The names of `ClientOptions`. */
const clientOptions = ['headers', 'timeout', 'tls'] as const

/** The options with defaults applied. */
export interface ClientPlan {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly tls: TlsOptions
  /** What must not be printed. */
  readonly redaction: Redaction
}

/** Fields that the connector sets itself. */
const ownFields = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'expect',
  'te',
])

/** Throws `OPTION_INVALID` for options that cannot be meant. `more` are the names of further options. */
export function clientPlanOf(what: string, options: ClientOptions, more: readonly string[]): ClientPlan {
  requireKnown(what, options, [...clientOptions, ...more])
  const { headers = {}, timeout = '30s', tls = {} } = options
  requireKnown(`${what}: tls`, tls, ['ca', 'certificate', 'key'])
  if ((tls.certificate === undefined) !== (tls.key === undefined)) {
    throw invalid(what, 'tls has a certificate without a key, or a key without a certificate; give both')
  }
  const checked = headersOf(what, headers)
  return {
    headers: checked,
    timeoutMs: positiveDurationMs(timeout, `${what}: timeout`),
    tls,
    redaction: new Redaction(Object.values(checked)),
  }
}

/** The error for options that cannot be meant. */
export function invalid(what: string, problem: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `${what}: ${problem}`, { isFinal: true })
}

/** Returns header fields with names in lower case. Throws `OPTION_INVALID` without the value, which may be a secret. */
export function headersOf(
  what: string,
  given: Readonly<Record<string, string | Secret>>,
): Record<string, string> {
  const headers: [string, string][] = []
  for (const [name, option] of Object.entries(given)) {
    const field = name.toLowerCase()
    const value = reveal(option)
    if (!isFieldName(name)) throw invalid(what, `${JSON.stringify(name)} is not a name of a header field`)
    if (ownFields.has(field))
      throw invalid(what, `the header field ${name} is set by the connector; leave it out`)
    if (!isFieldValue(value)) {
      throw invalid(what, `the value of the header field ${name} is not text of one line in Latin-1`)
    }
    if (value.includes('***')) {
      throw invalid(
        what,
        `the header field ${name} has *** where a secret was; write secret\`Bearer ${'${token}'}\``,
      )
    }
    headers.push([field, value])
  }
  return Object.fromEntries(headers)
}

/** Throws `OPTION_INVALID` unless `value` is a whole number from `least` on. */
export function requireCount(what: string, name: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw invalid(what, `${name} is ${String(value)}; give a whole number from ${least}`)
}

/** Throws `OPTION_INVALID` without the text, which may hold a password or a token. */
export function httpUrlOf(what: string, option: string | Secret): URL {
  const text: unknown = reveal(option)
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw invalid(what, 'the url is not an address of an HTTP server; write https://host/path')
  }
  url.hash = ''
  return url
}

/** Throws `OPTION_INVALID` if there are a format and something else that decodes. */
export function requireOneDecoder(
  what: string,
  format: object | undefined,
  others: Readonly<Record<string, unknown>>,
): void {
  const other = Object.keys(others).find((name) => others[name] !== undefined)
  if (format !== undefined && other !== undefined) {
    throw invalid(what, `there are a format and ${other}, and only one of them can decode; leave one out`)
  }
}
