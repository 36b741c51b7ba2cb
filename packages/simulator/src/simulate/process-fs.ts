import type { Fs, FsEntry, FsFile, FsMode, FsStat } from '@millrace/core/disk'
import { SimulatedCrash } from '@millrace/testkit'
import type { SimFs } from '@millrace/testkit'
import type { SimProcess } from '../world/sim-process.ts'

/** Callbacks of a process's file system. */
export interface DiskWatch {
  /** The disk has crashed during an operation of this process: its outcome is not reported. */
  crashed(): void
  /** An operation failed, or was only partly done. */
  failed(what: string, error: unknown): void
  tookPart(what: string): void
}

/**
 * The view of one process on a simulated disk: each operation takes effect at a later step, in any order with other
 * pending operations, and never if the process is killed first.
 */
export class ProcessFs implements Fs {
  readonly #fs: SimFs
  readonly #process: SimProcess
  readonly #watch: DiskWatch

  constructor(fs: SimFs, process: SimProcess, watch: DiskWatch) {
    this.#fs = fs
    this.#process = process
    this.#watch = watch
  }

  async open(path: string, mode: FsMode): Promise<FsFile> {
    const file = await this.#later(`open ${path}`, () => this.#fs.open(path, mode))
    const later = <T>(what: string, operation: () => Promise<T>): Promise<T> =>
      this.#later(`${what} ${path}`, operation)
    const written = async (bytes: Uint8Array, write: () => Promise<number>): Promise<number> => {
      const taken = await later('write', write)
      if (taken < bytes.length) this.#watch.tookPart(`write ${path}`)
      return taken
    }
    return {
      write: (bytes) => written(bytes, () => file.write(bytes)),
      writeAt: (bytes, position) => written(bytes, () => file.writeAt(bytes, position)),
      read: (into, position) => later('read', () => file.read(into, position)),
      readSync: (into, position) => file.readSync(into, position),
      truncate: (size) => later('truncate', () => file.truncate(size)),
      sync: () => later('sync', () => file.sync()),
      size: () => later('size', () => file.size()),
      close: () => later('close', () => file.close()),
    }
  }

  rename(from: string, to: string): Promise<void> {
    return this.#later(`rename ${from}`, () => this.#fs.rename(from, to))
  }

  remove(path: string): Promise<void> {
    return this.#later(`remove ${path}`, () => this.#fs.remove(path))
  }

  list(path: string): Promise<readonly FsEntry[]> {
    return this.#later(`list ${path}`, () => this.#fs.list(path))
  }

  stat(path: string): Promise<FsStat | undefined> {
    return this.#later(`stat ${path}`, () => this.#fs.stat(path))
  }

  makeDirectory(path: string): Promise<void> {
    return this.#later(`makeDirectory ${path}`, () => this.#fs.makeDirectory(path))
  }

  removeDirectory(path: string): Promise<void> {
    return this.#later(`removeDirectory ${path}`, () => this.#fs.removeDirectory(path))
  }

  syncDirectory(path: string): Promise<void> {
    return this.#later(`syncDirectory ${path}`, () => this.#fs.syncDirectory(path))
  }

  async #later<T>(what: string, operation: () => Promise<T>): Promise<T> {
    await this.#process.later(what, () => {})
    try {
      return await operation()
    } catch (error) {
      if (error instanceof SimulatedCrash) {
        this.#watch.crashed()
        return new Promise<never>(() => {})
      }
      this.#watch.failed(what, error)
      throw error
    }
  }
}
