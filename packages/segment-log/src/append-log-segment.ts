/** The segments of an append log: their names, their first blocks, and what the newest one holds. */
import { ByteReader, ByteWriter, MillraceError } from '@millrace/core'
import { blockAt, blockBytesMin, blockEnd, endBlock, hasBlock, startBlock } from './block.ts'

/** A place in an append log: where a block begins, or where the log ends. */
export type LogPlace = {
  /** The number of the segment. */
  readonly segment: number
  /** In bytes from the start of its file. */
  readonly offset: number
}

/** The first byte of a payload: what the block is. A mark has no payload. */
export const blockKind = { begin: 1, opening: 2, entry: 3 } as const

/** The first block of a segment always fits in this many bytes. */
export const beginBytesMax = 64

/** The names of the segments of one log. */
export class SegmentNames {
  readonly #prefix: string

  constructor(name: string) {
    this.#prefix = `${name}-`
  }

  /** The name of a segment's file. */
  fileOf(segment: number): string {
    return `${this.#prefix}${String(segment).padStart(10, '0')}.log`
  }

  /** The number in a segment's name, or undefined for other names. */
  numberOf(file: string): number | undefined {
    if (!file.startsWith(this.#prefix)) return undefined
    const match = /^(\d{10,})\.log$/.exec(file.slice(this.#prefix.length))
    return match === null ? undefined : Number(match[1])
  }
}

/** The first two blocks of a segment: its number and where the segment before it ends, then what the log's user puts first. */
export function firstBlocks(
  segment: number,
  previousEnd: number,
  opening: (out: ByteWriter) => void,
): Uint8Array {
  const out = new ByteWriter(256)
  const begin = startBlock(out)
  out.byte(blockKind.begin)
  out.varint(segment)
  out.varint(previousEnd)
  endBlock(out, begin)
  const second = startBlock(out)
  out.byte(blockKind.opening)
  opening(out)
  endBlock(out, second)
  return out.written()
}

/** The content of the newest segment. */
export interface SegmentContent {
  /** The complete blocks. */
  readonly bytes: Uint8Array
  /** Size of an incomplete block at the end: an append that a crash has torn before it resolved. */
  readonly tornBytes: number
  /** The end of the previous segment. */
  readonly previousEnd: number
  /** What the log's user put first; undefined in a segment that is new. */
  readonly opening: ByteReader | undefined
  /** What was appended, oldest first. */
  readonly entries: readonly ByteReader[]
}

/**
 * Reads the newest segment from its start. A bad block at its end is a torn append; one with a complete block
 * after it is damage, because appends do not overlap.
 *
 * Throws `CHECKPOINT_CORRUPT`.
 */
export function readNewestSegment(bytes: Uint8Array, segment: number, path: string): SegmentContent {
  const begin = readBegin(bytes, segment, path)
  const entries: ByteReader[] = []
  let opening: ByteReader | undefined
  let { end } = begin
  for (;;) {
    const stored = blockAt(bytes, end, `${path}, byte ${end}`)
    if (stored === undefined) break
    if (stored.payload[0] === blockKind.entry) entries.push(new ByteReader(stored.payload, 1))
    else if (stored.payload[0] === blockKind.opening) opening = new ByteReader(stored.payload, 1)
    end = stored.end
  }
  const isDamaged = hasBlock(bytes, end) || wasComplete(bytes.subarray(end))
  if (end < bytes.length && isDamaged) throw damaged(path, end)
  const { previousEnd } = begin
  return { bytes: bytes.subarray(0, end), tornBytes: bytes.length - end, previousEnd, opening, entries }
}

/**
 * Whether an incomplete block was once complete: data follows it, which is only written after a complete
 * block. A mark that a power loss has torn may be followed by an append.
 */
function wasComplete(bytes: Uint8Array): boolean {
  const end = blockEnd(bytes, 0)
  return end !== undefined && end > blockBytesMin && end < bytes.length
}

/**
 * Reads the first block of a segment, and says where it ends. A segment is published as a whole with its first blocks,
 * so they are never torn.
 *
 * Throws `CHECKPOINT_CORRUPT`, also if the segment has another number, and `CHECKPOINT_INCOMPATIBLE`.
 */
export function readBegin(
  bytes: Uint8Array,
  segment: number,
  path: string,
): { readonly previousEnd: number; readonly end: number } {
  requireFormat(bytes, path)
  const stored = blockAt(bytes, 0, path)
  if (stored === undefined || stored.payload[0] !== blockKind.begin) throw damaged(path, 0)
  const input = new ByteReader(stored.payload, 1)
  const number = input.varint()
  if (number === segment) return { previousEnd: input.varint(), end: stored.end }
  throw new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${path} contains segment ${number} of a log: the file was renamed or copied; restore it from a copy`,
  )
}

/** Inboxes of earlier versions began with this text. */
const earlierHead = new TextEncoder().encode('MRINBOX')

function requireFormat(bytes: Uint8Array, path: string): void {
  if (!earlierHead.every((byte, i) => bytes[i] === byte)) return
  throw new MillraceError(
    'CHECKPOINT_INCOMPATIBLE',
    `${path} was written by an earlier version of Millrace in a format that this version cannot read. Process what it ` +
      'holds with that version, or move the directory away to start without it',
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
