/** Opening an append log: finds the segments and checks that they are complete. */
import { MillraceError } from '@millrace/core'
import {
  readAt,
  readWhole,
  removeIfThere,
  temporaryOf,
  writeFully,
  type Fs,
  type FsFile,
  type Owner,
} from '@millrace/core/disk'
import {
  beginBytesMax,
  readBegin,
  readNewestSegment,
  type LogPlace,
  type SegmentContent,
  type SegmentNames,
} from './append-log-segment.ts'

/** Where a log is. */
export interface LogFiles {
  readonly fs: Fs
  readonly directory: string
  readonly names: SegmentNames
  readonly owner: Owner
}

/** A place up to which a checkpoint has read, and how far the log was durable by then. */
export type ReadPlace = LogPlace & { readonly end?: LogPlace }

/**
 * Publishes a segment atomically and durably, as `publishFile` does, and returns it open for appending.
 * Opening it by name later could open the file of a process that now owns the directory.
 */
export async function publishOpen(files: LogFiles, segment: number, bytes: Uint8Array): Promise<FsFile> {
  const { fs, directory, owner } = files
  const path = pathOf(files, segment)
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
  files: LogFiles,
  ends: ReadonlyMap<number, number>,
  newest: number,
  endBeforeNewest: number,
): Promise<void> {
  for (const [segment, end] of ends) {
    const next = segment + 1
    const path = pathOf(files, next)
    const { previousEnd } =
      next === newest
        ? { previousEnd: endBeforeNewest }
        : readBegin(await startOf(files.fs, path), next, path)
    if (previousEnd === end) continue
    throw new MillraceError(
      'CHECKPOINT_CORRUPT',
      `${pathOf(files, segment)} has ${end} bytes, and had ${previousEnd} when it was complete: the file was cut ` +
        'or written to; restore it from a copy',
    )
  }
}

/** The warning for a torn end that was cut off. */
export function tornEnd(files: LogFiles, segment: number, content: SegmentContent): string {
  return (
    `${pathOf(files, segment)} byte ${content.bytes.length}: the last ${content.tornBytes} bytes are an incomplete block and are ` +
    'cut off: an append was in progress when the job ended, and its clients got no answer. If the file was changed ' +
    'since, accepted records may be lost'
  )
}

export async function readNewest(files: LogFiles, newest: number): Promise<SegmentContent> {
  const path = pathOf(files, newest)
  return readNewestSegment(await readWhole(files.fs, path), newest, path)
}

/** Lists the segments, oldest first. Deletes those before `from`. */
export async function existingSegments(files: LogFiles, from: LogPlace | undefined): Promise<number[]> {
  const { fs, directory, names } = files
  const present = (await fs.list(directory)).map(({ name }) => name)
  const all = present.flatMap((name) => names.numberOf(name) ?? []).toSorted((a, b) => a - b)
  if (from !== undefined && !all.includes(from.segment)) throw lost(files, from.segment)
  const segments = all.filter((segment) => from === undefined || segment >= from.segment)
  for (const [i, segment] of segments.entries()) {
    const expected = segments[0]! + i
    if (segment !== expected) throw lost(files, expected)
  }
  const kept = new Set(segments.map((segment) => names.fileOf(segment)))
  const removed = present.filter((name) => names.numberOf(name) !== undefined && !kept.has(name))
  for (const name of removed) await removeIfThere(fs, `${directory}/${name}`)
  if (removed.length > 0) await fs.syncDirectory(directory)
  return segments
}

export async function sizeOf(files: LogFiles, segment: number): Promise<number> {
  const facts = await files.fs.stat(pathOf(files, segment))
  if (facts === undefined) throw lost(files, segment)
  return facts.size
}

/** Throws `CHECKPOINT_CORRUPT` if the log ends before the place. */
export function requireReadable(files: LogFiles, from: ReadPlace, ends: ReadonlyMap<number, number>): void {
  // The reader may have read past the end that was durable at the last poll.
  const end = from.end !== undefined && from.end.segment >= from.segment ? from.end : from
  for (const { segment, offset } of [from, end]) {
    const size = ends.get(segment)
    if (size === undefined) throw lost(files, segment)
    if (offset <= size) continue
    throw new MillraceError(
      'CHECKPOINT_CORRUPT',
      `${pathOf(files, segment)} ends at byte ${size}, but reached byte ${offset} at the last checkpoint: the file ` +
        'lost its end; restore it from a copy',
    )
  }
}

export function pathOf({ directory, names }: LogFiles, segment: number): string {
  return `${directory}/${names.fileOf(segment)}`
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

function lost(files: LogFiles, segment: number): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${pathOf(files, segment)} is missing, but the checkpoint needs it; restore it from a copy. Restoring an ` +
      'older checkpoint may need segments that were deleted since',
  )
}
