import { writeFully, type Fs, type FsFile } from '@millrace/core/disk'
import { checksum } from '@millrace/segment-log'
import type { StagedPart } from './committable.ts'

/** A file that is being written under a hidden name. */
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

  /** All written data, for a committable. */
  get part(): StagedPart {
    return { staged: this.path, length: this.size, checksum: this.#checksum }
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#isDurable = false
    await writeFully(this.#file, bytes, this.path)
    this.size += bytes.length
    this.#checksum = checksum(bytes, this.#checksum)
  }

  /** Syncs the written data. The directory entry is not synced here. */
  async sync(): Promise<void> {
    if (this.#isDurable) return
    await this.#file.sync()
    this.#isDurable = true
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
