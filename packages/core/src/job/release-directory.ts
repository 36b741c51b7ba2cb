import type { HeldDirectory } from '../disk/owner.ts'
import { describeError, isMillraceError, type MillraceError } from '../errors/errors.ts'
import type { JobSettings } from './job-options.ts'

/** Releases the data directory of a job. Resolves with the error if another process has acquired it. */
export async function releaseDirectory(
  lock: HeldDirectory,
  { directory, observer }: Pick<JobSettings, 'directory' | 'observer'>,
): Promise<MillraceError | undefined> {
  try {
    await lock.release()
  } catch (error) {
    if (isMillraceError(error, 'DIRECTORY_LOCKED')) return error
    const message = `the lock on ${directory} could not be released: ${describeError(error)}`
    observer({ kind: 'warning', message })
  }
  return undefined
}
