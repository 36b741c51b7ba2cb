import type { Fs, FsEntry, FsFile, FsMode, FsStat } from '@millrace/core/disk'

/** A file system whose calls pass through one place, except for synchronous reads. */
export abstract class InterceptedFs implements Fs {
  readonly #fs: Fs

  constructor(fs: Fs) {
    this.#fs = fs
  }

  /** Makes a call, sooner or later, or never. */
  protected abstract pass<T>(call: () => Promise<T>): Promise<T>

  async open(path: string, mode: FsMode): Promise<FsFile> {
    const file = await this.pass(() => this.#fs.open(path, mode))
    return {
      write: (bytes) => this.pass(() => file.write(bytes)),
      writeAt: (bytes, position) => this.pass(() => file.writeAt(bytes, position)),
      read: (into, position) => this.pass(() => file.read(into, position)),
      readSync: (into, position) => file.readSync(into, position),
      truncate: (size) => this.pass(() => file.truncate(size)),
      sync: () => this.pass(() => file.sync()),
      size: () => this.pass(() => file.size()),
      close: () => this.pass(() => file.close()),
    }
  }

  rename(from: string, to: string): Promise<void> {
    return this.pass(() => this.#fs.rename(from, to))
  }

  remove(path: string): Promise<void> {
    return this.pass(() => this.#fs.remove(path))
  }

  list(path: string): Promise<readonly FsEntry[]> {
    return this.pass(() => this.#fs.list(path))
  }

  stat(path: string): Promise<FsStat | undefined> {
    return this.pass(() => this.#fs.stat(path))
  }

  makeDirectory(path: string): Promise<void> {
    return this.pass(() => this.#fs.makeDirectory(path))
  }

  removeDirectory(path: string): Promise<void> {
    return this.pass(() => this.#fs.removeDirectory(path))
  }

  syncDirectory(path: string): Promise<void> {
    return this.pass(() => this.#fs.syncDirectory(path))
  }
}
