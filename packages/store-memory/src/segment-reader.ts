import { isMillraceError } from '@millrace/core'
import type { Fs, FsFile } from '@millrace/core'
import { blockLength, corrupt, openBlock } from './block-format.ts'
import type { Block } from './block-format.ts'
import { unchainChecksum } from './chain-checksum.ts'

/** Bytes per read. Each part gets its own buffer: values may keep views of it. */
const partBytes = 1024 * 1024

/**
 * Passes the blocks in the named bytes of a file to `visit`, newest first, and awaits its result.
 *
 * Rejects with `CHECKPOINT_CORRUPT`, naming the place, if the file is missing or too short, if a checksum is
 * wrong, or if the file is intact but not the one that was named.
 */
export async function readSegment(
  fs: Fs,
  path: string,
  named: { readonly bytes: number; readonly checksum: number },
  visit: (block: Block) => Promise<void>,
): Promise<void> {
  const file = await openSegment(fs, path)
  try {
    let { checksum } = named
    let end = named.bytes
    let wanted = partBytes
    while (end > 0) {
      const start = Math.max(end - wanted, 0)
      const part = await readPart(file, path, start, end)
      let length = blockLength(part, part.length, place(path, end))
      while (length !== undefined && length <= end - start) {
        const blockEnd = end - start
        end -= length
        const block = openBlock(part, end - start, blockEnd, place(path, end))
        checksum = unchainChecksum(checksum, block.checksum)
        await visit(block)
        length = end > start ? blockLength(part, end - start, place(path, end)) : undefined
      }
      // The rest is the end of a block that starts before this part.
      if (start === 0 && end > 0) throw corrupt(place(path, end), 'no block ends here')
      wanted = Math.max(partBytes, length ?? 0)
    }
    if (checksum !== 0)
      throw corrupt(path, 'its blocks are intact but differ from those that the checkpoint names')
  } finally {
    await file.close()
  }
}

async function openSegment(fs: Fs, path: string): Promise<FsFile> {
  try {
    return await fs.open(path, 'read')
  } catch (cause) {
    if (isMillraceError(cause, 'FS_NOT_FOUND')) throw corrupt(path, 'the file is missing')
    throw cause
  }
}

async function readPart(file: FsFile, path: string, start: number, end: number): Promise<Uint8Array> {
  const part = new Uint8Array(end - start)
  let filled = 0
  while (filled < part.length) {
    const count = await file.read(part.subarray(filled), start + filled)
    if (count === 0) throw corrupt(place(path, start + filled), 'the file ends too soon')
    filled += count
  }
  return part
}

function place(path: string, position: number): string {
  return `${path}, byte ${position}`
}
