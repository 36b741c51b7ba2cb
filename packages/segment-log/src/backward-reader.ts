import { isMillraceError } from '@millrace/core'
import { readAt } from '@millrace/core/disk'
import type { Fs, FsFile } from '@millrace/core/disk'
import { corrupt, lengthBefore, requireBlock } from './block.ts'
import type { StoredBlock } from './block.ts'
import { unchainChecksum } from './chain-checksum.ts'

/** Bytes per read. Each part gets its own buffer: values may keep views of it. */
const partBytes = 1024 * 1024

/** The bytes of a file that a checkpoint names. */
export interface NamedBytes {
  /** How many, from the start of the file. */
  readonly bytes: number
  /** `chainChecksum` of the blocks in them. */
  readonly checksum: number
}

/**
 * Passes the blocks in the named bytes of a file to `visit`, newest first, with their offsets, and awaits its result.
 *
 * Rejects with `CHECKPOINT_CORRUPT`, naming the place, if the file is missing or too short, if a checksum is
 * wrong, or if the file is intact but not the one that was named.
 */
export async function readBackwards(
  fs: Fs,
  path: string,
  named: NamedBytes,
  visit: (block: StoredBlock, place: string, offset: number) => Promise<void>,
): Promise<void> {
  const file = await openNamed(fs, path)
  try {
    let { checksum } = named
    let end = named.bytes
    let wanted = partBytes
    while (end > 0) {
      const start = Math.max(end - wanted, 0)
      const part = await readPart(file, path, start, end)
      let length = lengthBefore(part, part.length, placeOf(path, end))
      while (length !== undefined && length <= end - start) {
        const blockEnd = end - start
        end -= length
        const place = placeOf(path, end)
        const block = requireBlock(part, end - start, blockEnd, place)
        checksum = unchainChecksum(checksum, block.checksum)
        await visit(block, place, end)
        length = end > start ? lengthBefore(part, end - start, place) : undefined
      }
      // The rest is the end of a block that starts before this part.
      if (start === 0 && end > 0) throw corrupt(placeOf(path, end), 'no block ends here')
      wanted = Math.max(partBytes, length ?? 0)
    }
    if (checksum !== 0)
      throw corrupt(path, 'its blocks are intact but differ from those that the checkpoint names')
  } finally {
    await file.close()
  }
}

async function openNamed(fs: Fs, path: string): Promise<FsFile> {
  try {
    return await fs.open(path, 'read')
  } catch (cause) {
    if (isMillraceError(cause, 'FS_NOT_FOUND')) throw corrupt(path, 'the file is missing')
    throw cause
  }
}

async function readPart(file: FsFile, path: string, start: number, end: number): Promise<Uint8Array> {
  const part = await readAt(file, start, end - start)
  if (start + part.length < end) throw corrupt(placeOf(path, start + part.length), 'the file ends too soon')
  return part
}

function placeOf(path: string, position: number): string {
  return `${path}, byte ${position}`
}
