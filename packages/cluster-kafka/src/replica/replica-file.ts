import type { FsFile } from '@millrace/core/disk'
import type { TrackedFile } from './tracked-files.ts'

/** What a file asks of its file system. */
export interface ReplicaFileHooks {
  /** Throws if nothing may be changed any more. */
  requireSound(): void
  /** Cuts the file to a size by calling `cut`, while nothing is committed. */
  cut(size: number, cut: () => Promise<void>): Promise<void>
}

/** A file of a replicated directory, open for appending: what is written belongs to the next commit. */
export class ReplicaFile implements FsFile {
  readonly #file: FsFile
  readonly #tracked: TrackedFile
  readonly #hooks: ReplicaFileHooks
  #isClosed = false

  constructor(file: FsFile, tracked: TrackedFile, hooks: ReplicaFileHooks) {
    this.#file = file
    this.#tracked = tracked
    this.#hooks = hooks
    tracked.writers++
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.#hooks.requireSound()
    this.#tracked.isSynced = false
    const count = await this.#file.write(bytes)
    this.#tracked.size += count
    return count
  }

  writeAt(bytes: Uint8Array, position: number): Promise<number> {
    return this.#file.writeAt(bytes, position)
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#file.read(into, position)
  }

  readSync(into: Uint8Array, position: number): number {
    return this.#file.readSync(into, position)
  }

  async truncate(size: number): Promise<void> {
    await this.#hooks.cut(size, async () => {
      this.#tracked.isSynced = false
      await this.#file.truncate(size)
      this.#tracked.size = size
    })
  }

  async sync(): Promise<void> {
    await this.#file.sync()
    this.#tracked.isSynced = true
  }

  size(): Promise<number> {
    return this.#file.size()
  }

  async close(): Promise<void> {
    if (!this.#isClosed) this.#tracked.writers--
    this.#isClosed = true
    await this.#file.close()
  }
}
