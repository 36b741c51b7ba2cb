import { positiveDurationMs, type Duration, type Json, type Secret } from '@millrace/core'
import { decodeJson, parserOf, type Schema } from '@millrace/core/connector'
import {
  clientPlanOf,
  httpUrlOf,
  invalid,
  requireCount,
  type ClientOptions,
  type ClientPlan,
} from '../client/client-options.ts'
import { redactionOf } from '../client/secrets.ts'

/** An answer with records. */
export interface Page {
  /** The body: parsed JSON, or what `decode` makes of it. */
  readonly body: unknown
  readonly status: number
  /** A header field, by its name in any case; undefined without one. */
  header(name: string): string | undefined
}

/** What is asked for, how often, and what is in the answers. */
export interface PollOptions<T, Cursor extends Json = Json> extends ClientOptions {
  /**
   * What is asked for with `GET`, or what makes it of the cursor: undefined at first, then what `cursor` has returned last.
   * `user:password@` becomes an `authorization` field.
   */
  readonly url: string | Secret | ((cursor: Cursor | undefined) => string | Secret)
  /** How long to wait after an answer without news. Default `'10s'`. */
  readonly every?: Duration
  /** The records of an answer. Default: its body, which must be an array. */
  readonly records?: (page: Page) => readonly unknown[]
  /**
   * Where the next page begins, taken from a page. Undefined: nowhere yet, so the same page is asked for again, after a while.
   * Without this option there are no pages: all records are handed out again whenever the answer has changed.
   */
  readonly cursor?: (page: Page) => Cursor | undefined
  /** Whether another page can be asked for at once. Default: if the cursor has moved and the page has records. */
  readonly hasMore?: (page: Page) => boolean
  /** What a record looks like; one that does not fit follows the error policy. The type is inferred from it. */
  readonly schema?: Schema<T>
  /** Parses a body. What it throws follows the error policy. Default: JSON. */
  readonly decode?: (body: Uint8Array) => unknown
  /** The largest body in bytes, as it is sent and inflated. Default 16 MiB. */
  readonly bodyBytesMax?: number
}

/** The options with defaults applied. */
export interface PollPlan<T> extends ClientPlan {
  /** The URL of all requests; undefined if it depends on the cursor. */
  readonly url: URL | undefined
  readonly urlOf: (cursor: Json | undefined) => URL
  readonly everyMs: number
  readonly recordsOf: (page: Page) => readonly unknown[]
  readonly cursorOf: ((page: Page) => Json | undefined) | undefined
  readonly hasMore: ((page: Page) => boolean) | undefined
  readonly parse: (value: unknown) => T
  readonly decode: (body: Uint8Array) => unknown
  readonly bodyBytesMax: number
}

const pollOptions = [
  'url',
  'every',
  'records',
  'cursor',
  'hasMore',
  'schema',
  'decode',
  'bodyBytesMax',
] as const

/** Throws `OPTION_INVALID` for options that cannot be meant. */
export function pollPlanOf<T, Cursor extends Json>(options: PollOptions<T, Cursor>): PollPlan<T> {
  const what = 'http.poll'
  const client = clientPlanOf(what, options, pollOptions)
  const { url, every = '10s', bodyBytesMax = 16 * 1024 * 1024, cursor } = options
  requireCount(what, 'bodyBytesMax', bodyBytesMax)
  const fixed = typeof url === 'function' ? undefined : httpUrlOf(what, url)
  if (fixed !== undefined && cursor !== undefined) {
    throw invalid(
      what,
      'there is a cursor, and the url is the same for all; give a url that is a function of the cursor',
    )
  }
  return {
    ...client,
    redaction: fixed === undefined ? client.redaction : redactionOf(client.redaction, fixed),
    url: fixed,
    urlOf: typeof url === 'function' ? (at) => httpUrlOf(what, url(at as Cursor | undefined)) : () => fixed!,
    everyMs: positiveDurationMs(every, `${what}: every`),
    recordsOf: options.records ?? allOf,
    cursorOf: cursor,
    hasMore: options.hasMore,
    parse: parserOf(options.schema),
    decode: options.decode ?? decodeJson,
    bodyBytesMax,
  }
}

function allOf({ body }: Page): readonly unknown[] {
  if (Array.isArray(body)) return body
  throw new TypeError('the body is not an array; say with the option records where the records are')
}
