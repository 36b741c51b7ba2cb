import { MillraceError, writeFully, type Fs, type FsFile } from '@millrace/core'

/** A stretch of a staged file, in bytes. */
export interface Stretch {
  readonly path: string
  readonly start: number
  readonly end: number
}

const copyBytes = 1024 * 1024

/** Appends stretches of staged files to a file, which is made if it is missing, and makes the bytes durable. */
export async function appendStaged(fs: Fs, path: string, stretches: readonly Stretch[]): Promise<void> {
  const target = await fs.open(path, 'append')
  try {
    for (const stretch of stretches) {
      for await (const bytes of readStretch(fs, stretch)) await writeFully(target, bytes, path)
    }
    await target.sync()
  } finally {
    await target.close()
  }
}

/** The bytes of a stretch, in pieces that end with a line where possible: a reader of the copy sees whole lines. */
async function* readStretch(fs: Fs, { path, start, end }: Stretch): AsyncGenerator<Uint8Array> {
  const file = await fs.open(path, 'read')
  try {
    for (let at = start; at < end;) {
      const bytes = await readAt(file, at, Math.min(end - at, copyBytes), path)
      const whole = bytes.lastIndexOf(0x0a) + 1
      const piece = whole > 0 ? bytes.subarray(0, whole) : bytes
      yield piece
      at += piece.length
    }
  } finally {
    await file.close()
  }
}

/** Reads exactly `count` bytes. Throws `SINK_FAILED` if the file is shorter. */
export async function readAt(file: FsFile, at: number, count: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(count)
  let filled = 0
  while (filled < count) {
    const read = await file.read(bytes.subarray(filled), at + filled)
    if (read === 0) {
      throw new MillraceError(
        'SINK_FAILED',
        `${path}: ends at byte ${at + filled}, where a checkpoint has ${at + count}; restore the file, or start ` +
          'from another checkpoint',
        { place: path },
      )
    }
    filled += read
  }
  return bytes
}
