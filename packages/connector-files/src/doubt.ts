import { describeError, isMillraceError, MillraceError, type Fs } from '@millrace/core'

/**
 * Says to the next start that a sync of the output has failed: by an empty file beside it.
 *
 * What such a sync was asked for can be seen, and may never be on the disk, whatever later syncs report. So it is
 * written and named anew, which a reader could notice: for that reason it is not done at every start. The file need not
 * be durable, because a loss of power decides what was in doubt.
 */
export class Doubt {
  readonly #fs: Fs
  readonly #path: string

  constructor(fs: Fs, path: string) {
    this.#fs = fs
    this.#path = path
  }

  async exists(): Promise<boolean> {
    return (await this.#fs.stat(this.#path)) !== undefined
  }

  /** Does something that makes output visible; the doubt is there if a sync fails in it. */
  async during<R>(call: () => Promise<R>): Promise<R> {
    try {
      return await call()
    } catch (error) {
      if (isMillraceError(error, 'FS_SYNC_FAILED')) await this.#arise(error)
      throw error
    }
  }

  /** Everything that was in doubt has been written and named anew. */
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
        `${cause.message} (make an empty file ${this.#path} before you start the job again, or it takes for written ` +
          `what may be lost; it could not be made: ${describeError(error)})`,
        { cause },
      )
    }
  }
}
