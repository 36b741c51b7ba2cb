import { MillraceError, reveal, type Secret } from '@millrace/core'
import type { IncomingRequest } from '../incoming-request.ts'
import { Refusal } from '../refusal.ts'

/** Where a server listens, and who may use it. */
export interface AccessOptions {
  /** The TCP port; 0 picks a free one, which `address` returns. */
  readonly port: number
  /**
   * The address to listen on. Default `127.0.0.1`: only this machine. Any public address requires a `token`
   * or `allowWithoutToken`.
   */
  readonly host?: string
  /** The path that is served. */
  readonly path?: string
  /** If set, requests must carry `Authorization: Bearer TOKEN`. */
  readonly token?: string | Secret
  /** Accepts requests without a token on a public address. */
  readonly allowWithoutToken?: boolean
  /**
   * Additional host names that clients may use. When it listens on this machine only, the server accepts no
   * host names but its own and these: otherwise a web page could reach it through DNS rebinding.
   */
  readonly allowedHosts?: readonly string[]
}

/** The options with defaults applied. */
export interface AccessPlan {
  readonly port: number
  readonly host: string
  readonly path: string
  readonly token: string | undefined
  /** Allowed values of the `Host` header, in lower case; undefined for any. */
  readonly hosts: ReadonlySet<string> | undefined
}

/** Compares two secrets in constant time. */
export type SameSecret = (given: string, wanted: string) => boolean

/** The path of the health check. */
export const healthPath = '/healthz'

/** Throws `OPTION_INVALID` for invalid or unsafe options. */
export function accessPlanOf(what: string, options: AccessOptions, defaultPath: string): AccessPlan {
  const { port, host = '127.0.0.1', path = defaultPath } = options
  const token = options.token === undefined ? undefined : reveal(options.token)
  requireOption(what, isCount(port) && port < 65_536, 'port', port, 'a whole number from 0 to 65535')
  const isPath = /^\/[\w\-./~]*$/.test(path) && path !== healthPath
  requireOption(what, isPath, 'path', path, `a path such as /events, and not ${healthPath}`)
  const isToken = token === undefined || /^[\x21-\x7e]+$/.test(token)
  requireOption(what, isToken, 'token', '***', 'visible ASCII characters')
  const isLoopback = isLoopbackHost(host)
  const isSafe = isLoopback || token !== undefined || options.allowWithoutToken === true
  const wanted = 'a token too, because other machines can reach it; or set allowWithoutToken: true'
  requireOption(what, isSafe, 'host', host, wanted)
  return { port, host, path, token, hosts: allowedHosts(host, isLoopback, options.allowedHosts) }
}

/** Throws a `Refusal` unless the request names an allowed host, the path, a method, and the token. */
export function checkAccess(
  request: IncomingRequest,
  plan: AccessPlan,
  methods: readonly string[],
  sameSecret: SameSecret,
): void {
  requireHost(request, plan)
  const [path] = request.target.split('?', 1)
  if (path !== plan.path) throw new Refusal(404, `no such path; use ${plan.path}`)
  requireMethod(request, methods)
  if (plan.token !== undefined) requireToken(request.header('authorization'), plan.token, sameSecret)
}

/** Throws a `Refusal` if the host name is not allowed. */
export function requireHost(request: IncomingRequest, { hosts }: AccessPlan): void {
  if (hosts === undefined) return
  const name = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(request.header('host') ?? '')
  if (name !== null && hosts.has((name[1] ?? name[2] ?? '').toLowerCase().replace(/\.$/, ''))) return
  throw new Refusal(421, 'the host name is not allowed; add it to allowedHosts')
}

/** Throws a `Refusal` for another method. */
export function requireMethod(request: IncomingRequest, methods: readonly string[]): void {
  if (methods.includes(request.method)) return
  const allow = methods.join(', ')
  throw new Refusal(405, `use ${allow}`, { headers: { allow } })
}

function requireToken(authorization: string | undefined, token: string, sameSecret: SameSecret): void {
  const given = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  if (given !== undefined && sameSecret(given, token)) return
  throw new Refusal(401, 'a valid token is required: Authorization: Bearer TOKEN', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** Whether a value counts something: a whole number from 0. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Throws `OPTION_INVALID` unless an option is valid. */
export function requireOption(
  what: string,
  isValid: boolean,
  name: string,
  value: unknown,
  wanted: string,
): void {
  if (isValid) return
  throw new MillraceError('OPTION_INVALID', `${what}: ${name} is ${JSON.stringify(value)}; give ${wanted}`)
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function allowedHosts(
  host: string,
  isLoopback: boolean,
  further: readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  if (!isLoopback && further === undefined) return undefined
  const own = isLoopback ? ['localhost', '127.0.0.1', '::1', host] : [host]
  return new Set([...own, ...(further ?? [])].map((name) => name.toLowerCase()))
}
