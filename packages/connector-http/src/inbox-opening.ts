/** Opening the inbox's log: finds the segments and checks that they are complete. */
import {
  ByteWriter,
  MillraceError,
  readWhole,
  removeIfThere,
  temporaryOf,
  writeFully,
  type Fs,
  type FsFile,
  type Owner,
} from '@millrace/core'
import { encodeBlock, type Checksum, type RememberedRequest } from './inbox-block.ts'
import {
  beginBytesMax,
  readAt,
  readBegin,
  readNewestSegment,
  segmentHead,
  segmentName,
  segmentNumber,
  type InboxPosition,
  type SegmentContent,
} from './inbox-segments.ts'

/** Where the log lies. */
export interface InboxLogOptions {
  readonly fs: Fs
  readonly directory: string
  readonly checksum: Checksum
  readonly owner: Owner
  /** Reports a warning about the files. */
  readonly warn: (message: string) => void
  /** Where reading continues; undefined for the oldest record. */
  readonly from: InboxPosition | undefined
}

/** The head and the first blocks of a segment. */
export function firstBytes(
  begin: { readonly segment: number; readonly previousEnd: number },
  remembered: readonly RememberedRequest[],
  writer: ByteWriter,
  checksum: Checksum,
): Uint8Array {
  const first = encodeBlock({ kind: 'begin', ...begin }, writer, checksum).slice()
  const second = encodeBlock({ kind: 'remembered', remembered }, writer, checksum)
  return Uint8Array.from(Buffer.concat([segmentHead, first, second]))
}

export function emptySegment(checksum: Checksum): SegmentContent {
  const begin = { segment: 1, previousEnd: 0 }
  const bytes = firstBytes(begin, [], new ByteWriter(), checksum)
  return { bytes, tornBytes: 0, previousEnd: 0, remembered: [] }
}

/**
 * Publishes a segment atomically and durably, as `publishFile` does, and returns it open for appending.
 * Opening it by name later could open the file of a process that now owns the directory.
 */
export async function publishOpen(
  { fs, directory, owner }: Pick<InboxLogOptions, 'fs' | 'directory' | 'owner'>,
  segment: number,
  bytes: Uint8Array,
): Promise<FsFile> {
  const path = `${directory}/${segmentName(segment)}`
  const temporary = temporaryOf(path, owner)
  await removeIfThere(fs, temporary)
  const file = await fs.open(temporary, 'create')
  try {
    await writeFully(file, bytes, temporary)
    await file.sync()
    await owner.confirm()
    await fs.rename(temporary, path)
    await fs.syncDirectory(directory)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** A complete segment must end where the next one says. Throws `CHECKPOINT_CORRUPT`. */
export async function requireWhole(
  { fs, directory, checksum }: InboxLogOptions,
  ends: ReadonlyMap<number, number>,
  newest: number,
  endBeforeNewest: number,
): Promise<void> {
  for (const [segment, end] of ends) {
    const next = segment + 1
    const path = `${directory}/${segmentName(next)}`
    const { previousEnd } =
      next === newest
        ? { previousEnd: endBeforeNewest }
        : readBegin(await startOf(fs, path), next, path, checksum)
    if (previousEnd === end) continue
    throw new MillraceError(
      'CHECKPOINT_CORRUPT',
      `${directory}/${segmentName(segment)} has ${end} bytes, and had ${previousEnd} when it was complete: the file was cut ` +
        'or written to; restore it from a copy',
    )
  }
}

export function warnOfTorn(
  { directory, warn }: InboxLogOptions,
  segment: number,
  content: SegmentContent,
): void {
  const place = `${directory}/${segmentName(segment)} byte ${content.bytes.length}`
  warn(
    `${place}: the last ${content.tornBytes} bytes are an incomplete block and are cut off: an append was in progress when ` +
      'the job ended, and its clients got no answer. If the file was changed since, accepted records may be lost',
  )
}

export async function readNewest(
  { fs, directory, checksum }: InboxLogOptions,
  newest: number,
): Promise<SegmentContent> {
  const path = `${directory}/${segmentName(newest)}`
  return readNewestSegment(await readWhole(fs, path), newest, path, checksum)
}

/** Lists the segments, oldest first. Deletes those before `from`. */
export async function existingSegments({ fs, directory, from }: InboxLogOptions): Promise<number[]> {
  const names = (await fs.list(directory)).map(({ name }) => name)
  const all = names.flatMap((name) => segmentNumber(name) ?? []).toSorted((a, b) => a - b)
  if (from !== undefined && !all.includes(from.segment)) throw lost(directory, from.segment)
  const segments = all.filter((segment) => from === undefined || segment >= from.segment)
  for (const [i, segment] of segments.entries()) {
    const expected = segments[0]! + i
    if (segment !== expected) throw lost(directory, expected)
  }
  const kept = new Set(segments.map(segmentName))
  const removed = names.filter((name) => segmentNumber(name) !== undefined && !kept.has(name))
  for (const name of removed) await removeIfThere(fs, `${directory}/${name}`)
  if (removed.length > 0) await fs.syncDirectory(directory)
  return segments
}

export async function sizeOf({ fs, directory }: InboxLogOptions, segment: number): Promise<number> {
  const facts = await fs.stat(`${directory}/${segmentName(segment)}`)
  if (facts === undefined) throw lost(directory, segment)
  return facts.size
}

/** Throws `CHECKPOINT_CORRUPT` if the log ends before the position. */
export function requireReadable(
  from: InboxPosition,
  ends: ReadonlyMap<number, number>,
  directory: string,
): void {
  // The reader may have read past the end that was durable at the last poll.
  const end = from.end !== undefined && from.end.segment >= from.segment ? from.end : from
  for (const { segment, offset } of [from, end]) {
    const size = ends.get(segment)
    if (size === undefined) throw lost(directory, segment)
    if (offset <= size) continue
    throw new MillraceError(
      'CHECKPOINT_CORRUPT',
      `${directory}/${segmentName(segment)} ends at byte ${size}, but reached byte ${offset} at the last checkpoint: the file ` +
        'lost its end; restore it from a copy',
    )
  }
}

/** The start of a segment, which contains its first block. */
async function startOf(fs: Fs, path: string): Promise<Uint8Array> {
  const file = await fs.open(path, 'read')
  try {
    return await readAt(file, 0, beginBytesMax)
  } finally {
    await file.close()
  }
}

function lost(directory: string, segment: number): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${directory}/${segmentName(segment)} is missing, but the checkpoint needs it; restore it from a copy. Restoring an ` +
      'older checkpoint may need segments that were deleted since',
  )
}
