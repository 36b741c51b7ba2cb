import { MillraceError } from '../errors/errors.ts'
import type { Fs } from './fs.ts'

/**
 * The same files, of which none can be changed: for looking at a directory that belongs to another process. What only makes
 * names durable does nothing, and a directory that exists may be made again. Everything else that writes is refused.
 */
export function readOnlyFs(fs: Fs): Fs {
  const refuse = async (path: string): Promise<never> => {
    await Promise.resolve()
    throw new MillraceError('FS_DENIED', `${path}: it was opened for reading only, and must not be changed`)
  }
  return {
    open: (path, mode) => (mode === 'read' ? fs.open(path, 'read') : refuse(path)),
    list: (path) => fs.list(path),
    stat: (path) => fs.stat(path),
    rename: refuse,
    remove: refuse,
    removeDirectory: refuse,
    makeDirectory: async (path) => {
      if ((await fs.stat(path))?.kind === 'directory') return
      throw new MillraceError('FS_NOT_FOUND', `${path}: there is no such directory`)
    },
    syncDirectory: async () => {},
  }
}
