/**
 * Directories that no crash takes away, with the names of all their parents.
 *
 * A name is durable once the directory that holds it was synced. When that sync fails, no later one is proof: the
 * system may count as written what it could not write. Only a name that is given anew has another chance. So what
 * is in doubt is marked, by an empty file beside the directory:
 *
 *  1. A directory is made only while its mark is there, and the mark goes only after a sync that was asked for later
 *     has succeeded.
 *  2. Nothing is put into a directory while its mark is there.
 *
 * So whoever finds a directory without a mark may rely on it, and one with a mark is empty, removed and made again.
 * If it is not empty, a loss of power has brought back a mark that was gone, and the directory is durable.
 *
 * The mark itself need not be durable: what a sync has left in doubt is decided by the next loss of power.
 */
import { isMillraceError, MillraceError, type ErrorCode } from '../errors/errors.ts'
import type { Fs } from './fs.ts'

/** A directory, the one that holds its name, and its mark. */
interface Level {
  readonly directory: string
  readonly parent: string
  readonly mark: string
}

/**
 * Makes a directory and its parents, and makes their names durable: after it resolves a crash cannot take the
 * directory away. Whoever puts files into a directory calls this first, at each start.
 *
 * Every parent is synced each time, because whoever has made a directory may not have lived to do it. Parents that
 * may not be opened for reading are left alone if nothing has to be made in them: somebody else has made what they
 * hold. Otherwise throws `FS_DENIED`.
 */
export async function makeDurableDirectory(fs: Fs, path: string): Promise<void> {
  await makeLevels(fs, path)
}

/**
 * Makes a directory durable and puts its first file into it. For directories that several processes may make at the
 * same moment: one of them can take the new, empty directory of another for a leftover, and make it again.
 *
 * `put` is called again if the directory was gone by then; once it has succeeded the directory stays.
 */
export async function putIntoDirectory<T>(fs: Fs, path: string, put: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      const isNew = await makeLevels(fs, path)
      const result = await put()
      // Another process may have made it again in between, so that the name that was synced is not the one in use.
      if (isNew) await makeLevels(fs, path)
      return result
    } catch (error) {
      if (!isMillraceError(error, 'FS_NOT_FOUND') || tries === triesMax) throw error
    }
  }
}

/** How often processes can get in one another's way before it must be something else. */
const triesMax = 20

/** Whether any of the directories was made, or may have been made by another process at the same moment. */
async function makeLevels(fs: Fs, path: string): Promise<boolean> {
  let isNew = false
  for (const level of levelsOf(path)) {
    if ((await fs.stat(level.mark)) !== undefined) await removeLeftover(fs, level.directory)
    else if ((await fs.stat(level.directory)) !== undefined) {
      await syncUnlessDenied(fs, level.parent)
      continue
    }
    await makeLevel(fs, level)
    isNew = true
  }
  // Where the last name is that of a file this says so.
  await fs.makeDirectory(path)
  return isNew
}

async function makeLevel(fs: Fs, { directory, parent, mark }: Level): Promise<void> {
  await putMark(fs, directory, mark)
  await fs.makeDirectory(directory)
  if (!(await syncUnlessDenied(fs, parent))) {
    await removeLeftover(fs, directory)
    await unless('FS_NOT_FOUND', fs.remove(mark))
    throw new MillraceError(
      'FS_DENIED',
      `${directory}: its name cannot be made durable, because ${parent} may not be opened for reading; give this ` +
        `user access to ${parent}, or make ${directory} before the job is started`,
    )
  }
  await unless('FS_NOT_FOUND', fs.remove(mark))
}

async function putMark(fs: Fs, directory: string, mark: string): Promise<void> {
  try {
    const file = await fs.open(mark, 'append')
    await file.close()
  } catch (error) {
    throw about(directory, 'it cannot be made', error)
  }
}

/** Removes a directory that a process has made and not made sure of; leaves alone what holds anything. */
async function removeLeftover(fs: Fs, directory: string): Promise<void> {
  try {
    await unless('FS_NOT_FOUND', unless('FS_EXISTS', fs.removeDirectory(directory)))
  } catch (error) {
    throw about(
      directory,
      'it is not known whether its name is on the disk, and it cannot be removed to be made again; remove it by hand',
      error,
    )
  }
}

/** The same failure, told of the directory that it is about. */
function about(directory: string, what: string, error: unknown): unknown {
  if (!isMillraceError(error)) return error
  const { code, message, isTransient } = error
  return new MillraceError(code, `${directory}: ${what} (${message})`, { cause: error, isTransient })
}

/** False if the directory may not be opened for reading. */
function syncUnlessDenied(fs: Fs, directory: string): Promise<boolean> {
  return unless('FS_DENIED', fs.syncDirectory(directory))
}

/** Whether something was done; false if that failed with the code. */
async function unless(code: ErrorCode, done: Promise<unknown>): Promise<boolean> {
  try {
    await done
    return true
  } catch (error) {
    if (isMillraceError(error, code)) return false
    throw error
  }
}

/** Each directory of a path that stands in another one, outermost first. */
function levelsOf(path: string): readonly Level[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  const root = path.startsWith('/') ? '' : '.'
  return names.map((name, depth) => {
    const parent = [root, ...names.slice(0, depth)].join('/')
    return { directory: `${parent}/${name}`, parent: parent || '/', mark: `${parent}/.${name}.not-durable` }
  })
}
