import { MillraceError, type FsFile } from '@millrace/core'
import {
  decodePayload,
  findBlock,
  storedBlockAt,
  wasComplete,
  type Checksum,
  type RememberedRequest,
} from './inbox-block.ts'

/** The position of the next record of the inbox. */
export type InboxPosition = {
  /** The number of the segment. */
  readonly segment: number
  /** The offset of one of its blocks, in bytes. */
  readonly offset: number
  /** Number of records of this block that have been read. */
  readonly record: number
  /** The durable end of the inbox at that time: if data before it is missing, it was lost. */
  readonly end?: { readonly segment: number; readonly offset: number }
}

/** The header of each segment: a name and the version of the format. */
export const segmentHead: Uint8Array = new TextEncoder().encode('MRINBOX2')

const namePattern = /^inbox-(\d{10,})\.log$/

/** The name of a segment's file. */
export function segmentName(segment: number): string {
  return `inbox-${String(segment).padStart(10, '0')}.log`
}

/** The number in a segment's file name, or undefined for other names. */
export function segmentNumber(name: string): number | undefined {
  const match = namePattern.exec(name)
  return match === null ? undefined : Number(match[1])
}

/** Validates a position from a checkpoint. Throws `CHECKPOINT_INCOMPATIBLE`. */
export function requirePosition(position: InboxPosition, place: string): InboxPosition {
  const { segment, offset, record, end = { segment, offset } } = position ?? {}
  const isPlace = [segment, offset, record, end?.segment, end?.offset].every(
    (each) => Number.isSafeInteger(each) && each >= 0,
  )
  if (isPlace) return position
  throw new MillraceError(
    'CHECKPOINT_INCOMPATIBLE',
    `${place}: ${JSON.stringify(position)} is not a valid inbox position. Did this source have another connector before?`,
  )
}

/** The content of the newest segment. */
export interface SegmentContent {
  /** The complete blocks. */
  readonly bytes: Uint8Array
  /** Size of an incomplete block at the end: an append that a crash has torn, before it was answered. */
  readonly tornBytes: number
  /** The end of the previous segment. */
  readonly previousEnd: number
  /** The requests with a key, oldest first, including those remembered from earlier segments. */
  readonly remembered: readonly RememberedRequest[]
}

/**
 * Reads the newest segment from its start. A bad block at its end is a torn append; one with a complete block
 * after it is damage, because appends do not overlap.
 *
 * Throws `CHECKPOINT_CORRUPT`.
 */
export function readNewestSegment(
  bytes: Uint8Array,
  segment: number,
  path: string,
  checksum: Checksum,
): SegmentContent {
  const begin = readBegin(bytes, segment, path, checksum)
  const remembered: RememberedRequest[] = []
  let { end } = begin
  for (;;) {
    const stored = storedBlockAt(bytes, end, checksum)
    if (stored === undefined) break
    const block = decodePayload(stored.payload)
    if (block.kind === 'remembered') remembered.push(...block.remembered)
    else if (block.kind === 'requests') {
      for (const { key, fingerprint, records } of block.requests) {
        if (key !== '') remembered.push({ key, fingerprint, accepted: records.length })
      }
    }
    end = stored.end
  }
  const isDamaged = findBlock(bytes, end, checksum) !== undefined || wasComplete(bytes.subarray(end))
  if (end < bytes.length && isDamaged) throw damaged(path, end)
  const { previousEnd } = begin
  return { bytes: bytes.subarray(0, end), tornBytes: bytes.length - end, previousEnd, remembered }
}

/** The head and the first block of a segment always fit in this many bytes. */
export const beginBytesMax = 64

/**
 * Reads the head and the first block of a segment, and returns where they end. They are published together
 * with the segment, so they are never torn.
 *
 * Throws `CHECKPOINT_CORRUPT`, also if the segment has another number.
 */
export function readBegin(
  bytes: Uint8Array,
  segment: number,
  path: string,
  checksum: Checksum,
): { readonly previousEnd: number; readonly end: number } {
  requireHead(bytes, path)
  const stored = storedBlockAt(bytes, segmentHead.length, checksum)
  const block = stored === undefined ? undefined : decodePayload(stored.payload)
  if (stored === undefined || block?.kind !== 'begin') throw damaged(path, segmentHead.length)
  if (block.segment === segment) return { previousEnd: block.previousEnd, end: stored.end }
  throw new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${path} holds segment ${block.segment} of an inbox: the file was renamed or copied; restore it from a copy`,
  )
}

/** Throws `CHECKPOINT_CORRUPT` unless the bytes begin with the segment header. */
export function requireHead(bytes: Uint8Array, path: string): void {
  if (segmentHead.every((byte, i) => bytes[i] === byte)) return
  throw new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${path} does not begin as an inbox segment of this version does; restore the file from a copy`,
  )
}

/** The error for an unreadable block that is not the end of the log. */
export function damaged(path: string, offset: number): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${path} is damaged at byte ${offset}, and accepted records are at or after that position; ` +
      'restore the file from a copy, or move the whole directory away to continue without its records',
  )
}

/** Reads `length` bytes, or fewer at the end of the file. */
export async function readAt(file: FsFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const count = await file.read(bytes.subarray(filled), offset + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}
