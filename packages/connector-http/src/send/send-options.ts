import {
  noHeaders,
  positiveDurationMs,
  requireKnown,
  type Duration,
  type RecordHeaders,
  type Secret,
} from '@millrace/core'
import { encodeJson, type Format } from '@millrace/core/connector'
import {
  clientPlanOf,
  headersOf,
  httpUrlOf,
  invalid,
  requireCount,
  type ClientOptions,
  type ClientPlan,
} from '../client/client-options.ts'
import { isFieldValue, traceFields } from '../header-fields.ts'
import type { Backoff } from '../client/outage.ts'
import { redactionOf } from '../client/secrets.ts'

/** Where and how records are sent. */
export interface SendOptions<T> extends ClientOptions {
  /** Where records are sent, or what makes it of a record. `user:password@` becomes an `authorization` field. */
  readonly url: string | Secret | ((value: T) => string | Secret)
  /** Default `POST`. */
  readonly method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /**
   * Further header fields of a record's request, made of it and of the headers that it has in the stream. Records with different
   * fields are not sent in one request. Default: `traceparent`, `tracestate` and `baggage` of the record; with `batch` none.
   *
   * @example
   * recordHeaders: (order, { traceparent = '' }) => ({ traceparent: String(traceparent), 'x-tenant': order.tenant })
   */
  readonly recordHeaders?: (value: T, headers: RecordHeaders) => Readonly<Record<string, string | Secret>>
  /** Makes the text or bytes of a record. What it throws follows the error policy. Default: JSON. */
  readonly encode?: (value: T) => string | Uint8Array
  /**
   * How a record is bytes, in place of `encode`, `contentType` and `batch`: Avro, Protobuf, or your own. A schema registry knows the
   * schema by the name of the sink.
   */
  readonly format?: Format<T>
  /** The media type of a body. Default: `application/json`, or `application/x-ndjson` for lines. */
  readonly contentType?: string
  /** Sends up to so many records in one request, those that are there. Default: one record, which is the body. */
  readonly batch?: BatchOptions
  /**
   * Records with the same key are sent one after the other, in order; others side by side, up to `concurrency`. Default: all
   * records in order, one request at a time.
   */
  readonly orderBy?: (value: T) => string
  /** How many requests may be in progress, with `orderBy`. Default 8. */
  readonly concurrency?: number
  /**
   * The id of a record, by which the receiver knows that it has it: up to 255 visible ASCII characters, the same whenever the
   * record is sent again. Default: made of the place where the record was read, if that is known; otherwise an id that lasts
   * as long as the request is retried.
   */
  readonly idempotencyKey?: (value: T) => string
  /** The header field with the id. Default `idempotency-key`. */
  readonly idempotencyHeader?: string
  /** What is done if a request fails, or is answered with 408, 425, 429 or 5xx. */
  readonly retry?: RetryOptions
}

/** How records share requests. */
export interface BatchOptions {
  /** The most records of a request. */
  readonly records: number
  /** The most bytes of its body; a larger record is sent alone. Default 1 MiB. */
  readonly bytes?: number
  /** `json`: an array. `ndjson`: one record per line. Default `json`. */
  readonly format?: 'json' | 'ndjson'
}

/** How often, and after which pauses, a request is sent again. */
export interface RetryOptions {
  /** After so many attempts the records follow the error policy. Default: no limit, so the job waits for the receiver. */
  readonly attempts?: number
  /** The pause after the first failure; it doubles with each further one. Default `'100ms'`. */
  readonly firstPause?: Duration
  /** The longest pause, also if the receiver asks for a longer one with `Retry-After`. Default `'5m'`. */
  readonly longestPause?: Duration
}

/** The options with defaults applied. */
export interface SendPlan<T> extends ClientPlan {
  /** The URL of all records; undefined if each has its own. */
  readonly url: URL | undefined
  readonly urlOf: (value: T) => URL
  readonly method: string
  readonly recordHeaders: (value: T, headers: RecordHeaders) => Readonly<Record<string, string>>
  readonly encode: (value: T) => string | Uint8Array
  readonly contentType: string
  readonly batch: Required<BatchOptions> | undefined
  readonly laneOf: ((value: T) => string) | undefined
  readonly lanes: number
  readonly idempotencyKey: ((value: T) => string) | undefined
  readonly idempotencyHeader: string
  readonly attemptsMax: number
  readonly backoff: Backoff
  /** The longest pause that a `Retry-After` may ask for. */
  readonly longestPauseMs: number
}

const sendOptions = [
  'url',
  'method',
  'recordHeaders',
  'encode',
  'format',
  'contentType',
  'batch',
  'orderBy',
  'concurrency',
  'idempotencyKey',
  'idempotencyHeader',
  'retry',
] as const

const noFields = Object.freeze({})
/** Pauses grow up to this; only a `Retry-After` makes them longer. */
const longestBackoffMs = 30_000

/** The trace of a record as header fields. What is no text of one line is no trace, and is not sent. */
function traceOf(headers: RecordHeaders): Readonly<Record<string, string>> {
  if (headers === noHeaders) return noFields
  const fields = traceFields.map((name) => [name, headers[name]] as const)
  return Object.fromEntries(fields.filter((field): field is [string, string] => isFieldValue(field[1])))
}

/** Throws `OPTION_INVALID` for options that cannot be meant. */
export function sendPlanOf<T>(options: SendOptions<T>): SendPlan<T> {
  const what = 'http.send'
  const client = clientPlanOf(what, options, sendOptions)
  const { url, method = 'POST', batch, retry = {}, orderBy, concurrency = 8 } = options
  const { idempotencyHeader = 'idempotency-key', recordHeaders, format } = options
  for (const option of ['encode', 'contentType', 'batch'] as const) {
    if (format === undefined || options[option] === undefined) continue
    throw invalid(what, `${option} and format exclude one another; leave out ${option}`)
  }
  requireKnown(`${what}: batch`, batch, ['records', 'bytes', 'format'])
  requireKnown(`${what}: retry`, retry, ['attempts', 'firstPause', 'longestPause'])
  if (!['POST', 'PUT', 'PATCH', 'DELETE'].includes(method)) {
    throw invalid(what, `method is ${String(method)}; write POST, PUT, PATCH or DELETE`)
  }
  requireCount(what, 'concurrency', concurrency)
  if (retry.attempts !== undefined) requireCount(what, 'retry.attempts', retry.attempts)
  headersOf(what, { [idempotencyHeader]: '' })
  const { records = 1, bytes = 1024 * 1024, format: lines = 'json' } = batch ?? {}
  requireCount(what, 'batch.records', records)
  requireCount(what, 'batch.bytes', bytes)
  if (lines !== 'json' && lines !== 'ndjson')
    throw invalid(what, `batch.format is ${String(lines)}; write json or ndjson`)
  const fixed = typeof url === 'function' ? undefined : httpUrlOf(what, url)
  const longestPauseMs = positiveDurationMs(retry.longestPause ?? '5m', `${what}: retry.longestPause`)
  return {
    ...client,
    redaction: fixed === undefined ? client.redaction : redactionOf(client.redaction, fixed),
    url: fixed,
    urlOf: typeof url === 'function' ? (value) => httpUrlOf(what, url(value)) : () => fixed!,
    method,
    recordHeaders:
      recordHeaders === undefined
        ? (_value, headers) => (batch === undefined ? traceOf(headers) : noFields)
        : (value, headers) => headersOf(what, recordHeaders(value, headers)),
    encode: format === undefined ? (options.encode ?? encodeJson) : (value) => format.encode(value),
    contentType:
      options.contentType ??
      format?.contentType ??
      (batch !== undefined && lines === 'ndjson' ? 'application/x-ndjson' : 'application/json'),
    batch: batch === undefined ? undefined : { records, bytes, format: lines },
    laneOf: orderBy,
    lanes: orderBy === undefined ? 1 : concurrency,
    idempotencyKey: options.idempotencyKey,
    idempotencyHeader: idempotencyHeader.toLowerCase(),
    attemptsMax: retry.attempts ?? Infinity,
    backoff: {
      firstPauseMs: positiveDurationMs(retry.firstPause ?? '100ms', `${what}: retry.firstPause`),
      longestPauseMs: Math.min(longestPauseMs, longestBackoffMs),
    },
    longestPauseMs,
  }
}
