import type { Fs, FsEntry, FsFile, FsMode, FsStat } from '@millrace/core/disk'

/**
 * The file system of a process that is frozen at one of its calls: the call takes effect only once the process resumes.
 * Other processes can change the disk meanwhile.
 *
 * @example
 * const seen = new FreezingFs(fs, 12)
 * const job = run(seen)
 * await seen.frozen // before its 12th call
 * // ... another process takes over on `fs` ...
 * seen.thaw()
 */
export class FreezingFs implements Fs {
  /** The number of calls so far. */
  calls = 0
  /** Resolves when the process is frozen. */
  readonly frozen: Promise<void>
  readonly #fs: Fs
  readonly #at: number
  readonly #thawed: Promise<void>
  #freeze!: () => void
  #thaw!: () => void

  /** Freezes at call `at`, from 1; by default never. */
  constructor(fs: Fs, at: number = Infinity) {
    this.#fs = fs
    this.#at = at
    this.frozen = new Promise((resolve) => (this.#freeze = resolve))
    this.#thawed = new Promise((resolve) => (this.#thaw = resolve))
  }

  /** Resumes the process. */
  thaw(): void {
    this.#thaw()
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

  async #pass<T>(call: () => Promise<T>): Promise<T> {
    if (++this.calls === this.#at) {
      this.#freeze()
      await this.#thawed
    }
    return call()
  }
}
