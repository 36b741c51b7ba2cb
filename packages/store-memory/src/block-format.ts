/**
 * A block: records of one table of one subtask, with a checksum.
 *
 * ```
 *   offset  bytes
 *   0       4      'MRSB'
 *   4       4      CRC-32 of everything from offset 8 to the end of the block
 *   8       4      length of the block
 *   12      1      version of this format
 *   13             subtask, first group, last group, number of records   varint each
 *                  owner, table, codec id                                text each
 *                  codec version                                         varint
 *                  records
 *   -4      4      length of the block again, to read backwards
 * ```
 *
 * Numbers are little-endian; varint and text are those of `ByteWriter`. The README describes records.
 */
import { ByteReader, ByteWriter, MillraceError } from '@millrace/core'
import type { KeyGroupRange } from '@millrace/core'
import { checksum } from './checksum.ts'

/** The owner of a block's records and their codec. */
export interface BlockOrigin {
  readonly owner: string
  readonly subtask: number
  readonly table: string
  readonly groups: KeyGroupRange
  readonly codecId: string
  readonly codecVersion: number
}

/** A block with a correct checksum. */
export interface Block {
  readonly origin: BlockOrigin
  readonly recordCount: number
  /** Positioned at the first record; ends after the last. */
  readonly input: ByteReader
  readonly checksum: number
  /** For error messages: the file, and the offset of the block in it. */
  readonly place: string
}

const formatVersion = 1
const magic = 0x4253_524d
const trailerBytes = 4
/** The minimum size of a block: its fixed fields. */
const blockBytesMin = 13 + trailerBytes

/** Kinds of record. */
export const recordKind = { value: 0, tombstone: 1, drop: 2 } as const
/** Added to the kind when the outer token equals that of the previous value. */
export const sameOuterFlag = 4

/** The frame around the records of a block. */
export interface BlockFrame {
  readonly header: Uint8Array
  readonly trailer: Uint8Array
  readonly checksum: number
}

/** Frames records. The frame is valid until the next call with the same `scratch`. */
export function frameBlock(
  scratch: ByteWriter,
  origin: BlockOrigin,
  recordCount: number,
  records: Uint8Array,
): BlockFrame {
  scratch.reset()
  scratch.u32(magic)
  scratch.u32(0)
  scratch.u32(0)
  scratch.byte(formatVersion)
  scratch.varint(origin.subtask)
  scratch.varint(origin.groups.first)
  scratch.varint(origin.groups.last)
  scratch.varint(recordCount)
  scratch.text(origin.owner)
  scratch.text(origin.table)
  scratch.text(origin.codecId)
  scratch.varint(origin.codecVersion)
  const headerBytes = scratch.length
  const length = headerBytes + records.length + trailerBytes
  scratch.u32(length)
  scratch.patchU32(8, length)
  const header = scratch.bytes.subarray(0, headerBytes)
  const trailer = scratch.written().subarray(headerBytes)
  const sum = checksum(trailer, checksum(records, checksum(header.subarray(8))))
  scratch.patchU32(4, sum)
  return { header, trailer, checksum: sum }
}

/** The length of the block that ends at `end`; undefined if there are too few bytes. */
export function blockLength(bytes: Uint8Array, end: number, place: string): number | undefined {
  if (end < trailerBytes) return undefined
  const length = new ByteReader(bytes, end - trailerBytes).u32()
  if (length < blockBytesMin) throw corrupt(place, 'no block ends here')
  return length
}

/** Validates and opens the block in `bytes` from `start` to `end`. */
export function openBlock(bytes: Uint8Array, start: number, end: number, place: string): Block {
  const input = new ByteReader(bytes, start, end - trailerBytes)
  if (input.u32() !== magic) throw corrupt(place, 'no block starts here')
  const sum = input.u32()
  if (checksum(bytes.subarray(start + 8, end)) !== sum) throw corrupt(place, 'the checksum does not match')
  if (input.u32() !== end - start) throw corrupt(place, 'the lengths of the block do not match')
  const version = input.byte()
  if (version !== formatVersion) {
    throw new MillraceError(
      'CHECKPOINT_INCOMPATIBLE',
      `${place}: the block has format ${version}; this version reads format ${formatVersion}: restore it with ` +
        'the version of Millrace that made it, or a newer one',
    )
  }
  const subtask = input.varint()
  const groups = { first: input.varint(), last: input.varint() }
  const recordCount = input.varint()
  const owner = input.text()
  const table = input.text()
  const codecId = input.text()
  const codecVersion = input.varint()
  return {
    origin: { owner, subtask, table, groups, codecId, codecVersion },
    recordCount,
    input,
    checksum: sum,
    place,
  }
}

/** The error for bytes that differ from those written. */
export function corrupt(place: string, finding: string): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${place}: ${finding}; the file was damaged after it was written: restore an older checkpoint`,
    { place },
  )
}
