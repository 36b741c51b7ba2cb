/** What the inbox stores: an entry of its log holds the requests of one group commit. */
import { MillraceError, type ByteReader, type ByteWriter } from '@millrace/core'

/** The content of one accepted request. */
export interface AcceptedRequest {
  /** The client's name for the request, or '' if it gave none. */
  readonly key: string
  /** Distinguishes two requests with the same key. */
  readonly fingerprint: number
  /** The bytes of each record as received: JSON text in UTF-8, or what a format has made. */
  readonly records: readonly Uint8Array[]
  /** What each record carries: header fields of the request. */
  readonly headers?: RequestHeaders | undefined
}

/** Header fields of a request. */
export type RequestHeaders = Readonly<Record<string, string>>

/** A request that was accepted earlier with a key. */
export interface RememberedRequest {
  readonly key: string
  readonly fingerprint: number
  /** The number of its records. */
  readonly accepted: number
}

/**
 * An entry begins with 0 and the number of its format. One of the first format, which had no headers, begins with the number of its
 * requests, which is never 0.
 */
const format = 2

/** The bytes of a request that count against the limits of the inbox. */
export function bytesIn({ records, headers }: AcceptedRequest): number {
  let bytes = 0
  for (const record of records) bytes += record.length
  for (const [name, value] of Object.entries(headers ?? {})) bytes += name.length + value.length
  return bytes
}

export function writeRequests(requests: readonly AcceptedRequest[], out: ByteWriter): void {
  out.varint(0)
  out.varint(format)
  out.varint(requests.length)
  for (const { key, fingerprint, headers, records } of requests) {
    out.text(key)
    out.u32(fingerprint)
    const fields = Object.entries(headers ?? {})
    out.varint(fields.length)
    for (const [name, value] of fields) {
      out.text(name)
      out.text(value)
    }
    out.varint(records.length)
    for (const record of records) out.blob(record)
  }
}

/** Reads an entry. Records are views of it. Throws `CODEC_FAILED` if it is in no known format. */
export function readRequests(input: ByteReader): AcceptedRequest[] {
  const first = input.varint()
  const version = first === 0 ? input.varint() : 1
  if (version > format) {
    throw new MillraceError(
      'CODEC_FAILED',
      `the entry has format ${version}; this version reads up to ${format}`,
    )
  }
  return times(version === 1 ? first : input.varint(), () => {
    const key = input.text()
    const fingerprint = input.u32()
    const headers = version === 1 ? undefined : readHeaders(input)
    return { key, fingerprint, headers, records: times(input.varint(), () => input.blob()) }
  })
}

function readHeaders(input: ByteReader): RequestHeaders | undefined {
  const fields = times(input.varint(), () => [input.text(), input.text()] as const)
  return fields.length === 0 ? undefined : Object.fromEntries(fields)
}

/** Writes what each segment begins with: the requests remembered from the segments before. */
export function writeRemembered(remembered: readonly RememberedRequest[], out: ByteWriter): void {
  out.varint(remembered.length)
  for (const { key, fingerprint, accepted } of remembered) {
    out.text(key)
    out.u32(fingerprint)
    out.varint(accepted)
  }
}

/**
 * The requests with a key, oldest first, that the newest segment tells of: those remembered from earlier segments and its
 * own.
 */
export function readRemembered(
  opening: ByteReader | undefined,
  entries: readonly ByteReader[],
): RememberedRequest[] {
  const remembered: RememberedRequest[] = []
  if (opening !== undefined && opening.remaining > 0) {
    const earlier = times(opening.varint(), () => ({
      key: opening.text(),
      fingerprint: opening.u32(),
      accepted: opening.varint(),
    }))
    for (const each of earlier) remembered.push(each)
  }
  for (const entry of entries) {
    for (const { key, fingerprint, records } of readRequests(entry)) {
      if (key !== '') remembered.push({ key, fingerprint, accepted: records.length })
    }
  }
  return remembered
}

function times<T>(count: number, read: () => T): T[] {
  const items: T[] = []
  for (let left = count; left > 0; left--) items.push(read())
  return items
}
