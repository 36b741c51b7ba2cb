import { MillraceError } from '@millrace/core'
import type { FsFile, FsMode } from '@millrace/core/disk'
import type { SimFile } from './sim-file.ts'
import type { Change, SimDisk } from './sim-disk.ts'

/** An open file of a `SimFs`. Overlapping calls are rejected, because the contract forbids them. */
export class SimHandle implements FsFile {
  readonly path: string
  readonly #disk: SimDisk
  readonly #file: SimFile
  readonly #mode: FsMode
  readonly #release: (handle: SimHandle) => void
  #isBusy = false
  #isClosed = false

  constructor(
    disk: SimDisk,
    file: SimFile,
    path: string,
    mode: FsMode,
    release: (handle: SimHandle) => void,
  ) {
    this.path = path
    this.#disk = disk
    this.#file = file
    this.#mode = mode
    this.#release = release
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#change({
      kind: 'write',
      path: this.path,
      whole: () => this.#put(bytes, this.#file.size, this.#disk.roomFor(bytes.length, 0, this.path)),
      part: (random) => void this.#put(bytes, this.#file.size, random.int(bytes.length + 1)),
      detail: (count) => `${count} of ${bytes.length} bytes`,
      needs: ['create', 'append'],
    })
  }

  writeAt(bytes: Uint8Array, position: number): Promise<number> {
    const held = (): number => Math.min(Math.max(this.#file.size - position, 0), bytes.length)
    return this.#change({
      kind: 'write',
      path: this.path,
      whole: () => this.#put(bytes, position, this.#disk.roomFor(bytes.length, held(), this.path)),
      part: (random) => void this.#put(bytes, position, random.int(bytes.length + 1)),
      detail: (count) => `${count} of ${bytes.length} bytes at ${position}`,
      needs: ['update'],
    })
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#alone(() => this.#disk.look(() => this.#copy(into, position)))
  }

  readSync(into: Uint8Array, position: number): number {
    this.#requireFree()
    return this.#copy(into, position)
  }

  truncate(size: number): Promise<void> {
    return this.#change({
      kind: 'truncate',
      path: this.path,
      whole: () => this.#file.truncate(size),
      detail: () => `to ${size} bytes`,
      needs: ['create', 'update', 'append'],
    })
  }

  sync(): Promise<void> {
    return this.#alone(() =>
      this.#disk.change({
        kind: 'sync',
        path: this.path,
        whole: () => this.#file.sync(),
        part: (random) => this.#file.tearSync(random),
        failed: () => this.#file.failSync(),
      }),
    )
  }

  size(): Promise<number> {
    return this.#alone(() => this.#disk.look(() => this.#file.size))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    await this.#alone(() => this.#disk.look(() => this.#release(this)))
    this.#isClosed = true
  }

  #copy(into: Uint8Array, position: number): number {
    const bytes = this.#file.bytes().subarray(position, position + into.length)
    into.set(bytes)
    return bytes.length
  }

  #put(bytes: Uint8Array, position: number, count: number): number {
    this.#file.put(position, bytes.subarray(0, count))
    this.#file.modifiedMs = this.#disk.now()
    return count
  }

  #change<T>(change: Change<T> & { readonly needs: readonly FsMode[] }): Promise<T> {
    return this.#alone(() => {
      if (!change.needs.includes(this.#mode)) {
        const needed = change.needs.at(-1)
        throw new MillraceError(
          'FS_DENIED',
          `${this.path}: opened to ${this.#mode}; open it to ${needed} for a ${change.kind}`,
        )
      }
      return this.#disk.change(change)
    })
  }

  async #alone<T>(call: () => Promise<T>): Promise<T> {
    this.#requireFree()
    this.#isBusy = true
    try {
      return await call()
    } finally {
      this.#isBusy = false
    }
  }

  #requireFree(): void {
    if (this.#isClosed) throw new MillraceError('FS_IO', `${this.path}: the file is closed; open it again`)
    if (this.#isBusy) {
      throw new MillraceError('INTERNAL', `${this.path}: two calls on one open file overlap; await the first`)
    }
  }
}
