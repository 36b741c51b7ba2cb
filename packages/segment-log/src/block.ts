/**
 * A block: a payload with a checksum, and its length at both ends, so that a file can be read from either.
 *
 * ```
 *   offset  bytes
 *   0       4      FF 4D 52 4C
 *   4       4      CRC-32 of everything from offset 8 to the end of the block
 *   8       4      length of the block, from its first byte to its last
 *   12      1      version of this format
 *   13             payload
 *   -4      4      length of the block again, to read backwards
 * ```
 *
 * Numbers are little-endian. No UTF-8 text contains the first byte, so text in a payload never looks like a block.
 */
import { MillraceError } from '@millrace/core'
import type { ByteWriter } from '@millrace/core'
import { checksum } from './checksum.ts'

/** The minimum size of a block: its fixed fields. */
export const blockBytesMin = 17

const magic = 0x4c52_4dff
const firstByte = 0xff
const headBytes = 13
const trailerBytes = 4
const formatVersion = 1
const nothing = new Uint8Array(0)

/** A block that was completed in a writer. Valid until the writer changes. */
export interface SealedBlock {
  /** The block up to where the rest of the payload comes. */
  readonly head: Uint8Array
  /** What follows the payload. */
  readonly trailer: Uint8Array
  readonly checksum: number
}

/** A block as it is in a file. Its checksum was verified. */
export interface StoredBlock {
  readonly payload: Uint8Array
  /** Where the next block begins in the bytes in which this one was found. */
  readonly end: number
  readonly checksum: number
}

/** Starts a block at the end of `out` and returns where. What is written next is its payload. */
export function startBlock(out: ByteWriter): number {
  const start = out.length
  out.u32(magic)
  out.u32(0)
  out.u32(0)
  out.byte(formatVersion)
  return start
}

/** Completes the block that starts at `start`. `rest` is the end of its payload if that is not in `out`. */
export function endBlock(out: ByteWriter, start: number, rest: Uint8Array = nothing): SealedBlock {
  const headEnd = out.length
  const length = headEnd - start + rest.length + trailerBytes
  out.u32(length)
  out.patchU32(start + 8, length)
  const bytes = out.written()
  const head = bytes.subarray(start, headEnd)
  const trailer = bytes.subarray(headEnd)
  const sum = checksum(trailer, checksum(rest, checksum(head.subarray(8))))
  out.patchU32(start + 4, sum)
  return { head, trailer, checksum: sum }
}

/** The end of the block at `start` according to its header, perhaps past the bytes; undefined if no block begins there. */
export function blockEnd(bytes: Uint8Array, start: number): number | undefined {
  if (start + headBytes > bytes.length) return undefined
  const view = viewOf(bytes)
  if (view.getUint32(start, true) !== magic) return undefined
  const length = view.getUint32(start + 8, true)
  return length < blockBytesMin ? undefined : start + length
}

/** The length of the block that ends at `end`; undefined if there are too few bytes. Throws `CHECKPOINT_CORRUPT`. */
export function lengthBefore(bytes: Uint8Array, end: number, place: string): number | undefined {
  if (end < trailerBytes) return undefined
  const length = viewOf(bytes).getUint32(end - trailerBytes, true)
  if (length < blockBytesMin) throw corrupt(place, 'no block ends here')
  return length
}

/**
 * The block at `start`, or undefined if there is no complete block.
 *
 * `place` is for the error. Throws `CHECKPOINT_INCOMPATIBLE` for a block of another version.
 */
export function blockAt(bytes: Uint8Array, start: number, place: string): StoredBlock | undefined {
  const end = blockEnd(bytes, start)
  if (end === undefined || flawOf(bytes, start, end) !== undefined) return undefined
  return opened(bytes, start, end, place)
}

/** The block from `start` to `end`. Throws `CHECKPOINT_CORRUPT` if there is none, else as `blockAt`. */
export function requireBlock(bytes: Uint8Array, start: number, end: number, place: string): StoredBlock {
  if (blockEnd(bytes, start) === undefined) throw corrupt(place, 'no block starts here')
  const flaw = flawOf(bytes, start, end)
  if (flaw !== undefined) throw corrupt(place, flaw)
  return opened(bytes, start, end, place)
}

/** Whether a complete block begins at `from` or later. */
export function hasBlock(bytes: Uint8Array, from: number): boolean {
  for (let at = bytes.indexOf(firstByte, from); at !== -1; at = bytes.indexOf(firstByte, at + 1)) {
    const end = blockEnd(bytes, at)
    if (end !== undefined && flawOf(bytes, at, end) === undefined) return true
  }
  return false
}

/** The error for bytes that differ from those written. */
export function corrupt(place: string, finding: string): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${place}: ${finding}; the file was damaged after it was written: restore an older checkpoint`,
    { place },
  )
}

function flawOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end > bytes.length) return 'the block is cut off'
  const view = viewOf(bytes)
  if (checksum(bytes.subarray(start + 8, end)) !== view.getUint32(start + 4, true))
    return 'the checksum does not match'
  if (view.getUint32(start + 8, true) !== end - start) return 'the lengths of the block do not match'
  return undefined
}

function opened(bytes: Uint8Array, start: number, end: number, place: string): StoredBlock {
  const version = bytes[start + 12]!
  if (version !== formatVersion) {
    throw new MillraceError(
      'CHECKPOINT_INCOMPATIBLE',
      `${place}: the block has format ${version}; this version reads format ${formatVersion}: restore it with ` +
        'the version of Millrace that made it, or a newer one',
    )
  }
  const payload = bytes.subarray(start + headBytes, end - trailerBytes)
  return { payload, end, checksum: viewOf(bytes).getUint32(start + 4, true) }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
