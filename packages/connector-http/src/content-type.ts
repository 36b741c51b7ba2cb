/** The format of a request's body, from its Content-Type. */
export interface BodyType {
  readonly format: BodyFormat
  /** Decodes the text; undefined for UTF-8. */
  readonly decoder: CharsetDecoder | undefined
}

/** Decodes text; throws for bytes that are invalid in the encoding. */
export interface CharsetDecoder {
  readonly encoding: string
  decode(bytes: Uint8Array): string
}

/**
 * `json` is one record, or an array of records; `json-lines` is one record per line; `event` is one CloudEvent, and
 * `event-batch` is an array of CloudEvents; `record` is one record of any bytes.
 */
export type BodyFormat = 'json' | 'json-lines' | 'event' | 'event-batch' | 'record'

const formats: ReadonlyMap<string, BodyFormat> = new Map<string, BodyFormat>([
  ['application/json', 'json'],
  ['application/x-ndjson', 'json-lines'],
  ['application/ndjson', 'json-lines'],
  ['application/jsonl', 'json-lines'],
  ['application/x-jsonlines', 'json-lines'],
  ['application/cloudevents+json', 'event'],
  ['application/cloudevents-batch+json', 'event-batch'],
])

/** The supported types, for error messages. */
export const acceptedTypes: string =
  'application/x-ndjson, application/json, application/*+json, application/cloudevents+json, ' +
  'application/cloudevents-batch+json'

/** Parses the Content-Type header; for an unsupported one, returns which part is not supported. */
export function bodyType(contentType: string | undefined): BodyType | 'type' | 'charset' {
  const [name = '', ...parameters] = (contentType ?? '').split(';')
  const format = formatOf(name.trim().toLowerCase())
  if (format === undefined) return 'type'
  const charset = parameters
    .map((each) => /^\s*charset\s*=\s*"?([^"]*?)"?\s*$/i.exec(each)?.[1])
    .find(Boolean)
  if (charset === undefined) return { format, decoder: undefined }
  const decoder = decoderOf(charset)
  return decoder === undefined ? 'charset' : { format, decoder: decoder === 'utf-8' ? undefined : decoder }
}

/** The type of a body that is one record in a format, whose media type it must have. */
export function recordType(contentType: string | undefined, wanted: string): BodyType | 'type' {
  return mediaType(contentType) === mediaType(wanted) ? { format: 'record', decoder: undefined } : 'type'
}

/** A web page may send a body of these types to any server without asking it first. */
export function isSentByPages(contentType: string): boolean {
  return ['text/plain', 'multipart/form-data', 'application/x-www-form-urlencoded'].includes(
    mediaType(contentType),
  )
}

/** Without parameters. */
function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

/** Undefined for an unknown charset. */
function decoderOf(charset: string): CharsetDecoder | 'utf-8' | undefined {
  if (/^(?:iso-?8859-?1|latin-?1)$/i.test(charset)) return latin1
  try {
    // A byte order mark is skipped later, with that of UTF-8.
    const decoder = new TextDecoder(charset, { fatal: true, ignoreBOM: true })
    // Some Node releases decode windows-1252 as ISO 8859-1.
    if (decoder.encoding === 'windows-1252') return /ascii/i.test(charset) ? 'utf-8' : undefined
    return decoder.encoding === 'utf-8' ? 'utf-8' : decoder
  } catch {
    return undefined
  }
}

/** Latin-1: each byte is the code of a character. */
const latin1: CharsetDecoder = {
  encoding: 'iso-8859-1',
  decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'),
}

function formatOf(name: string): BodyFormat | undefined {
  return formats.get(name) ?? (/^application\/[^\s/]+\+json$/.test(name) ? 'json' : undefined)
}
