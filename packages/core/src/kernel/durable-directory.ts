import { isMillraceError } from './errors.ts'
import type { Fs } from './fs.ts'

/**
 * Makes a directory and its parents, and makes their names durable: after it resolves a crash cannot take the
 * directory away.
 *
 * A directory that exists already counts as undurable, because it may have been made just before a crash.
 * Parents that may not be opened for reading are left alone: whoever may not read a directory did not make
 * it either.
 */
export async function makeDurableDirectory(fs: Fs, path: string): Promise<void> {
  await fs.makeDirectory(path)
  for (const parent of parentsOf(path)) {
    try {
      await fs.syncDirectory(parent)
    } catch (error) {
      if (!isMillraceError(error, 'FS_DENIED')) throw error
    }
  }
}

/** Each directory that holds a name of the path, outermost first. */
function parentsOf(path: string): string[] {
  const root = path.startsWith('/') ? '/' : '.'
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  return names.map((_, depth) => [root === '/' ? '' : root, ...names.slice(0, depth)].join('/') || '/')
}
