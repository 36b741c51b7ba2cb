import { writeFully, type Fs, type FsFile } from '@millrace/core'

/** A file that is being written where no reader looks. */
export class StagedFile {
  readonly path: string
  /** How many bytes were written, durable or not. */
  size = 0
  readonly #file: FsFile
  #isDurable = true

  private constructor(path: string, file: FsFile) {
    this.path = path
    this.#file = file
  }

  static async create(fs: Fs, path: string): Promise<StagedFile> {
    return new StagedFile(path, await fs.open(path, 'create'))
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#isDurable = false
    await writeFully(this.#file, bytes, this.path)
    this.size += bytes.length
  }

  /** Makes what was written durable. Its name is the directory's affair. */
  async sync(): Promise<void> {
    if (this.#isDurable) return
    await this.#file.sync()
    this.#isDurable = true
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** Removes a file; fine if there is none. */
export async function removeIfThere(fs: Fs, path: string): Promise<void> {
  if ((await fs.stat(path)) !== undefined) await fs.remove(path)
}
