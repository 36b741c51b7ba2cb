/**
 * A block: records of one table of one subtask, with a checksum.
 *
 * ```
 *   offset  bytes
 *   0       4      'MRSB'
 *   4       4      CRC-32 of everything from offset 8 to the end of the block
 *   8       4      how many bytes follow
 *   12      1      version of this format
 *   13             subtask, first group, last group, number of records   varint each
 *                  owner, table, codec id                                text each
 *                  codec version                                         varint
 *                  records
 * ```
 *
 * Numbers are little-endian; varint and text are those of `ByteWriter`. The README describes records.
 */
import { ByteReader, ByteWriter, MillraceError } from '@millrace/core'
import type { KeyGroupRange } from '@millrace/core'
import { checksum } from './checksum.ts'

/** Whose records a block holds and who can read them. */
export interface BlockOrigin {
  readonly owner: string
  readonly subtask: number
  readonly table: string
  readonly groups: KeyGroupRange
  readonly codecId: string
  readonly codecVersion: number
}

/** A block whose checksum is right. */
export interface Block {
  readonly origin: BlockOrigin
  readonly recordCount: number
  /** Stands at the first record and ends behind the last. */
  readonly input: ByteReader
  readonly checksum: number
  /** For error messages: the file, and where the block starts in it. */
  readonly place: string
}

const formatVersion = 1
const magic = 0x4253_524d
/** Bytes before the part that `length` counts. */
const prefixBytes = 12

/** Kinds of record; the first byte of each. */
export const recordKind = { value: 0, tombstone: 1, drop: 2 } as const
/** Added to the kind when the outer token is that of the record before. */
export const sameOuterFlag = 4

/** Writes a block's header for `recordCount` records, whose bytes are given, to an empty `out`; returns the checksum. */
export function writeBlockHeader(
  out: ByteWriter,
  origin: BlockOrigin,
  recordCount: number,
  records: Uint8Array,
): number {
  out.u32(magic)
  out.u32(0)
  out.u32(0)
  out.byte(formatVersion)
  out.varint(origin.subtask)
  out.varint(origin.groups.first)
  out.varint(origin.groups.last)
  out.varint(recordCount)
  out.text(origin.owner)
  out.text(origin.table)
  out.text(origin.codecId)
  out.varint(origin.codecVersion)
  out.patchU32(8, out.length - prefixBytes + records.length)
  const sum = checksum(records, checksum(out.written().subarray(8)))
  out.patchU32(4, sum)
  return sum
}

/** The checksum of a row of blocks, one block longer than the row that has `before`. */
export function chainChecksum(before: number, block: number): number {
  chained.setUint32(0, block, true)
  return checksum(chainedBytes, before)
}

const chainedBytes = new Uint8Array(4)
const chained = new DataView(chainedBytes.buffer)

/** How long the block at `at` is; undefined if too few bytes are there to tell. */
export function blockLength(bytes: Uint8Array, at: number, place: string): number | undefined {
  if (bytes.length - at < prefixBytes) return undefined
  const input = new ByteReader(bytes, at)
  if (input.u32() !== magic) throw corrupt(place, 'no block starts here')
  input.u32()
  return prefixBytes + input.u32()
}

/** Checks and opens the block in `bytes` from `at` to `end`. */
export function openBlock(bytes: Uint8Array, at: number, end: number, place: string): Block {
  const input = new ByteReader(bytes, at, end)
  input.u32()
  const sum = input.u32()
  if (checksum(bytes.subarray(at + 8, end)) !== sum) throw corrupt(place, 'the checksum does not match')
  input.u32()
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

/** The error for bytes that are not what was written. */
export function corrupt(place: string, finding: string): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${place}: ${finding}; the file was damaged after it was written: restore an older checkpoint`,
    { place },
  )
}
