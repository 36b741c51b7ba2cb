import type { Fs, FsEntry, FsFile, FsMode, FsStat } from '@millrace/core/disk'
import { SimulatedCrash, type SimFs } from '@millrace/testkit'
import type { Random } from '@millrace/world'
import type { Process } from './process.ts'

/** How the disk of a process behaves. */
export interface DiskManners {
  /** The share of operations that take time. */
  readonly slowShare: number
  readonly slowMs: number
  readonly random: Random
  /** The process dies in an operation, because the disk was to crash there. */
  readonly crashed: () => void
}

/** The disk as one process uses it: some operations take time, and those of a dead process never end. */
export class ProcessFs implements Fs {
  readonly #fs: SimFs
  readonly #process: Process
  readonly #manners: DiskManners

  constructor(fs: SimFs, process: Process, manners: DiskManners) {
    this.#fs = fs
    this.#process = process
    this.#manners = manners
  }

  async open(path: string, mode: FsMode): Promise<FsFile> {
    const file = await this.#pass(() => this.#fs.open(path, mode))
    return {
      write: (bytes) => this.#pass(() => file.write(bytes)),
      writeAt: (bytes, position) => this.#pass(() => file.writeAt(bytes, position)),
      read: (into, position) => this.#pass(() => file.read(into, position)),
      readSync: (into, position) => file.readSync(into, position),
      truncate: (size) => this.#pass(() => file.truncate(size)),
      sync: () => this.#pass(() => file.sync()),
      size: () => this.#pass(() => file.size()),
      close: () => this.#pass(() => file.close()),
    }
  }

  rename(from: string, to: string): Promise<void> {
    return this.#pass(() => this.#fs.rename(from, to))
  }

  remove(path: string): Promise<void> {
    return this.#pass(() => this.#fs.remove(path))
  }

  list(path: string): Promise<readonly FsEntry[]> {
    return this.#pass(() => this.#fs.list(path))
  }

  stat(path: string): Promise<FsStat | undefined> {
    return this.#pass(() => this.#fs.stat(path))
  }

  makeDirectory(path: string): Promise<void> {
    return this.#pass(() => this.#fs.makeDirectory(path))
  }

  removeDirectory(path: string): Promise<void> {
    return this.#pass(() => this.#fs.removeDirectory(path))
  }

  syncDirectory(path: string): Promise<void> {
    return this.#pass(() => this.#fs.syncDirectory(path))
  }

  async #pass<T>(operation: () => Promise<T>): Promise<T> {
    const { random, slowShare, slowMs, crashed } = this.#manners
    if (slowShare > 0 && random.next() < slowShare) await this.#process.later(random.next() * slowMs)
    try {
      const result = await operation()
      if (this.#process.isAlive) return result
    } catch (error) {
      if (error instanceof SimulatedCrash) crashed()
      else if (this.#process.isAlive) throw error
    }
    return new Promise(() => {})
  }
}
