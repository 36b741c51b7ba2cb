import { MillraceError } from '@millrace/core'
import { readAt, writeFullyAt, type Fs, type FsFile } from '@millrace/core/disk'
import { checksum } from '@millrace/segment-log'

/** A range of a file, in bytes. */
export interface Stretch {
  readonly path: string
  readonly start: number
  readonly end: number
}

const copyBytes = 1024 * 1024

/** Copies a range of one file to an offset in another. */
export async function copyStretch(
  fs: Fs,
  stretch: Stretch,
  target: FsFile,
  position: number,
  path: string,
): Promise<void> {
  for await (const { bytes, at } of piecesOf(fs, stretch)) {
    await writeFullyAt(target, bytes, position + at - stretch.start, path)
  }
}

/** The checksum of a range of a file. Throws `CHECKPOINT_CORRUPT` if the file is shorter. */
export async function checksumOf(fs: Fs, stretch: Stretch): Promise<number> {
  let sum = 0
  for await (const { bytes } of piecesOf(fs, stretch)) sum = checksum(bytes, sum)
  return sum
}

/**
 * The bytes of a range, in pieces that end with a line if possible, so readers of a copy see complete lines.
 */
async function* piecesOf(
  fs: Fs,
  { path, start, end }: Stretch,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly at: number }> {
  const file = await fs.open(path, 'read')
  try {
    for (let at = start; at < end;) {
      const bytes = await readExactly(file, at, Math.min(end - at, copyBytes), path)
      const whole = bytes.lastIndexOf(0x0a) + 1
      const piece = whole > 0 ? bytes.subarray(0, whole) : bytes
      yield { bytes: piece, at }
      at += piece.length
    }
  } finally {
    await file.close()
  }
}

/** Reads exactly `count` bytes. Throws `CHECKPOINT_CORRUPT` if the file is shorter. */
export async function readExactly(
  file: FsFile,
  at: number,
  count: number,
  path: string,
): Promise<Uint8Array> {
  const bytes = await readAt(file, at, count)
  if (bytes.length === count) return bytes
  throw new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${path}: ends at byte ${at + bytes.length}, where a checkpoint has ${at + count}; restore the file, or go back to ` +
      'an earlier checkpoint',
    { place: path },
  )
}
