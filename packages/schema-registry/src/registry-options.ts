import {
  MillraceError,
  positiveDurationMs,
  Redaction,
  requireKnown,
  reveal,
  type Duration,
  type Secret,
} from '@millrace/core'

/** Where a schema registry is, and who asks. */
export interface RegistryOptions {
  /** Its address, or several of one cluster. `user:password@` is sent as basic authentication, and never printed. */
  readonly url: string | Secret | readonly (string | Secret)[]
  /** Header fields of every request, such as `authorization`. Their values are never printed. */
  readonly headers?: Readonly<Record<string, string | Secret>>
  /** How long a request may take. Default `'10s'`. */
  readonly timeout?: Duration
}

/** The options with defaults applied. */
export interface RegistryPlan {
  readonly urls: readonly URL[]
  /** For messages: hosts and ports. */
  readonly server: string
  readonly headers: Readonly<Record<string, string>>
  /** Removes them from what a registry has said. */
  readonly redaction: Redaction
  readonly timeoutMs: number
}

/** Throws `OPTION_INVALID` without the text of a url, which may have a password. */
export function registryPlanOf(options: RegistryOptions): RegistryPlan {
  const what = 'schemaRegistry'
  requireKnown(what, options, ['url', 'headers', 'timeout'])
  const { url, headers = {}, timeout = '10s' } = options
  const texts = Array.isArray(url) ? (url as readonly (string | Secret)[]) : [url as string | Secret]
  const given = texts.map((text) => urlOf(what, reveal(text)))
  const [first] = given
  if (first === undefined) throw invalid(what, 'there is no url')
  const login = first.username === '' ? {} : { authorization: basic(first) }
  const fields = Object.entries({ ...login, ...headers }).map(
    ([name, value]) => [name, reveal(value)] as const,
  )
  return {
    urls: given.map(bare),
    server: given.map(({ host }) => host).join(', '),
    headers: Object.fromEntries(fields),
    redaction: new Redaction([...given.map(({ password }) => password), ...fields.map(([, value]) => value)]),
    timeoutMs: positiveDurationMs(timeout, `${what}: timeout`),
  }
}

function urlOf(what: string, text: unknown): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw invalid(what, 'the url is not an address of a schema registry; write http://host:port')
}

function bare(url: URL): URL {
  const copy = new URL(url)
  copy.username = ''
  copy.password = ''
  copy.search = ''
  copy.hash = ''
  if (!copy.pathname.endsWith('/')) copy.pathname += '/'
  return copy
}

function basic({ username, password }: URL): string {
  const bytes = new TextEncoder().encode(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}

function invalid(what: string, problem: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `${what}: ${problem}`, { isFinal: true })
}
