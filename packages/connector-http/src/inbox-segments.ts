import { MillraceError } from '@millrace/core'
import {
  decodePayload,
  findBlock,
  storedBlockAt,
  wasComplete,
  type Checksum,
  type RememberedRequest,
} from './inbox-block.ts'

/** Where the next record of the inbox is. */
export type InboxPosition = {
  /** The number of the segment. */
  readonly segment: number
  /** Where a block of it begins, in bytes. */
  readonly offset: number
  /** How many records of this block have been read. */
  readonly record: number
  /** How far the inbox was durable by then: what is missing before that was lost. */
  readonly end?: { readonly segment: number; readonly offset: number }
}

/** Opens each segment: a name and the version of the format. */
export const segmentHead: Uint8Array = new TextEncoder().encode('MRINBOX2')

const namePattern = /^inbox-(\d{10,})\.log$/

/** The name of a segment's file. */
export function segmentName(segment: number): string {
  return `inbox-${String(segment).padStart(10, '0')}.log`
}

/** The number in a segment's name, or undefined for other names. */
export function segmentNumber(name: string): number | undefined {
  const match = namePattern.exec(name)
  return match === null ? undefined : Number(match[1])
}

/** What a position that comes from outside must be. Throws `CHECKPOINT_INCOMPATIBLE`. */
export function requirePosition(position: InboxPosition, place: string): InboxPosition {
  const { segment, offset, record, end = { segment, offset } } = position ?? {}
  const isPlace = [segment, offset, record, end?.segment, end?.offset].every(
    (each) => Number.isSafeInteger(each) && each >= 0,
  )
  if (isPlace) return position
  throw new MillraceError(
    'CHECKPOINT_INCOMPATIBLE',
    `${place}: ${JSON.stringify(position)} is no position of an inbox; was the source another one before?`,
  )
}

/** What the newest segment holds. */
export interface SegmentContent {
  /** The whole blocks. */
  readonly bytes: Uint8Array
  /** How many bytes followed that are no whole block: an append that a crash has torn, before it was answered. */
  readonly tornBytes: number
  /** Where the segment before it ends. */
  readonly previousEnd: number
  /** The requests with a key, oldest first, those remembered from earlier segments included. */
  readonly remembered: readonly RememberedRequest[]
}

/**
 * Reads the newest segment from its start. A bad block at its end is a torn append; one with a whole block behind it is
 * damage, because appends happen one at a time.
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

/** So many bytes of a segment hold its head and its first block, whatever numbers are in it. */
export const beginBytesMax = 64

/**
 * Reads the head and the first block of a segment, and says where that ends. A segment is published as a whole with them,
 * so they are never torn.
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

/** Throws `CHECKPOINT_CORRUPT` unless the bytes begin as a segment does. */
export function requireHead(bytes: Uint8Array, path: string): void {
  if (segmentHead.every((byte, i) => bytes[i] === byte)) return
  throw new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${path} does not begin as an inbox segment of this version does; restore the file from a copy`,
  )
}

/** The error for a block that cannot be read and is not the end of the log. */
export function damaged(path: string, offset: number): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${path} is damaged at byte ${offset}, and accepted records stand there or behind it; ` +
      'restore the file from a copy, or move the whole directory away to go on without what it holds',
  )
}
