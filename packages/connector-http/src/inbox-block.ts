/**
 * The format of the inbox's files: blocks, each written by one append and protected by one checksum.
 *
 *     magic 4 | checksum 4 | length 4 | payload
 *
 * The checksum covers the length and the payload. A block contains the requests of one group commit, so a
 * torn append leaves one bad block at the end of the log and loses whole requests. After a block is answered,
 * a mark (a block without requests) is appended, so damage to the block cannot be mistaken for a torn append.
 *
 * The magic begins with a byte that no UTF-8 text contains, and requests contain only UTF-8, so a client
 * cannot forge a block.
 */
import { ByteReader, ByteWriter } from '@millrace/core'

/** Computes the checksum of bytes as an unsigned 32-bit number. */
export type Checksum = (bytes: Uint8Array) => number

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

/** The content of a block. */
export type Block =
  | { readonly kind: 'requests'; readonly requests: readonly AcceptedRequest[] }
  /** Begins each segment: its number, and the end of the previous segment; 0 for the first. */
  | { readonly kind: 'begin'; readonly segment: number; readonly previousEnd: number }
  /** The second block of each segment: the requests remembered from earlier segments. */
  | { readonly kind: 'remembered'; readonly remembered: readonly RememberedRequest[] }

const magic = Uint8Array.of(0xff, 0x4d, 0x52, 0x42)
const headBytes = 12
const kindRequests = 1
const kindRemembered = 2
const kindBegin = 3
/** A mark is a block without requests. */
const markPayloadBytes = 2

/** Encodes a block. The bytes are valid until `writer` is used again. */
export function encodeBlock(block: Block, writer: ByteWriter, checksum: Checksum): Uint8Array {
  writer.reset()
  writer.raw(magic)
  writer.u32(0)
  writer.u32(0)
  if (block.kind === 'requests') writeRequests(block.requests, writer)
  else if (block.kind === 'remembered') writeRemembered(block.remembered, writer)
  else {
    writer.byte(kindBegin)
    writer.varint(block.segment)
    writer.varint(block.previousEnd)
  }
  writer.patchU32(8, writer.length - headBytes)
  const bytes = writer.written()
  writer.patchU32(4, checksum(bytes.subarray(8)))
  return bytes
}

/** A block in a file: undecoded, but complete. */
export interface StoredBlock {
  readonly payload: Uint8Array
  /** Where the next block begins. */
  readonly end: number
}

/** The block at `offset`, or undefined if there is no complete block. */
export function storedBlockAt(
  bytes: Uint8Array,
  offset: number,
  checksum: Checksum,
): StoredBlock | undefined {
  const end = blockEnd(bytes, offset)
  if (end === undefined || end > bytes.length) return undefined
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset + 4, true)
  if (checksum(bytes.subarray(offset + 8, end)) !== stored) return undefined
  return { payload: bytes.subarray(offset + headBytes, end), end }
}

/**
 * The end of the block at `offset` according to its header, perhaps past the bytes; undefined if no block
 * begins there.
 */
export function blockEnd(bytes: Uint8Array, offset: number): number | undefined {
  if (offset + headBytes > bytes.length || !magic.every((byte, i) => bytes[offset + i] === byte))
    return undefined
  return offset + headBytes + new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset + 8, true)
}

/**
 * Whether an incomplete block was once complete: data follows it, which is only written after a complete
 * block. A mark that a power loss has torn may be followed by an append.
 */
export function wasComplete(bytes: Uint8Array): boolean {
  const end = blockEnd(bytes, 0)
  return end !== undefined && end > headBytes + markPayloadBytes && end < bytes.length
}

/** Where the first complete block at or after `offset` begins, or undefined if there is none. */
export function findBlock(bytes: Uint8Array, offset: number, checksum: Checksum): number | undefined {
  let at = bytes.indexOf(magic[0]!, offset)
  while (at !== -1) {
    if (storedBlockAt(bytes, at, checksum) !== undefined) return at
    at = bytes.indexOf(magic[0]!, at + 1)
  }
  return undefined
}

/** Decodes a payload. Records are views of it. Throws `CODEC_FAILED` if the payload is in no known format. */
export function decodePayload(payload: Uint8Array): Block {
  const reader = new ByteReader(payload)
  const kind = reader.byte()
  if (kind === kindBegin) return { kind: 'begin', segment: reader.varint(), previousEnd: reader.varint() }
  if (kind === kindRemembered) return { kind: 'remembered', remembered: times(reader, readRemembered) }
  return { kind: 'requests', requests: times(reader, readRequest) }
}

function writeRequests(requests: readonly AcceptedRequest[], writer: ByteWriter): void {
  writer.byte(kindRequests)
  writer.varint(requests.length)
  for (const { key, fingerprint, records } of requests) {
    writer.text(key)
    writer.u32(fingerprint)
    writer.varint(records.length)
    for (const record of records) writer.blob(record)
  }
}

function readRequest(reader: ByteReader): AcceptedRequest {
  const key = reader.text()
  const fingerprint = reader.u32()
  return { key, fingerprint, records: times(reader, (each) => each.blob()) }
}

function writeRemembered(remembered: readonly RememberedRequest[], writer: ByteWriter): void {
  writer.byte(kindRemembered)
  writer.varint(remembered.length)
  for (const { key, fingerprint, accepted } of remembered) {
    writer.text(key)
    writer.u32(fingerprint)
    writer.varint(accepted)
  }
}

function readRemembered(reader: ByteReader): RememberedRequest {
  return { key: reader.text(), fingerprint: reader.u32(), accepted: reader.varint() }
}

function times<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  const items: T[] = []
  for (let left = reader.varint(); left > 0; left--) items.push(read(reader))
  return items
}
