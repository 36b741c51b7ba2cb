import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { FsFile } from '@millrace/core/disk'
import { MillraceError } from '@millrace/core'
import { fsFailure, syncFailure } from './fs-failure.ts'

/** An open file of the operating system. */
export class NodeFile implements FsFile {
  readonly #handle: FileHandle
  readonly #path: string
  readonly #isUpdated: boolean
  #failedSync: MillraceError | undefined

  /** `isUpdated`: opened to write by position; otherwise to append. */
  constructor(handle: FileHandle, path: string, isUpdated = false) {
    this.#handle = handle
    this.#path = path
    this.#isUpdated = isUpdated
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#write(bytes, false, null)
  }

  writeAt(bytes: Uint8Array, position: number): Promise<number> {
    return this.#write(bytes, true, position)
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    try {
      const { bytesRead } = await this.#handle.read(into, 0, into.length, position)
      return bytesRead
    } catch (error) {
      throw fsFailure(error, this.#path)
    }
  }

  readSync(into: Uint8Array, position: number): number {
    try {
      return readSync(this.#handle.fd, into, 0, into.length, position)
    } catch (error) {
      throw fsFailure(error, this.#path)
    }
  }

  async truncate(size: number): Promise<void> {
    this.#requireTrust()
    try {
      await this.#handle.truncate(size)
    } catch (error) {
      throw fsFailure(error, this.#path)
    }
  }

  /**
   * Uses fdatasync: it omits times and permissions, but includes the size, which is needed to read the data
   * (fdatasync(2)). Where fdatasync does not exist, Node does a full sync.
   *
   * After a failure the system counts lost pages as written, and a second sync would succeed without them. So
   * the file rejects every later operation.
   */
  async sync(): Promise<void> {
    this.#requireTrust()
    try {
      await this.#handle.datasync()
    } catch (error) {
      this.#failedSync = syncFailure(error, this.#path)
      throw this.#failedSync
    }
  }

  async size(): Promise<number> {
    try {
      const { size } = await this.#handle.stat()
      return size
    } catch (error) {
      throw fsFailure(error, this.#path)
    }
  }

  async close(): Promise<void> {
    try {
      await this.#handle.close()
    } catch (error) {
      throw fsFailure(error, this.#path)
    }
  }

  async #write(bytes: Uint8Array, isByPosition: boolean, position: number | null): Promise<number> {
    this.#requireTrust()
    if (isByPosition !== this.#isUpdated) {
      const way = isByPosition ? "'update' to write by position" : "'append' to write at the end"
      throw new MillraceError('FS_DENIED', `${this.#path}: opened in another mode; open it to ${way}`)
    }
    try {
      const { bytesWritten } = await this.#handle.write(bytes, 0, bytes.length, position)
      return bytesWritten
    } catch (error) {
      throw fsFailure(error, this.#path)
    }
  }

  #requireTrust(): void {
    if (this.#failedSync !== undefined) throw this.#failedSync
  }
}
