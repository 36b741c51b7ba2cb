import { MillraceError } from '@millrace/core'
import {
  decodePayload,
  findBlock,
  storedBlockAt,
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
}

/** Opens each segment: a name and the version of the format. */
export const segmentHead: Uint8Array = new TextEncoder().encode('MRINBOX1')

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
  const { segment, offset, record } = position ?? {}
  const isPlace = [segment, offset, record].every((each) => Number.isSafeInteger(each) && each >= 0)
  if (isPlace) return position
  throw new MillraceError(
    'CHECKPOINT_INCOMPATIBLE',
    `${place}: ${JSON.stringify(position)} is no position of an inbox; was the source another one before?`,
  )
}

/** What the newest segment holds. */
export interface SegmentContent {
  /** The whole blocks. What followed was torn by a crash and acknowledged to nobody. */
  readonly bytes: Uint8Array
  /** The requests with a key, oldest first, those remembered from earlier segments included. */
  readonly remembered: readonly RememberedRequest[]
}

/**
 * Reads the newest segment from its start. A bad block at its end is a torn append; one with a whole block
 * behind it is damage, because appends happen one at a time.
 *
 * Throws `CHECKPOINT_CORRUPT`.
 */
export function readNewestSegment(bytes: Uint8Array, path: string, checksum: Checksum): SegmentContent {
  requireHead(bytes, path)
  const remembered: RememberedRequest[] = []
  let end = segmentHead.length
  for (;;) {
    const stored = storedBlockAt(bytes, end, checksum)
    if (stored === undefined) break
    const block = decodePayload(stored.payload)
    if (block.kind === 'remembered') remembered.push(...block.remembered)
    else {
      for (const { key, fingerprint, records } of block.requests) {
        if (key !== '') remembered.push({ key, fingerprint, accepted: records.length })
      }
    }
    end = stored.end
  }
  if (end < bytes.length && findBlock(bytes, end, checksum) !== undefined) throw damaged(path, end)
  return { bytes: bytes.subarray(0, end), remembered }
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
