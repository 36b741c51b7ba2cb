import { acceptedCodings, contentCoding, type ContentCoding } from './content-coding.ts'
import { acceptedTypes, bodyType, type BodyType } from './content-type.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { Refusal } from './refusal.ts'
import { healthPath, type ServerPlan } from './server-options.ts'

/** Compares two secrets in constant time. */
export type SameSecret = (given: string, wanted: string) => boolean

/** What a request asks for, from its head. */
export type Wish =
  | { readonly kind: 'health' }
  | {
      readonly kind: 'records'
      readonly type: BodyType
      readonly coding: ContentCoding | 'identity'
      /** '' if the client sent none. */
      readonly key: string
      /** The announced length of the body as sent; undefined if unknown. */
      readonly bodyBytes: number | undefined
    }

const keyPattern = /^[\x21-\x7e]{1,255}$/

/** Parses and validates the head of a request. Throws a `Refusal`. */
export function wishOf(request: IncomingRequest, plan: ServerPlan, sameSecret: SameSecret): Wish {
  if (plan.hosts !== undefined) requireHost(request.header('host'), plan.hosts)
  const [path] = request.target.split('?', 1)
  if (path === healthPath) {
    requireMethod(request, ['GET', 'HEAD'])
    return { kind: 'health' }
  }
  if (path !== plan.path) throw new Refusal(404, `no such path; post records to ${plan.path}`)
  requireMethod(request, ['POST'])
  if (plan.token !== undefined) requireToken(request.header('authorization'), plan.token, sameSecret)
  const coding = codingOf(request.header('content-encoding'))
  const type = typeOf(request.header('content-type'))
  const key = request.header('idempotency-key') ?? ''
  if (key !== '' && !keyPattern.test(key)) {
    throw new Refusal(400, 'the Idempotency-Key must be 1 to 255 visible ASCII characters')
  }
  return { kind: 'records', type, coding, key, bodyBytes: bodyBytesOf(request, plan.bodyBytesMax) }
}

function codingOf(header: string | undefined): ContentCoding | 'identity' {
  const coding = contentCoding(header)
  if (coding !== undefined) return coding
  throw new Refusal(415, `the content coding is not supported; send one of ${acceptedCodings}, or none`, {
    headers: { 'accept-encoding': acceptedCodings },
  })
}

function typeOf(header: string | undefined): BodyType {
  const type = bodyType(header)
  if (typeof type === 'object') return type
  throw new Refusal(
    415,
    type === 'charset'
      ? 'the charset is not supported; send UTF-8'
      : `the content type is not supported; send one of ${acceptedTypes}`,
    { headers: { 'accept-post': acceptedTypes } },
  )
}

function bodyBytesOf(request: IncomingRequest, bodyBytesMax: number): number | undefined {
  const length = request.header('content-length')
  if (length === undefined) return undefined
  if (Number(length) > bodyBytesMax) throw tooLarge(bodyBytesMax)
  return Number(length)
}

/** The refusal of a body that is too large. */
export function tooLarge(bodyBytesMax: number): Refusal {
  return new Refusal(413, `the body is larger than ${bodyBytesMax} bytes; send fewer records at once`)
}

function requireHost(host: string | undefined, hosts: ReadonlySet<string>): void {
  const name = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host ?? '')
  if (name !== null && hosts.has((name[1] ?? name[2] ?? '').toLowerCase().replace(/\.$/, ''))) return
  throw new Refusal(421, 'the host name is not allowed; add it to allowedHosts')
}

function requireMethod(request: IncomingRequest, methods: readonly string[]): void {
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
