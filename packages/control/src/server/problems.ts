import { describeError, isMillraceError, maskLogins } from '@millrace/core'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ApiError } from '../contract/actions.ts'

/** An answer that says what is wrong. */
export function problem(
  context: Context,
  status: ContentfulStatusCode,
  code: string,
  message: string,
  docs?: string,
): Response {
  const body: ApiError = { error: { code, message: maskLogins(message), docs: docs ?? null } }
  return context.json(body, status)
}

/** A request that cannot be answered, with its status. */
export class RequestError extends Error {
  readonly status: ContentfulStatusCode
  readonly code: string
  /** After how many seconds it may be sent again; undefined if that does not help. */
  readonly retryAfter: number | undefined

  constructor(status: ContentfulStatusCode, code: string, message: string, retryAfter?: number) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfter = retryAfter
  }
}

/** What the caller asked for is invalid, or cannot be done while the job is in its present phase. */
const statuses: ReadonlyMap<string, ContentfulStatusCode> = new Map([
  ['OPTION_INVALID', 400],
  ['KEY_INVALID', 400],
  ['CHECKPOINT_FAILED', 409],
  ['JOB_FAILED', 409],
])

/** The answer to an error that a route has thrown. */
export function answerTo(error: unknown, context: Context): Response {
  if (error instanceof RequestError) {
    if (error.retryAfter !== undefined) context.header('retry-after', String(error.retryAfter))
    return problem(context, error.status, error.code, error.message)
  }
  if (isMillraceError(error)) {
    const status = statuses.get(error.code) ?? 500
    return problem(context, status, error.code, error.message, error.docs)
  }
  return problem(context, 500, 'INTERNAL', describeError(error))
}

/** A parameter that is an integer from 0 to `most`. */
export function countOf(context: Context, name: string, fallback: number, most: number): number {
  const given = context.req.query(name)
  if (given === undefined || given === '') return fallback
  const value = Number(given)
  if (/^\d+$/.test(given) && value <= most) return value
  throw new RequestError(400, 'OPTION_INVALID', `${name} is '${given}'; give an integer from 0 to ${most}`)
}

/** A parameter that is one of some words; the first is the default. */
export function wordOf<T extends string>(context: Context, name: string, words: readonly [T, ...T[]]): T {
  const given = context.req.query(name)
  if (given === undefined || given === '') return words[0]
  const word = words.find((each) => each === given)
  if (word !== undefined) return word
  throw new RequestError(400, 'OPTION_INVALID', `${name} is '${given}'; give one of ${words.join(', ')}`)
}
