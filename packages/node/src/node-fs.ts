import { mkdir, open, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises'
import { platform } from 'node:process'
import { watch, type BigIntStats } from 'node:fs'
import type { Fs, FsEntry, FsFile, FsStat } from '@millrace/core/disk'
import { MillraceError } from '@millrace/core'
import { fsFailure, syncFailure, systemCode } from './fs-failure.ts'
import { nativePath, textOfName } from './native-path.ts'
import { NodeFile } from './node-file.ts'

/** `create` and `append` write at the end, also after the file was truncated. All modes can read. */
const flags = { read: 'r', create: 'ax+', append: 'a+', update: 'r+' } as const

/**
 * The file system of this machine.
 *
 * `FsStat.identity` is the inode number and the time of birth: an inode number is reused as soon as its file
 * is removed. The device number is omitted, because it may change whenever a volume is mounted again; it is
 * used instead of the time of birth where the system does not report that.
 *
 * A name that is not UTF-8 is listed too: each invalid byte is a lone surrogate, U+DC80 to U+DCFF.
 *
 * On Windows directories cannot be synced, and NTFS journals its names; there `syncDirectory` only checks
 * that the directory exists.
 *
 * @example
 * await publishFile(nodeFs, 'data', 'manifest', bytes)
 */
export const nodeFs: Fs = {
  async open(path, mode): Promise<FsFile> {
    try {
      const handle = await open(nativePath(path), flags[mode])
      // The system opens a directory for reading and fails only the read.
      if (mode === 'read' && (await handle.stat()).isDirectory()) {
        await handle.close()
        throw new MillraceError('FS_IO', `${path}: is a directory; give a file`)
      }
      return new NodeFile(handle, path, mode === 'update')
    } catch (error) {
      throw error instanceof MillraceError ? error : fsFailure(error, path)
    }
  },

  async rename(from, to) {
    try {
      await rename(nativePath(from), nativePath(to))
    } catch (error) {
      throw fsFailure(error, `${from} -> ${to}`)
    }
  },

  async remove(path) {
    try {
      await unlink(nativePath(path))
    } catch (error) {
      throw fsFailure(error, path)
    }
  },

  async list(path): Promise<readonly FsEntry[]> {
    try {
      const found = await readdir(nativePath(path), { encoding: 'buffer', withFileTypes: true })
      const entries: FsEntry[] = []
      for (const entry of found) {
        const name = textOfName(entry.name)
        const kind = entry.isSymbolicLink() ? await kindBehind(`${path}/${name}`) : kindOf(entry)
        entries.push({ name, kind })
      }
      entries.sort((a, b) => (a.name < b.name ? -1 : 1))
      return entries
    } catch (error) {
      throw error instanceof MillraceError ? error : fsFailure(error, path)
    }
  },

  async stat(path): Promise<FsStat | undefined> {
    try {
      const found = await stat(nativePath(path), { bigint: true })
      return { kind: kindOf(found), size: Number(found.size), ...facts(found) }
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return undefined
      throw fsFailure(error, path)
    }
  },

  async makeDirectory(path) {
    try {
      await mkdir(nativePath(path), { recursive: true })
    } catch (error) {
      throw fsFailure(error, path)
    }
  },

  async removeDirectory(path) {
    try {
      await rmdir(nativePath(path))
    } catch (error) {
      throw fsFailure(error, path)
    }
  },

  async syncDirectory(path) {
    let handle
    try {
      handle = await open(nativePath(path), 'r')
      if (!(await handle.stat()).isDirectory()) {
        throw new MillraceError('FS_NOT_FOUND', `${path}: is a file, not a directory; check the path`)
      }
      if (platform === 'win32') return
      await handle.sync().catch((error: unknown) => {
        throw syncFailure(error, path)
      })
    } catch (error) {
      throw error instanceof MillraceError ? error : fsFailure(error, path)
    } finally {
      await handle?.close()
    }
  },

  watch(path, onChange) {
    try {
      const watcher = watch(nativePath(path), { persistent: false }, onChange)
      // For example when the file is on a volume that was removed: from then on there are no hints.
      watcher.on('error', () => watcher.close())
      return { [Symbol.dispose]: () => watcher.close() }
    } catch {
      // It does not exist, or the system watches as many files as it can.
      return { [Symbol.dispose]() {} }
    }
  },
}

function facts(found: BigIntStats): Pick<FsStat, 'modifiedMs' | 'identity'> {
  const { dev, ino, birthtimeNs } = found
  const identity = birthtimeNs === 0n ? `${ino}@${dev}` : `${ino}:${birthtimeNs}`
  return { modifiedMs: Number(found.mtimeNs) / 1e6, identity }
}

/** The kind of a link's target; `other` if it is missing, in a loop or not accessible. */
async function kindBehind(link: string): Promise<FsEntry['kind']> {
  try {
    return kindOf(await stat(nativePath(link)))
  } catch {
    return 'other'
  }
}

function kindOf(found: { isFile(): boolean; isDirectory(): boolean }): FsEntry['kind'] {
  if (found.isFile()) return 'file'
  return found.isDirectory() ? 'directory' : 'other'
}
