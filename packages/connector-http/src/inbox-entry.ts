/** What the inbox stores: an entry of its log holds the requests of one group commit. */
import type { ByteReader, ByteWriter } from '@millrace/core'

/** The content of one accepted request. */
export interface AcceptedRequest {
  /** The client's name for the request, or '' if it gave none. */
  readonly key: string
  /** Distinguishes two requests with the same key. */
  readonly fingerprint: number
  /** The JSON text of each record, in UTF-8, as received. */
  readonly records: readonly Uint8Array[]
}

/** A request that was accepted earlier with a key. */
export interface RememberedRequest {
  readonly key: string
  readonly fingerprint: number
  /** The number of its records. */
  readonly accepted: number
}

export function writeRequests(requests: readonly AcceptedRequest[], out: ByteWriter): void {
  out.varint(requests.length)
  for (const { key, fingerprint, records } of requests) {
    out.text(key)
    out.u32(fingerprint)
    out.varint(records.length)
    for (const record of records) out.blob(record)
  }
}

/** Reads an entry. Records are views of it. Throws `CODEC_FAILED` if it is in no known format. */
export function readRequests(input: ByteReader): AcceptedRequest[] {
  return times(input, () => {
    const key = input.text()
    const fingerprint = input.u32()
    return { key, fingerprint, records: times(input, () => input.blob()) }
  })
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
    const earlier = times(opening, () => ({
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

function times<T>(input: ByteReader, read: () => T): T[] {
  const items: T[] = []
  for (let left = input.varint(); left > 0; left--) items.push(read())
  return items
}
