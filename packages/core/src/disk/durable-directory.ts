/**
 * Creates directories that survive crashes, with the names of all their parents.
 *
 * A name is durable once its parent directory was synced. When that sync fails, no later one is proof: the
 * system may count lost data as written. Only creating the name again gives it another chance. So a doubtful
 * directory is marked, by an empty file next to it:
 *
 *  1. A directory is created only while its mark exists, and the mark is removed only after a later sync has
 *     succeeded.
 *  2. Nothing is put into a directory while its mark exists.
 *
 * So a directory without a mark is durable, and one with a mark is empty, and is removed and created again.
 * If it is not empty, a power loss has restored a mark that had been removed, and the directory is durable.
 *
 * The mark itself need not be durable: the next power loss decides what a failed sync has left in doubt.
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
 * Creates a directory and its parents, and makes their names durable: after it resolves a crash cannot remove
 * the directory. Call this before putting files into a directory, at each start.
 *
 * Every parent is synced each time, because the process that created it may have died before its sync.
 * Parents that cannot be opened for reading are skipped if nothing has to be created in them: another program
 * has created their entries. Otherwise throws `FS_DENIED`.
 */
export async function makeDurableDirectory(fs: Fs, path: string): Promise<void> {
  await makeLevels(fs, path)
}

/**
 * Makes a directory durable and puts its first file into it. For directories that several processes may
 * create concurrently: one of them can mistake the new, empty directory of another for a leftover, and
 * recreate it.
 *
 * `put` is called again if the directory was removed meanwhile; once it has succeeded the directory stays.
 */
export async function putIntoDirectory<T>(fs: Fs, path: string, put: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      const isNew = await makeLevels(fs, path)
      const result = await put()
      // Another process may have recreated it in between, so that the synced name is not the one in use.
      if (isNew) await makeLevels(fs, path)
      return result
    } catch (error) {
      if (!isMillraceError(error, 'FS_NOT_FOUND') || tries === triesMax) throw error
    }
  }
}

/** How often processes can interfere with one another before it must be another problem. */
const triesMax = 20

/** Whether any of the directories was created, or may have been created by another process concurrently. */
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
  // Fails here if the last name is that of a file.
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

/** Removes a directory that another process has created and not made durable; keeps one that is not empty. */
async function removeLeftover(fs: Fs, directory: string): Promise<void> {
  try {
    await unless('FS_NOT_FOUND', unless('FS_EXISTS', fs.removeDirectory(directory)))
  } catch (error) {
    throw about(
      directory,
      'its name may not be on the disk, and it cannot be removed and created again; remove it by hand',
      error,
    )
  }
}

/** The same failure, for the directory it concerns. */
function about(directory: string, what: string, error: unknown): unknown {
  if (!isMillraceError(error)) return error
  const { code, message, isTransient } = error
  return new MillraceError(code, `${directory}: ${what} (${message})`, { cause: error, isTransient })
}

/** False if the directory cannot be opened for reading. */
function syncUnlessDenied(fs: Fs, directory: string): Promise<boolean> {
  return unless('FS_DENIED', fs.syncDirectory(directory))
}

/** Whether an operation succeeded; false if it failed with the code. */
async function unless(code: ErrorCode, done: Promise<unknown>): Promise<boolean> {
  try {
    await done
    return true
  } catch (error) {
    if (isMillraceError(error, code)) return false
    throw error
  }
}

/** Each directory of a path that has a parent, outermost first. */
function levelsOf(path: string): readonly Level[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  const root = path.startsWith('/') ? '' : '.'
  return names.map((name, depth) => {
    const parent = [root, ...names.slice(0, depth)].join('/')
    return { directory: `${parent}/${name}`, parent: parent || '/', mark: `${parent}/.${name}.not-durable` }
  })
}
