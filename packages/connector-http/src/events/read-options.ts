import { positiveDurationMs, type Duration, type Secret } from '@millrace/core'
import { decodeJson, parserOf, type Format, type Schema } from '@millrace/core/connector'
import {
  clientPlanOf,
  httpUrlOf,
  invalid,
  requireCount,
  type ClientOptions,
  type ClientPlan,
} from '../client/client-options.ts'
import { redactionOf } from '../client/secrets.ts'

/** An event of a server. */
export interface ServerEvent {
  /** `message` if the server has named none. */
  readonly event: string
  /** The data, in UTF-8. */
  readonly data: Uint8Array
  /** Where a client can resume; undefined if the event has no id. */
  readonly id: string | undefined
}

/** Which events are read, and how. */
export interface ReadEventsOptions<T> extends ClientOptions {
  /** Where the events are. `user:password@` becomes an `authorization` field. */
  readonly url: string | Secret
  /** The names of the events to read; others are skipped. Default: all. */
  readonly events?: readonly string[]
  /** Makes a record of an event. What it throws follows the error policy. Default: its data as JSON. */
  readonly decode?: (event: ServerEvent) => unknown
  /** What a record looks like; one that does not fit follows the error policy. The type is inferred from it. */
  readonly schema?: Schema<T>
  /** In place of JSON: the data of an event is one record in this format, whose bytes are text in UTF-8. */
  readonly format?: Format<T>
  /**
   * Whether the server gives every event an id and resumes after the `Last-Event-ID` that it gets. `false`: the source is
   * volatile, and what is sent while it is not connected is lost. Default true.
   */
  readonly resumes?: boolean
  /** After so long without a byte the connection counts as lost. Default `'1m'`. */
  readonly silence?: Duration
  /** The largest event in bytes; a larger one follows the error policy. Default 1 MiB. */
  readonly eventBytesMax?: number
}

/** The options with defaults applied. */
export interface ReadEventsPlan<T> extends ClientPlan {
  readonly url: URL
  readonly events: ReadonlySet<string> | undefined
  readonly decode: (event: ServerEvent) => T
  readonly resumes: boolean
  readonly silenceMs: number
  readonly eventBytesMax: number
}

const readOptions = ['url', 'events', 'decode', 'schema', 'resumes', 'silence', 'eventBytesMax'] as const

/** Throws `OPTION_INVALID` for options that cannot be meant. */
export function readEventsPlanOf<T>(options: ReadEventsOptions<T>): ReadEventsPlan<T> {
  const what = 'sse.read'
  const client = clientPlanOf(what, options, readOptions)
  const { events, resumes = true, silence = '1m', eventBytesMax = 1024 * 1024 } = options
  const url = httpUrlOf(what, options.url)
  requireCount(what, 'eventBytesMax', eventBytesMax)
  if (events !== undefined && !(Array.isArray(events) && events.every((name) => typeof name === 'string'))) {
    throw invalid(what, 'events is not a list of names')
  }
  const parse = parserOf(options.schema)
  const decode = options.decode ?? (({ data }: ServerEvent) => decodeJson(data))
  return {
    ...client,
    redaction: redactionOf(client.redaction, url),
    url,
    events: events === undefined ? undefined : new Set(events),
    decode: (event) => parse(decode(event)),
    resumes,
    silenceMs: positiveDurationMs(silence, `${what}: silence`),
    eventBytesMax,
  }
}
