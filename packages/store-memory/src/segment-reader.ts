import { isMillraceError } from '@millrace/core'
import type { Fs, FsFile } from '@millrace/core'
import { blockLength, chainChecksum, corrupt, openBlock } from './block-format.ts'
import type { Block } from './block-format.ts'

/** How much of a file is read at once. Each part gets memory of its own: values may keep views of it. */
const partBytes = 1024 * 1024

/**
 * Hands the blocks in the named bytes of a file to `visit`, in their order.
 *
 * Rejects with `CHECKPOINT_CORRUPT`, naming the place, if the file is missing or too short, if a checksum does
 * not match, or if the file is a sound one but not the one that was named.
 */
export async function readSegment(
  fs: Fs,
  path: string,
  named: { readonly bytes: number; readonly checksum: number },
  visit: (block: Block) => void,
): Promise<void> {
  const { bytes } = named
  let checksum = 0
  const file = await openSegment(fs, path)
  try {
    let position = 0
    let wanted = partBytes
    while (position < bytes) {
      const part = await readPart(file, path, position, Math.min(wanted, bytes - position))
      let at = 0
      let length = blockLength(part, at, place(path, position))
      while (length !== undefined && at + length <= part.length) {
        const block = openBlock(part, at, at + length, place(path, position + at))
        checksum = chainChecksum(checksum, block.checksum)
        visit(block)
        at += length
        length = at < part.length ? blockLength(part, at, place(path, position + at)) : undefined
      }
      position += at
      const rest = bytes - position
      if (rest > 0 && at === 0 && (length ?? Infinity) > rest) {
        throw corrupt(
          place(path, position),
          `a block ends behind the ${bytes} bytes that the checkpoint names`,
        )
      }
      wanted = Math.max(partBytes, length ?? 0)
    }
    if (checksum !== named.checksum) {
      throw corrupt(path, 'its blocks are sound but not those that the checkpoint names')
    }
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

async function readPart(file: FsFile, path: string, position: number, length: number): Promise<Uint8Array> {
  const part = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const count = await file.read(part.subarray(filled), position + filled)
    if (count === 0) throw corrupt(place(path, position + filled), 'the file ends too soon')
    filled += count
  }
  return part
}

function place(path: string, position: number): string {
  return `${path}, byte ${position}`
}
