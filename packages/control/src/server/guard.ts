import type { Context, MiddlewareHandler } from 'hono'
import type { Right, Role } from '../contract/rights.ts'
import { problem, RequestError } from './problems.ts'

/** Who may use the API, and from where. */
export interface GuardOptions {
  /** The token of admins, that of operators and that of viewers. Without the first anyone who reaches the server is an admin. */
  readonly token: string | undefined
  readonly operatorToken: string | undefined
  readonly viewerToken: string | undefined
  /** The least role that may see live records. */
  readonly peekFrom: Role
  /** Host names by which the server may be addressed, besides those of loopback. */
  readonly hosts: readonly string[]
}

/** What the guard has found out about a request. */
export type GuardedVariables = {
  role: Role
  rights: ReadonlySet<Right>
  /** Whether the caller may see what the job does. */
  mayRead: boolean
}

export const tokenCookie = 'millrace_token'

/** Paths that answer without a token. */
const open: ReadonlySet<string> = new Set(['/livez', '/readyz', '/login'])
/** Those of them that answer under any name, and to any page. */
const probes: ReadonlySet<string> = new Set(['/livez', '/readyz'])

/**
 * Lets a request through if it comes from where it should and its token is known; otherwise answers 401 or 403.
 *
 * A page of another site may send requests to a server on this machine, also under a name of its own that resolves to
 * 127.0.0.1. So without a token only the names of loopback are accepted, and requests that a browser says come from
 * elsewhere are refused in any case.
 */
export function guard(options: GuardOptions): MiddlewareHandler<{ Variables: GuardedVariables }> {
  return async (context, next) => {
    const refusal = refusalOf(context, options)
    const { path } = context.req
    // A probe addresses the pod by a name or an address that the job does not know. It learns nothing but a status.
    if (refusal !== undefined && !probes.has(path)) return problem(context, 403, 'FORBIDDEN', refusal)
    const role = refusal === undefined ? roleOf(context, options) : undefined
    if (role === undefined && !open.has(path)) return unauthorized(context)
    context.set('role', role ?? 'viewer')
    context.set('rights', rightsOf(role, options))
    context.set('mayRead', role !== undefined)
    return next()
  }
}

const roles: readonly Role[] = ['viewer', 'operator', 'admin']

/** What a role may do; nothing without one. */
function rightsOf(role: Role | undefined, { peekFrom }: GuardOptions): ReadonlySet<Right> {
  if (role === undefined) return new Set()
  const isAtLeast = (least: Role): boolean => roles.indexOf(role) >= roles.indexOf(least)
  const least: readonly (readonly [Right, Role])[] = [
    ['read', 'viewer'],
    ['operate', 'operator'],
    ['administer', 'admin'],
    ['peek', peekFrom],
  ]
  return new Set(least.filter(([, from]) => isAtLeast(from)).map(([right]) => right))
}

/**
 * Throws 403 where the caller of a request has not a right. Every request that is let through may read; a route or an action that
 * needs more asks for it here.
 *
 * @example
 * requireRight(context, 'peek')
 */
export function requireRight(context: Context<{ Variables: GuardedVariables }>, right: Right): void {
  if (context.get('rights').has(right)) return
  throw new RequestError(
    403,
    'FORBIDDEN',
    `the role ${context.get('role')} does not have the right to ${right}; use a token that does`,
  )
}

/** Why a request does not come from where it should; undefined if it does. */
function refusalOf(context: Context, options: GuardOptions): string | undefined {
  const host = hostOf(context.req.header('host'))
  if (host === undefined || (options.token === undefined && !isKnown(host, options.hosts))) {
    return 'the Host header names another server'
  }
  return isForeign(context) ? 'the request comes from a page of another site' : undefined
}

/** The role that the token of a request gives; undefined without a valid one. */
function roleOf(context: Context, options: GuardOptions): Role | undefined {
  if (options.token === undefined) return 'admin'
  return roleOfToken(bearerOf(context) ?? cookieOf(context), options)
}

/** The headers that show who has sent a request, for requests in the same name. */
export function credentialsOf(context: Context): Readonly<Record<string, string>> {
  const token = bearerOf(context) ?? cookieOf(context)
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

export function roleOfToken(
  given: string | undefined,
  { token, operatorToken, viewerToken }: GuardOptions,
): Role | undefined {
  if (given === undefined) return undefined
  if (token !== undefined && isSame(given, token)) return 'admin'
  if (operatorToken !== undefined && isSame(given, operatorToken)) return 'operator'
  if (viewerToken !== undefined && isSame(given, viewerToken)) return 'viewer'
  return undefined
}

const loginPage = `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Millrace</title><form method="post" action="/login"><label>Token <input name="token" type="password" autofocus></label>
<button>Sign in</button></form>`

function unauthorized(context: Context): Response {
  if (context.req.method === 'GET' && !context.req.path.startsWith('/api') && acceptsHtml(context)) {
    return context.html(loginPage, 401)
  }
  context.header('www-authenticate', 'Bearer')
  return problem(context, 401, 'UNAUTHORIZED', 'send the token as Authorization: Bearer TOKEN')
}

function acceptsHtml(context: Context): boolean {
  return context.req.header('accept')?.includes('text/html') === true
}

const loopback: readonly string[] = ['localhost', '127.0.0.1', '::1']

function isKnown(host: string, hosts: readonly string[]): boolean {
  return loopback.includes(host) || hosts.includes(host)
}

/** The name in a Host header, without its port; undefined if it is not valid. */
function hostOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header)
  return (match?.[1] ?? match?.[2])?.toLowerCase()
}

/** Whether a browser says that a page of another origin has made the request. */
function isForeign(context: Context): boolean {
  const origin = context.req.header('origin')
  const site = context.req.header('sec-fetch-site')
  if (origin !== undefined) {
    const own = context.req.header('host')
    if (!URL.canParse(origin) || new URL(origin).host !== own) return true
  }
  const isNavigation = context.req.method === 'GET' && context.req.header('sec-fetch-mode') === 'navigate'
  if (isNavigation && !context.req.path.startsWith('/api')) return false
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

function bearerOf(context: Context): string | undefined {
  return /^Bearer (\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
}

function cookieOf(context: Context): string | undefined {
  const pairs = (context.req.header('cookie') ?? '').split(';').map((pair) => pair.trim().split('='))
  const value = pairs.find(([name]) => name === tokenCookie)?.[1]
  try {
    return value === undefined ? undefined : decodeURIComponent(value)
  } catch {
    return undefined
  }
}

/** Compares in a time that does not depend on where the texts differ. */
function isSame(given: string, expected: string): boolean {
  const [a, b] = [new TextEncoder().encode(given), new TextEncoder().encode(expected)]
  let difference = a.length ^ b.length
  for (const [at, byte] of b.entries()) difference |= byte ^ (a[at] ?? 0)
  return difference === 0
}
