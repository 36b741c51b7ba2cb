import { isMillraceError, MillraceError } from '../errors/errors.ts'
import type { Fs, FsFile } from './fs.ts'
import type { Owner } from './owner.ts'

/** Writes all bytes or rejects. The only place that handles short writes. */
export function writeFully(file: FsFile, bytes: Uint8Array, path: string): Promise<void> {
  return writeAll(bytes, path, (rest) => file.write(rest))
}

/** Writes all bytes from `position` on, or rejects. The file is opened to update. */
export function writeFullyAt(file: FsFile, bytes: Uint8Array, position: number, path: string): Promise<void> {
  return writeAll(bytes, path, (rest, written) => file.writeAt(rest, position + written))
}

async function writeAll(
  bytes: Uint8Array,
  path: string,
  write: (rest: Uint8Array, written: number) => Promise<number>,
): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const count = await write(written === 0 ? bytes : bytes.subarray(written), written)
    if (count <= 0) {
      throw new MillraceError(
        'FS_IO',
        `${path}: a write accepted ${count} of ${bytes.length - written} bytes; check the disk`,
      )
    }
    written += count
  }
}

/** Reads `length` bytes from `offset` into a new buffer, or fewer at the end of the file. */
export async function readAt(file: FsFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const count = await file.read(bytes.subarray(filled), offset + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}

/** Reads a file from its start to its end. */
export async function readWhole(fs: Fs, path: string): Promise<Uint8Array> {
  const file = await fs.open(path, 'read')
  try {
    return await readAt(file, 0, await file.size())
  } finally {
    await file.close()
  }
}

/**
 * Publishes a small file atomically and durably: temporary name, bytes, sync, rename, sync of the
 * directory. After it resolves a crash cannot lose the file; before, a reader sees the old one.
 *
 * With an `owner` a process that has lost its directory cannot publish any more, wherever it was paused: its
 * temporary file exists before it confirms, and the next owner removes it by `removeTemporaries` before it
 * reads.
 */
export async function publishFile(
  fs: Fs,
  directory: string,
  name: string,
  bytes: Uint8Array,
  owner?: Owner,
): Promise<void> {
  const path = `${directory}/${name}`
  const temporary = temporaryOf(path, owner)
  if (await fs.stat(temporary)) await fs.remove(temporary)
  const file = await fs.open(temporary, 'create')
  try {
    await writeFully(file, bytes, temporary)
    await file.sync()
  } finally {
    await file.close()
  }
  await owner?.confirm()
  await fs.rename(temporary, path)
  await fs.syncDirectory(directory)
}

/** The temporary name of `path`; each owner has its own. */
export function temporaryOf(path: string, owner?: Owner): string {
  return owner === undefined ? `${path}.tmp` : `${path}.${owner.epoch}.tmp`
}

/**
 * Removes the temporary files in a directory, so that earlier owners cannot publish them.
 *
 * Call it before you read the published files. `isOurs` selects by the name of the file to be published.
 */
export async function removeTemporaries(
  fs: Fs,
  directory: string,
  owner: Owner,
  isOurs: (name: string) => boolean = () => true,
): Promise<void> {
  for (const { name } of await fs.list(directory)) {
    const [, published, epoch] = /^(.*?)(?:\.(\d+))?\.tmp$/s.exec(name) ?? []
    // A process that was replaced during this must not remove the files of later owners.
    if (published === undefined || Number(epoch ?? 0) > owner.epoch || !isOurs(published)) continue
    await removeIfThere(fs, `${directory}/${name}`)
  }
}

/** Removes a file if it exists. */
export async function removeIfThere(fs: Fs, path: string): Promise<void> {
  try {
    await fs.remove(path)
  } catch (error) {
    if (!isMillraceError(error, 'FS_NOT_FOUND')) throw error
  }
}
