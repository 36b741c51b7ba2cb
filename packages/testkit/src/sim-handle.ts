import { MillraceError } from '@millrace/core'
import type { FsFile } from '@millrace/core'
import type { SimFile } from './sim-file.ts'
import type { Change, SimDisk } from './sim-disk.ts'

/** An open file of a `SimFs`. Calls that overlap are refused: the contract forbids them. */
export class SimHandle implements FsFile {
  readonly path: string
  readonly #disk: SimDisk
  readonly #file: SimFile
  readonly #isWritable: boolean
  readonly #release: (handle: SimHandle) => void
  #isBusy = false
  #isClosed = false

  constructor(
    disk: SimDisk,
    file: SimFile,
    path: string,
    isWritable: boolean,
    release: (handle: SimHandle) => void,
  ) {
    this.path = path
    this.#disk = disk
    this.#file = file
    this.#isWritable = isWritable
    this.#release = release
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#change({
      kind: 'write',
      path: this.path,
      whole: () => this.#append(bytes, this.#disk.roomFor(bytes.length, this.path)),
      part: (random) => void this.#append(bytes, random.int(bytes.length + 1)),
      detail: (count) => `${count} of ${bytes.length} bytes`,
    })
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#alone(() =>
      this.#disk.look(() => {
        const bytes = this.#file.bytes().subarray(position, position + into.length)
        into.set(bytes)
        return bytes.length
      }),
    )
  }

  truncate(size: number): Promise<void> {
    return this.#change({
      kind: 'truncate',
      path: this.path,
      whole: () => this.#file.truncate(size),
      detail: () => `to ${size} bytes`,
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

  #append(bytes: Uint8Array, count: number): number {
    this.#file.append(bytes.subarray(0, count))
    this.#file.modifiedMs = this.#disk.now()
    return count
  }

  #change<T>(change: Change<T>): Promise<T> {
    return this.#alone(() => {
      if (!this.#isWritable) {
        throw new MillraceError('FS_DENIED', `${this.path}: opened for reading; open it to append`)
      }
      return this.#disk.change(change)
    })
  }

  async #alone<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new MillraceError('FS_IO', `${this.path}: the file is closed; open it again`)
    if (this.#isBusy) {
      throw new MillraceError('INTERNAL', `${this.path}: two calls on one open file overlap; await the first`)
    }
    this.#isBusy = true
    try {
      return await call()
    } finally {
      this.#isBusy = false
    }
  }
}
