import { writeFully, type Fs, type FsFile } from '@millrace/core'
import { checksum } from './checksum.ts'
import type { StagedPart } from './committable.ts'

/** A file that is being written where no reader looks. */
export class StagedFile {
  readonly path: string
  /** How many bytes were written, durable or not. */
  size = 0
  readonly #file: FsFile
  #checksum = 0
  #isDurable = true

  private constructor(path: string, file: FsFile) {
    this.path = path
    this.#file = file
  }

  static async create(fs: Fs, path: string): Promise<StagedFile> {
    return new StagedFile(path, await fs.open(path, 'create'))
  }

  /** All that was written, for a committable. */
  get part(): StagedPart {
    return { staged: this.path, length: this.size, checksum: this.#checksum }
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#isDurable = false
    await writeFully(this.#file, bytes, this.path)
    this.size += bytes.length
    this.#checksum = checksum(bytes, this.#checksum)
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
