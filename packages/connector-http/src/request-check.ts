import { acceptedCodings, contentCoding, type ContentCoding } from './content-coding.ts'
import { acceptedTypes, bodyType, recordType, type BodyType } from './content-type.ts'
import type { IncomingRequest } from './incoming-request.ts'
import type { RequestHeaders } from './inbox-entry.ts'
import { Refusal } from './refusal.ts'
import { checkAccess, healthPath, requireHost, requireMethod, type SameSecret } from './serve/access.ts'
import type { ServerPlan } from './server-options.ts'

/** What a request asks for, from its head. */
export type Wish =
  | { readonly kind: 'health' }
  | {
      readonly kind: 'records'
      readonly type: BodyType
      readonly coding: ContentCoding | 'identity'
      /** '' if the client sent none. */
      readonly key: string
      /** What the records carry; undefined if nothing. */
      readonly headers: RequestHeaders | undefined
      /** The announced length of the body as sent; undefined if unknown. */
      readonly bodyBytes: number | undefined
    }

const keyPattern = /^[\x21-\x7e]{1,255}$/

/** Parses and validates the head of a request. Throws a `Refusal`. */
export function wishOf(request: IncomingRequest, plan: ServerPlan, sameSecret: SameSecret): Wish {
  const [path] = request.target.split('?', 1)
  if (path === healthPath) {
    requireHost(request, plan)
    requireMethod(request, ['GET', 'HEAD'])
    return { kind: 'health' }
  }
  checkAccess(request, plan, ['POST'], sameSecret)
  const coding = codingOf(request.header('content-encoding'))
  const type = typeOf(request.header('content-type'), plan.contentType)
  const key = request.header('idempotency-key') ?? ''
  if (key !== '' && !keyPattern.test(key)) {
    throw new Refusal(400, 'the Idempotency-Key must be 1 to 255 visible ASCII characters')
  }
  const headers = headersOf(request, plan.headers)
  return { kind: 'records', type, coding, key, headers, bodyBytes: bodyBytesOf(request, plan.bodyBytesMax) }
}

function headersOf(request: IncomingRequest, names: readonly string[]): RequestHeaders | undefined {
  const fields = names.map((name) => [name, request.header(name)] as const)
  const sent = fields.filter((field): field is [string, string] => field[1] !== undefined)
  return sent.length === 0 ? undefined : Object.fromEntries(sent)
}

function codingOf(header: string | undefined): ContentCoding | 'identity' {
  const coding = contentCoding(header)
  if (coding !== undefined) return coding
  throw new Refusal(415, `the content coding is not supported; send one of ${acceptedCodings}, or none`, {
    headers: { 'accept-encoding': acceptedCodings },
  })
}

function typeOf(header: string | undefined, wanted: string | undefined): BodyType {
  const type = wanted === undefined ? bodyType(header) : recordType(header, wanted)
  const accepted = wanted ?? acceptedTypes
  if (typeof type === 'object') return type
  throw new Refusal(
    415,
    type === 'charset'
      ? 'the charset is not supported; send UTF-8'
      : `the content type is not supported; send ${wanted === undefined ? 'one of ' : ''}${accepted}`,
    { headers: { 'accept-post': accepted } },
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
