import type { Fs } from '@millrace/core/disk'
import { isMillraceError } from '@millrace/core'

/** What is in a directory, with paths inside it. */
export interface Tree {
  /** The size of every file. */
  readonly files: ReadonlyMap<string, number>
  /** All directories, each after the one that it is in. */
  readonly directories: readonly string[]
}

/** Reads what is in a directory and in those below it; a directory that does not exist is empty. */
export async function readTree(fs: Fs, root: string): Promise<Tree> {
  const files = new Map<string, number>()
  const directories: string[] = []
  const visit = async (inside: string): Promise<void> => {
    for (const { name, kind } of await fs.list(`${root}${inside}`)) {
      const path = `${inside}/${name}`
      if (kind === 'directory') {
        directories.push(path.slice(1))
        await visit(path)
      } else files.set(path.slice(1), (await fs.stat(`${root}${path}`))?.size ?? 0)
    }
  }
  try {
    await visit('')
  } catch (error) {
    if (!isMillraceError(error, 'FS_NOT_FOUND')) throw error
  }
  return { files, directories }
}

/** Removes directories that have no files below them. */
export async function removeEmptyDirectories(fs: Fs, root: string): Promise<void> {
  const { files, directories } = await readTree(fs, root)
  const paths = [...files.keys()]
  for (const directory of directories.toReversed()) {
    if (!paths.some((path) => path.startsWith(`${directory}/`)))
      await fs.removeDirectory(`${root}/${directory}`)
  }
}

/** The directory of a path: "state" of "state/segment-1"; empty for a path without one. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
