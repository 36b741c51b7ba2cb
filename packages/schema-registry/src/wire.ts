import { MillraceError } from '@millrace/core'

/** Bytes with the id of the schema by which they were written. */
export interface WireRecord {
  readonly id: number
  readonly payload: Uint8Array
}

const headerBytes = 5

/** Parses the registry's wire format: a zero, the id of the schema in four bytes, and the record. Throws `DECODE_FAILED`. */
export function parseWire(bytes: Uint8Array): WireRecord {
  if (bytes.length < headerBytes || bytes[0] !== 0) {
    const problem =
      bytes.length < headerBytes ? `there are ${bytes.length} bytes` : `the first byte is ${bytes[0]}`
    throw new MillraceError(
      'DECODE_FAILED',
      `the record does not begin with the id of a schema (a zero and four bytes): ${problem}; was it written without a schema registry?`,
    )
  }
  const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
  return { id, payload: bytes.subarray(headerBytes) }
}

/** The same bytes with the id of a schema. `parts` follow one another. */
export function wireRecord(id: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, headerBytes)
  const bytes = new Uint8Array(length)
  new DataView(bytes.buffer).setUint32(1, id)
  let at = headerBytes
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
