import { MillraceError } from './errors.ts'
import type { Fs, FsFile } from './fs.ts'

/** Writes all bytes or rejects. The one place that deals with short writes. */
export async function writeFully(file: FsFile, bytes: Uint8Array, path: string): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const count = await file.write(written === 0 ? bytes : bytes.subarray(written))
    if (count <= 0) {
      throw new MillraceError(
        'FS_IO',
        `${path}: a write took ${count} of ${bytes.length - written} bytes; check the disk`,
      )
    }
    written += count
  }
}

/** Reads a file from its start to its end. */
export async function readWhole(fs: Fs, path: string): Promise<Uint8Array> {
  const file = await fs.open(path, 'read')
  try {
    const bytes = new Uint8Array(await file.size())
    let filled = 0
    while (filled < bytes.length) {
      const count = await file.read(bytes.subarray(filled), filled)
      if (count === 0) break
      filled += count
    }
    return bytes.subarray(0, filled)
  } finally {
    await file.close()
  }
}

/** Who publishes a file, where another process may come to publish it instead. */
export interface Publisher {
  /** Part of the temporary name, different for each process. */
  readonly mark: string
  /** Called when all is written and only the rename is missing; throws if somebody else has taken over. */
  readonly confirm: () => Promise<void>
}

/**
 * Publishes a small file atomically and durably: temporary name, bytes, sync, rename, sync of the
 * directory. After it resolves a crash cannot lose the file; before, a reader sees the old one.
 */
export async function publishFile(
  fs: Fs,
  directory: string,
  name: string,
  bytes: Uint8Array,
  publisher?: Publisher,
): Promise<void> {
  const path = `${directory}/${name}`
  const temporary = publisher === undefined ? `${path}.tmp` : `${path}.${publisher.mark}.tmp`
  if (await fs.stat(temporary)) await fs.remove(temporary)
  const file = await fs.open(temporary, 'create')
  try {
    await writeFully(file, bytes, temporary)
    await file.sync()
  } finally {
    await file.close()
  }
  await publisher?.confirm()
  await fs.rename(temporary, path)
  await fs.syncDirectory(directory)
}
