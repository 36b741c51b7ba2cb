import { describeError, isMillraceError, MillraceError } from '@millrace/core'
import type { Fs } from '@millrace/core/disk'

/**
 * Marker file: a sync of the output failed, so the next start rewrites the output.
 *
 * Data whose sync failed may be readable but never reach the disk, whatever later syncs report. So it is
 * written again under a new name. Readers could notice that, so it is not done at every start. The marker
 * itself need not be durable: after a power loss only data that was synced remains.
 */
export class FsyncFailedMarker {
  readonly #fs: Fs
  readonly #path: string

  constructor(fs: Fs, path: string) {
    this.#fs = fs
    this.#path = path
  }

  async exists(): Promise<boolean> {
    return (await this.#fs.stat(this.#path)) !== undefined
  }

  /** Runs a step that makes output visible; creates the marker if a sync fails in it. */
  async during<R>(call: () => Promise<R>): Promise<R> {
    try {
      return await call()
    } catch (error) {
      if (isMillraceError(error, 'FS_SYNC_FAILED')) await this.#arise(error)
      throw error
    }
  }

  /** Removes the marker: all doubtful data was written again under new names. */
  async dispel(): Promise<void> {
    if (await this.exists()) await this.#fs.remove(this.#path)
  }

  async #arise(cause: MillraceError): Promise<void> {
    try {
      const file = await this.#fs.open(this.#path, 'append')
      await file.close()
    } catch (error) {
      throw new MillraceError(
        'FS_SYNC_FAILED',
        `${cause.message}. The marker file ${this.#path} could not be created (${describeError(error)}): create an ` +
          'empty one before you start the job again, otherwise the job treats lost data as written',
        { cause },
      )
    }
  }
}
